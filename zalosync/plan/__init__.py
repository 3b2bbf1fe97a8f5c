"""What differs between what the specs want and what the ledger recorded, and whether that may be sent.

`decide` compares (pure), `guards` limits (pure), `messages` keeps a plan's messages outside of memory,
`build` is the use-case. A plan is handed a ledger that can only be read and a provider that cannot send.
"""
