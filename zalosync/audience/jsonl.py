"""JSON Lines to columns: one flat object a line, each value as the text that was written.

The first object names the columns. A later object may leave some out or give `null` (both are the empty
string); a key that the first one does not have is an error. Numbers keep their spelling: `1.50` is "1.50".
"""

import json
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from zalosync.audience.broken import Code
from zalosync.audience.limits import Limits
from zalosync.audience.part import Part, check_values, checked_columns, composed, no_rows
from zalosync.audience.records import Body, empty, records
from zalosync.errors import SpecError

_WORDS: dict[object, str] = {True: "true", False: "false", None: ""}


@dataclass(frozen=True, slots=True)
class Records:
    """Some lines of a file whose columns are known."""

    body: Body
    columns: tuple[str, ...]
    limits: Limits

    def part(self) -> Part:
        """The rows.

        Raises:
            SpecError: a line is no flat JSON object, or has a key that the first one has not; names the line.
        """
        self.body.check_no_nul()
        rows = list(_rows(self.body))
        if not rows:
            return no_rows(self.columns)
        part = _part(self.body, rows, self.columns)
        check_values(part, self.body.file, self.limits)
        return part

    def split(self, lines: int) -> "Iterator[Records]":
        """The same lines in pieces of about so many at most."""
        return (Records(body, self.columns, self.limits) for body in self.body.split(lines, quotes=False))


def read(blocks: Iterable[bytes], file: str, limits: Limits) -> Iterator[Part | Records]:
    """The lines of one file, a block at a time; before them a part with the columns and no rows.

    Raises:
        SpecError: the first object cannot be read, or names no columns; names the line.
    """
    columns: tuple[str, ...] = ()
    for body in records(blocks, file, limits, quotes=False):
        if not columns:
            body.check_no_nul()
            first = next(_rows(body), None)
            if first is None:
                continue
            columns = checked_columns(first[1], file, limits)
            yield no_rows(columns)
        yield Records(body, columns, limits)
    if not columns:
        raise empty(file, "one JSON object a line")


def _rows(body: Body) -> Iterator[tuple[int, dict[str, str]]]:
    """The line feeds before each object, and the object; blank lines are no rows."""
    decoder = json.JSONDecoder(
        object_pairs_hook=_flat, parse_int=str, parse_float=str, parse_constant=_no_constant
    )
    for feeds, text in enumerate(body.text().split("\n")):
        if not text.strip(" \t\r"):
            continue
        try:
            row = decoder.decode(text)
            if isinstance(row, dict):
                if "\\u" in text:
                    _check_text(row)
                yield feeds, row
                continue
            message = "the line is no JSON object"
        except _NotFlatError as error:
            message = str(error)
        except (ValueError, RecursionError):
            message = "the line is no JSON"
        raise body.broken(Code.VALUE, feeds, message, allowed="one flat object a line")


class _NotFlatError(Exception):
    """An object that is no row; the message quotes no value."""


def _flat(pairs: list[tuple[str, Any]]) -> dict[str, str]:
    row: dict[str, str] = {}
    for key, value in pairs:
        name = key if key.isascii() else unicodedata.normalize("NFC", key)
        if name in row:
            raise _NotFlatError("a key stands twice in one object")
        if isinstance(value, list | dict):
            raise _NotFlatError("a value is a list or an object")
        row[name] = value if isinstance(value, str) else _WORDS[value]
    return row


def _check_text(row: dict[str, str]) -> None:
    """Escapes can write what is no text: a NUL, or half a character."""
    for value in row.values():
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise _NotFlatError("a value has a NUL character or half a character (a lone surrogate)")


def _no_constant(_: str) -> Any:
    raise _NotFlatError("NaN and Infinity are no JSON")


def _part(body: Body, rows: list[tuple[int, dict[str, str]]], columns: tuple[str, ...]) -> Part:
    for feeds, row in rows:
        if not row.keys() <= set(columns):
            raise _unknown_key(body, feeds, row, columns)
    frame = pl.DataFrame(
        {name: [row.get(name, "") for _, row in rows] for name in columns},
        schema=dict.fromkeys(columns, pl.String),
    )
    lines = pl.Series("line", [body.line_at(feeds) for feeds, _ in rows], dtype=pl.UInt32)
    return Part(composed(frame), lines)


def _unknown_key(body: Body, feeds: int, row: dict[str, str], columns: tuple[str, ...]) -> SpecError:
    message = "the object has keys that the first object has not"
    found = f"{len(row.keys() - set(columns)):,}"
    allowed = ", ".join(f"`{name}`" for name in columns)
    return body.broken(Code.OTHER_COLUMNS, feeds, message, found=found, allowed=allowed)
