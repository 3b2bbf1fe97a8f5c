"""Numbers of columns as bytes, and digests from two columns: as if each were written by itself."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zalosync.compose import digests
from zalosync.compose.digests import halves, joined, raw, split, whole


@given(st.lists(st.integers(0, 2**64 - 1), max_size=200), st.integers(0, 200))
def test_numbers_as_bytes(numbers: list[int], cut: int) -> None:
    """The lowest byte of each first, however the column is put together."""
    column = pl.concat(
        [pl.Series(numbers[:cut], dtype=pl.UInt64), pl.Series(numbers[cut:], dtype=pl.UInt64)], rechunk=False
    )
    expected = b"".join(number.to_bytes(8, "little") for number in numbers)
    assert raw(column) == expected
    small = pl.Series([number % 256 for number in numbers], dtype=pl.UInt8)
    assert raw(small) == bytes(number % 256 for number in numbers)


@pytest.mark.parametrize("padded", [1, 7])
def test_numbers_in_another_form(monkeypatch: pytest.MonkeyPatch, padded: int) -> None:
    """Where the stream is not laid out as expected, the numbers are the same."""
    monkeypatch.setattr(digests, "_PADDED", padded)
    numbers = [0, 1, 2**63, 2**64 - 1, 17]
    assert raw(pl.Series(numbers, dtype=pl.UInt64)) == b"".join(n.to_bytes(8, "little") for n in numbers)


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=50))
def test_there_and_back(given_digests: list[bytes]) -> None:
    """Digests through columns are the digests."""
    columns = halves("m", given_digests)
    assert split(b"".join(given_digests), "m").keys() == columns.keys()
    assert joined(columns["m0"], columns["m1"]) == b"".join(given_digests)
    assert whole(columns["m0"], columns["m1"]) == given_digests
    for name, column in split(b"".join(given_digests), "m").items():
        assert column.to_list() == columns[name].to_list()
