"""Whatever text comes: it is refused, or its rows are those of the standard library's strict reader."""

import csv
import io

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.pieces import parts_of
from zalosync.audience import delimited
from zalosync.audience.limits import Limits
from zalosync.errors import SpecError

_TEXT = st.lists(
    st.sampled_from(
        ['"', '"', '""', ",", ",", "\n", "\n", "\r\n", "\r", "a", "b", "é", "\u0323", " ", ";", "\0"]
    ),
    max_size=25,
).map("".join)


@given(_TEXT, st.integers(1, 30))
@example('"a\nb",c\n1,2\n', 3)
@example("a,b\r\n\r\n1,2\r\n", 2)
@settings(max_examples=1500)
def test_rows_agree_with_the_standard_library(text: str, size: int) -> None:
    """Accepted text has the rows that Python's own reader finds, blank lines left out; else it is refused."""
    content = text.encode()
    blocks = [content[start : start + size] for start in range(0, len(content), size)]
    try:
        parts = list(parts_of(delimited.read(blocks, "a.csv", Limits(), (",",))))
    except SpecError:
        return
    columns = parts[0].frame.columns
    found = [row for part in parts for row in part.frame.rows()]
    records = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    assert len(columns) == len(records[0])
    assert [len(row) for row in records] == [len(columns)] * len(records)
    if "\u0323" not in text:
        assert [tuple(row) for row in records] == [tuple(columns), *found]
