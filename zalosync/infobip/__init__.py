"""The only room that knows Infobip's URLs and JSON.

Reading order: `wire` (a request to send and its answer), `evidence` (reports and logs), `account` (public
key, templates, quota), `keys` (RSA-OAEP), `codes` (what a status or an error means), `settings`, `deadline`
and last `client`, where all the HTTP is.

It is not: the judge of what an answer proves (`apply.classify`, `refresh.merge`), nor the keeper of any
state. Facts are from Infobip's OpenAPI file of the Zalo API, version 3.210.0, unless a comment says else.
"""
