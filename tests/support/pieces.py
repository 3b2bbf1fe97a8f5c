"""Pieces of audiences: of rows that a test has, and what was read of a file."""

from collections.abc import Iterable, Iterator

import polars as pl

from zalosync.audience.limits import Limits
from zalosync.audience.part import Part, numbered
from zalosync.audience.piece import Made, Piece, Records


def piece(rows: pl.DataFrame) -> Piece:
    """Some rows, as an audience gives them."""
    return Piece(Made(Part(rows, numbered(2, rows.height))), "people.csv", Limits())


def parts_of(read: Iterable[Part | Records]) -> Iterator[Part]:
    """What a format's reader gives, looked into."""
    return (each if isinstance(each, Part) else each.part() for each in read)
