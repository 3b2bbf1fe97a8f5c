"""The command line: one file per command, which reads arguments, wires rooms together and exits.

Nothing is decided here; use-cases decide, `console` prints.
"""
