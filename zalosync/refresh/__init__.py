"""What became of every message, from three unreliable sources.

`reports` pulls what is handed out once, `logs` asks what is forgotten after two days, `inbox` keeps
evidence durable before it is used, `merge` (pure) joins it into what the ledger knows: a maximum, so
that late, double and disordered evidence never moves a message back.
"""
