"""Alembic's migrations of the ledger; run by `ledger.migrate` only."""
