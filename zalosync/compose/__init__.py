"""What each one gets: checked templates, the message with its identity, failover text.

Not here: reading files (audience), what was sent before (ledger), the wire format (infobip).
"""
