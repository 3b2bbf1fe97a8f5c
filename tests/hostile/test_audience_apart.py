"""Parquet and Excel are read in a process of their own: whatever it dies of, this one names the file."""

import io
import os
import random
import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from tests.unit.workbooks import sheet, workbook
from zalosync.audience.apart import Apart
from zalosync.audience.limits import Limits
from zalosync.audience.read import open_audience
from zalosync.audience.source import Source
from zalosync.errors import InternalError, SpecError

pytestmark = [pytest.mark.hostile, pytest.mark.timeout(60)]

SECRET = "0987654321"
BROKE_DOWN = (
    "a.parquet:1:1: the file's reader broke down on it: the file is damaged, or made to exhaust its memory; "
    "allowed: a file written anew, or CSV [ZS311]"
)


def parquet(rows: int, **options: int) -> bytes:
    """A file of so many rows."""
    stream = io.BytesIO()
    frame = pl.DataFrame({"a": [SECRET] * rows, "b": [str(n) for n in range(rows)]})
    frame.write_parquet(stream, **options)  # type: ignore[arg-type]
    return stream.getvalue()


SMALL = parquet(3)


@contextmanager
def opened(root: Path, name: str, content: bytes) -> Iterator[Source]:
    """A file with this content, opened as an audience's is."""
    path = root / name
    path.write_bytes(content)
    with path.open("rb") as stream:
        yield Source(name, stream, os.fstat(stream.fileno()))


def read(apart: Apart, source: Source, limits: Limits | None = None) -> int:
    """How many rows the file has."""
    kind = Path(source.file).suffix
    return sum(part.frame.height for part in apart.parts(kind, source, limits or Limits(), print))


def damaged(seed: int) -> bytes:
    """The small file with one to four wrong bytes."""
    chance = random.Random(seed)
    content = bytearray(SMALL)
    for _ in range(chance.randint(1, 4)):
        content[chance.randrange(len(content))] = chance.choice([0, 127, 128, 255, chance.randrange(256)])
    return bytes(content)


def told(root: Path, contents: Iterable[bytes]) -> Counter[str]:
    """How often what was said of all these files, under one name and read by one process."""
    said: Counter[str] = Counter()
    with opened(root, "a.parquet", SMALL) as first, Apart([first]) as apart:
        for content in contents:
            (root / "a.parquet").write_bytes(content)  # the same file, with other bytes in it
            source = Source("a.parquet", first.stream, os.fstat(first.stream.fileno()))
            try:
                said[f"{read(apart, source)} rows"] += 1
            except SpecError as error:
                said[str(error)] += 1
    return said


def test_no_damage_ends_this_process_or_shows_content(tmp_path: Path) -> None:
    """Any byte may be wrong: the file is read whole or refused, and nothing else happens."""
    said = told(tmp_path, map(damaged, range(600)))
    assert said.total() == 600
    assert said["3 rows"] > 50
    assert all(words == "3 rows" or words.startswith("a.parquet:1:1: ") for words in said)
    assert not any(SECRET in words for words in said)


@pytest.mark.nightly
@pytest.mark.timeout(600)
def test_no_damage_of_many_ends_this_process(tmp_path: Path) -> None:
    """The same for a hundred thousand."""
    said = told(tmp_path, map(damaged, range(1_000, 101_000)))
    assert said[BROKE_DOWN] > 10, "some of these abort the process that reads them"
    assert all(words == "3 rows" or words.startswith("a.parquet:1:1: ") for words in said)
    assert not any(SECRET in words for words in said)


def test_no_cut_of_parquet_is_read(tmp_path: Path) -> None:
    """A part of a Parquet file is none."""
    said = told(tmp_path, (SMALL[:end] for end in range(len(SMALL))))
    assert set(said) == {"a.parquet:1:1: the file is no Parquet file, or a damaged one [ZS311]"}


