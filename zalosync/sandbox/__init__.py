"""The double of Infobip's Zalo API: the same calls, the same answers, and a memory of who really got what.

It exists because nobody has a test account for this API. It shares nothing with the rooms it tests; both
sides are held against the OpenAPI file of the contract, so that one mistake is never made twice.

Reading order:

- `settings`   every switch: what the contract leaves unknown, and what this run's world looks like;
  `contradictions` refuses those that could never act
- `model`      the truth: `Model.handle(request, now)`; no HTTP, no thread, no clock of its own
- `accept`     POST /zalo/2/messages: from a body to rows, with `ids`, `spared` and `late`; `validate`,
  `shapes` and `template_shapes` say what a body may look like
- `schedule`, `life`, `delivery`   when a message goes out, what becomes of it, and what that costs, by way of
  `zalo` and `contract` (its refusals), `fates`, `checks` (opened values), `failover`
- `logs`, `reports`, `keys`, `templates`, `media`, `quota`   the other calls
- `auth`, `throttle`, `answers`, `codes`   who may call, how often, both error shapes, statuses and errors by
  number
- `faults`     what goes wrong, by script and seed; `behaviours` has every way by name, out of `refusals`,
  `spoiled` and `twists`; `futile` refuses lines that could never act
- `store`      the one SQLite file; `oracle` reads it, with or without the server
- `server`, `door`, `embedded`, `control`   the way in: sockets, threads, the sandbox's own calls; `clock`,
  `decrypt`, `webhook` and `post` are what the door works with, `kept` what control calls changed

`server.serve(options)` serves it, `embedded.EmbeddedSandbox` runs it inside the calling process, and a
simulator drives `model.Model` on a connection of its own. Times are whole milliseconds since 1970-01-01 UTC
everywhere.
"""
