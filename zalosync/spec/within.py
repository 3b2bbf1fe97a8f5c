"""Where in a file a word of a text stands, such as a column of a template that goes over several lines."""

import re

from zalosync.errors import Place
from zalosync.spec.document import Document, Steps

_BLOCK = re.compile(r"[|>][0-9+-]*\s*(#.*)?$")


def place_within(document: Document, steps: Steps, line: int, column: int, word: str) -> Place:
    """The place of a word of a value; the value's own where it cannot be found.

    Args:
        document: as read.
        steps: to the value, which is a text.
        line: of the text, from 1.
        column: of that line, from 1.
        word: what stands there in the text; may be empty.
    """
    value = document.place(steps)
    text = document.at(steps)
    if not isinstance(text, str) or not 0 < line <= text.count("\n") + 1:
        return value
    raw = _line(document, value.line)[value.column - 1 :]
    if _BLOCK.match(raw) and raw.startswith("|"):
        return _in_block(document, value, text.split("\n")[line - 1], line, column)
    if not word:
        return value
    if line == 1 and not _BLOCK.match(raw):
        begun = column - 1 + (raw[:1] in {'"', "'"})
        if raw.startswith(word, begun):
            return Place(value.file, value.line, value.column + begun)
    return _searched(document, value, word)


def _line(document: Document, number: int) -> str:
    return document.lines[number - 1] if 0 < number <= len(document.lines) else ""


def _in_block(document: Document, value: Place, text: str, line: int, column: int) -> Place:
    """In a literal block (`|`) the lines of the file are those of the text behind an indentation."""
    raw = _line(document, value.line + line).rstrip("\r")
    indent = len(raw) - len(text) if raw.endswith(text) else len(raw) - len(raw.lstrip())
    return Place(value.file, value.line + line, indent + column)


def _searched(document: Document, value: Place, word: str) -> Place:
    """The first place of the word from the value on, up to the next key."""
    after = [place for place in document.keys.values() if place > (value.line, value.column)]
    end = min(after, default=(len(document.lines) + 1, 1))
    whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)" if word[:1].isalnum() else re.escape(word))
    for number in range(value.line, min(end[0], len(document.lines)) + 1):
        start = value.column - 1 if number == value.line else 0
        found = whole.search(_line(document, number), start)
        if found is not None and (number, found.start() + 1) < end:
            return Place(value.file, number, found.start() + 1)
    return value