def test_the_reader_goes_on_after_a_file_it_refused(tmp_path: Path) -> None:
    """One process reads many files; one that broke down is begun anew."""
    with (
        opened(tmp_path, "a.parquet", SMALL) as good,
        opened(tmp_path, "b.parquet", SMALL[:-20]) as cut,
        opened(tmp_path, "c.xlsx", workbook(sheet([["a"], ["1"]]))) as book,
        Apart([good, cut, book]) as apart,
    ):
        assert read(apart, good) == 3
        with pytest.raises(SpecError, match=r"b\.parquet:1:1: the file is no Parquet file"):
            read(apart, cut)
        assert read(apart, book) == 1
        _end(apart, signal.SIGKILL)
        with pytest.raises(SpecError, match="broke down"):
            read(apart, good)
        assert read(apart, good) == 3


def test_a_reader_that_is_ended_midway_gives_no_half_audience(tmp_path: Path) -> None:
    """Rows that were read before do not pass for all rows."""
    with opened(tmp_path, "a.parquet", parquet(200_000)) as source, Apart([source]) as apart:
        parts = apart.parts(".parquet", source, Limits(), print)
        assert next(parts).frame.height == 0
        assert next(parts).frame.height > 0
        _end(apart, signal.SIGABRT)
        with pytest.raises(SpecError) as caught:
            list(parts)
    assert str(caught.value) == BROKE_DOWN


def test_a_reader_that_hangs_is_ended(tmp_path: Path) -> None:
    """Who says nothing for too long is treated as dead."""
    with opened(tmp_path, "a.parquet", parquet(200_000)) as source, Apart([source]) as apart:
        parts = apart.parts(".parquet", source, Limits(), print)
        next(parts)
        apart._patience = 0.5  # only now: starting may take a while
        process = _end(apart, signal.SIGSTOP)
        with pytest.raises(SpecError) as caught:
            list(parts)
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    assert str(caught.value) == BROKE_DOWN


def test_nothing_is_left_running(tmp_path: Path) -> None:
    """The process ends with the audience, also where only the columns were asked for or a pass was left."""
    (tmp_path / "a.parquet").write_bytes(parquet(200_000))
    before = _children()
    with open_audience(tmp_path, "", ["a.parquet"]) as audience:
        assert audience.columns == ("a", "b")
        assert len(_children() - before) == 1
        next(iter(audience.chunks(10)))
    assert _children() == before


def test_two_passes_at_once_do_not_mix(tmp_path: Path) -> None:
    """An audience may be read twice at the same time."""
    (tmp_path / "a.parquet").write_bytes(parquet(60_000))
    (tmp_path / "b.parquet").write_bytes(parquet(10))
    with open_audience(tmp_path, "", ["a.parquet", "b.parquet"]) as audience:
        pairs = list(zip(audience.chunks(7_000), audience.chunks(7_000), strict=True))
    assert all(one.frame.equals(other.frame) for one, other in pairs)
    assert sum(one.frame.height for one, _ in pairs) == 60_010


def test_large_parts_are_handed_over_in_pieces(tmp_path: Path) -> None:
    """A batch with more text than one answer may have arrives whole and in order."""
    frame = pl.DataFrame({"a": [f"{n:05}" + "x" * 4_000 for n in range(20_000)]})
    frame.write_parquet(tmp_path / "a.parquet", compression="uncompressed")
    with open_audience(tmp_path, "", ["a.parquet"]) as audience:
        chunks = list(audience.chunks(9_000))
    assert pl.concat([chunk.frame for chunk in chunks]).equals(frame)
    assert [chunk.lines[0] for chunk in chunks] == [1, 9_001, 18_001]


def test_a_bug_of_ours_is_not_put_on_the_file(tmp_path: Path) -> None:
    """What fails for another reason than the file is an internal error, without the words of the cause."""
    with (
        opened(tmp_path, "a.parquet", SMALL) as source,
        Apart([source]) as apart,
        pytest.raises(InternalError, match="reading an audience file failed with TypeError"),
    ):
        read(apart, source, Limits(rows="many"))  # type: ignore[arg-type]


def _end(apart: Apart, by: signal.Signals) -> int:
    assert apart._process is not None
    os.kill(apart._process.pid, by)
    return apart._process.pid


def _children() -> set[int]:
    """The processes that this one started."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    if not listed.exists():
        pytest.skip("children are counted in /proc")
    return {int(number) for number in listed.read_text().split()}
