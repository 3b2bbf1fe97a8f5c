"""Who: read the audience in bounded columnar chunks, normalise phones, decide who is not messaged and why.

Reading order: `phone` (what a destination is), `screen` (the tests a row must pass), `read` (files to
chunks), `suppress` (lists of people who must not be messaged). Behind `read`, each with one idea: `source`
(bytes within a budget), `encoding` (to UTF-8), `records` (cut at record ends), `delimited`, `jsonl`,
`parquet` and `excel` (a format to parts of columns; in a process of their own, which `apart` starts and
`child` is, because damaged files can abort the process that reads them), `parquet_pages` and `workbook`
(what a compressed file would expand to), `limits`, and `broken` (the errors). Not here: what a person gets
(`compose`), and every test that needs more than one chunk or the ledger.
"""
