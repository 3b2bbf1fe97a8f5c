"""Pieces of Markdown: foreign text that draws nothing, and parts that fit a comment."""

import re
from collections.abc import Iterable
from itertools import islice

from zalosync.console.display import display

MARKER = "<!-- zalosync:plan"
LONGEST = 60_000  # characters; GitHub refuses comments over 65,536
# Of campaigns and of lines of a list at most so many, and in all at most so many characters of a list.
MOST_CAMPAIGNS, MOST_LINES, LINES_ROOM = 100, 30, 6_000
_ZERO_WIDTH = "\u200b"


def code(text: str, length: int = 200) -> str:
    """A foreign text as inline code that nothing in it can close."""
    shown = display(text, length).replace("@", f"@{_ZERO_WIDTH}").replace("<!--", f"<!{_ZERO_WIDTH}--")
    shown = shown.strip() or "-"
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def fitting(parts: Iterable[str], count: int, room: int, most: int) -> tuple[list[str], int]:
    """The first of so many parts that fit, whole, and how many are left out; those are not even made."""
    kept: list[str] = []
    for part in islice(parts, most):
        room -= len(part) + 1
        if room < 0:
            break
        kept.append(part)
    return kept, count - len(kept)
