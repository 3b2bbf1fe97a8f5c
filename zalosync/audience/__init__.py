"""Who: read the audience in bounded columnar chunks, normalise phones, decide who is not messaged and why.

Reading order: `phone` (what a destination is), `screen` (the tests a row must pass), `read` (files to
chunks), `suppress` (lists of people who must not be messaged). Not here: what a person gets (`compose`),
and every test that needs more than one chunk or the ledger (`plan`).
"""
