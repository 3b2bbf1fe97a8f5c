"""Asks a person at the terminal; Ctrl-C and the end of the input are a no."""

import select
import sys


def yes(question: str) -> bool:
    """Ask for a `yes`, and take nothing else for one.

    Waits in `select`, not in the read: libraries that handle SIGINT beside Python have reads begun again, so
    that Ctrl-C would go unheard until a line is typed.
    """
    sys.stderr.write(f"{question} Only `yes` is a yes: ")
    sys.stderr.flush()
    select.select([sys.stdin], [], [])
    return sys.stdin.readline().strip() == "yes"
