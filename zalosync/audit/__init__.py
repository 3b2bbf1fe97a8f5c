"""Prove it: what was sent, by whom, and that the record was not changed. Reads only."""
