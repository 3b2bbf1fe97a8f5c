"""Columns of text as one: what is asked about each byte is answered at once, a pattern asks text by text."""

from collections.abc import Iterator

import polars as pl


def as_one(texts: pl.Series) -> bytes:
    """All texts of a column in a row, in UTF-8; null is nothing."""
    joined: bytes = texts.str.join("").cast(pl.Binary)[0]
    return joined


def places_of(byte: bytes, text: bytes) -> Iterator[int]:
    """Where a byte stands: for one that is seldom there."""
    place = text.find(byte)
    while place >= 0:
        yield place
        place = text.find(byte, place + 1)


def any_of(wanted: bytes, text: bytes) -> bool:
    """Whether any of these bytes is in a text."""
    return len(text.translate(None, wanted)) != len(text)
