"""Make it so: send what a plan says, at most once per person, whatever breaks.

`run` is the use-case and the only place that sends; `classify` says what one answer proves, `breaker`
when a run must stop, `plan.pace` when a batch may leave; `batch` cuts requests, `seal` encrypts and
encodes them in worker processes, `flight` posts them from a few threads. The main thread owns the ledger.

The order of writing is the promise: intent durable → one POST → outcome durable. Doubt is `unknown`.
"""
