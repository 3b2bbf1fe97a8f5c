"""Zalo campaigns as code through Infobip.

Reading order for newcomers: `spec.model` (what is wanted) → `compose.message` (what a message is) →
`plan.decide` (what differs) → `apply.run` (how it is sent at most once) → `refresh.merge` (what became
of it). One row walks `audience.read` → `audience.screen` → `compose.desired` → `plan.decide` →
`apply.run` → `infobip.client` → `apply.classify` → `ledger.store` → `refresh.merge` → `audit.report`.

Imports go one way, and import-linter checks it: `cli` → use-cases (`plan.build`, `apply.run`,
`refresh.*`, `audit.*`) → adapters (`ledger`, `infobip`, `audience.read`, `spec.load`,
`compose.desired`) and pure modules → data (`spec.model`, `compose.message`, `provider`, `events`,
`errors`). `console` is the only room that prints; `sandbox` shares nothing with the rooms it tests.

Words: *desired* is what the specs want, *recorded* what the ledger knows; the difference is a *change*,
all changes are a *plan*; an *intent* is the durable mark before a request; what cannot be proven is
*unknown*, and only evidence or a named person settles it.
"""

__version__ = "0.1.0"
