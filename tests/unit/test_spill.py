"""Frames kept outside of memory come back whole, part by part."""

from contextlib import ExitStack

import polars as pl
import pytest

from zalosync.compose.spill import Spill


def frame(first: int, count: int) -> pl.DataFrame:
    """Digests spread over all parts, and a text."""
    numbers = list(range(first, first + count))
    keys = [number * 0x9E3779B97F4A7C15 % 2**64 for number in numbers]
    texts = [f"Đơn {number}" for number in numbers]
    return pl.DataFrame({"m0": pl.Series(keys, dtype=pl.UInt64), "text": texts})


@pytest.mark.parametrize("parts", [1, 2, 7, 256])
def test_all_rows_come_back_in_the_part_of_their_digest(parts: int) -> None:
    """Every row of every frame is in one part, in the order of coming, and parts follow each other."""
    frames = [frame(0, 50), frame(50, 0), frame(50, 1000), frame(1050, 3)]
    with ExitStack() as stack:
        spill = Spill(parts, "m0", stack)
        for each in frames:
            spill.add(each)
        found = [part for number in range(spill.parts) if (part := spill.part(number)) is not None]
        again = spill.part(0)
    assert pl.concat(found).sort("m0").equals(pl.concat(frames).sort("m0"))
    assert again is None or again.equals(found[0])
    highest = [int(part["m0"].max()) for part in found]  # type: ignore[arg-type]
    lowest = [int(part["m0"].min()) for part in found]  # type: ignore[arg-type]
    assert all(high < low for high, low in zip(highest, lowest[1:], strict=False))


def test_frames_that_wait_and_frames_that_are_stored_are_one() -> None:
    """Small frames gather until they are worth storing; the order of coming is kept over both."""
    frames = [frame(first, 30) for first in range(0, 600, 30)]
    with ExitStack() as stack:
        spill = Spill(3, "m0", stack)  # 192 rows are stored at once
        for each in frames:
            spill.add(each)
        found = [spill.part(number) for number in range(3)]
    whole, width = pl.concat(frames), 2**64 // 3 + 1
    for number, part in enumerate(found):
        assert part is not None
        assert part.equals(whole.filter(pl.col("m0") // width == number))


def test_more_can_come_after_a_part_was_read() -> None:
    """Reading a part does not lose what is added later."""
    with ExitStack() as stack:
        spill = Spill(2, "m0", stack)
        spill.add(frame(0, 10))
        spill.part(0)
        spill.add(frame(10, 10))
        found = [spill.part(number) for number in range(2)]
    assert sum(part.height for part in found if part is not None) == 20


def test_nothing_gives_nothing() -> None:
    """A part without rows is no frame."""
    with ExitStack() as stack:
        assert Spill(1, "m0", stack).part(0) is None
        assert Spill(3, "m0", stack).part(2) is None
