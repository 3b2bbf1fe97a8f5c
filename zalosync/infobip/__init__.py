"""The only room that knows Infobip's URLs and JSON.

Reading order: `wire` (a request to send), `answer` (what an answer says), `evidence` and `evidence_xml`
(reports and logs), `account` (public key, templates, quota; `pinning` for projects), `keys` (RSA-OAEP),
`codes` (what a status or an error means), `slices` (how logs are asked piece by piece); then the HTTP:
`settings`, `deadline`, `exchange`, `transport`, and last `client`.

It is not: the judge of what an answer proves (`apply.classify`, `refresh.merge`), nor the keeper of any
state. Facts are from Infobip's OpenAPI file of the Zalo API, version 3.210.0, unless a comment says else.
"""
