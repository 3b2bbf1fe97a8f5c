"""What an audience or a template can make a composing process take: bounded, and told when it is too much."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.support.desk import Desk, phones
from tests.support.pieces import piece
from zalosync.audience.read import open_audience
from zalosync.compose import desired, pool
from zalosync.compose.desired import CHUNK_ROWS, Desired, chunk_rows
from zalosync.compose.recipe import Recipe
from zalosync.errors import InternalError, SpecError
from zalosync.workers import MEMORY

pytestmark = pytest.mark.hostile

MIB = 2**20
# A worker that takes memory step by step, and says how far it came; a refusal is an exception, or its end.
_GREEDY = """
import sys
from zalosync.workers import become_worker
become_worker(int(sys.argv[1]))
held = []
for step in range(64):
    held.append(b"x" * 2**24)
    print(step, flush=True)
"""
# The largest chunk that a campaign can make: as many values as there may be, each as long as it may be.
_LARGEST = """
import sys
import polars as pl
from zalosync.compose.desired import chunk_rows
from zalosync.compose.recipe import Composer, Recipe
from zalosync.workers import become_worker
become_worker()
VALUES = 98
content = sys.argv[1] == "content"
rows = chunk_rows(VALUES + 2, content=content)
values = {f"v{n}": "{{ c }}" for n in range(VALUES)}
recipe = Recipe("c", 1, 1, "phone", values, b"k" * 32, failover="{{ c }}", content=content)
frame = pl.DataFrame({"phone": [f"090{n:07}" for n in range(rows)], "c": ["é" * 500] * rows})
print(Composer(recipe).compose(frame, 0).messages.height, rows)
"""


def python(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, timeout=100
    )


def test_a_worker_gets_no_more_than_its_share() -> None:
    """It may take some, and is refused what is beyond measure."""
    done = python(_GREEDY, str(512 * MIB))
    assert done.returncode != 0
    assert "MemoryError" in done.stderr
    assert 0 < len(done.stdout.splitlines()) < 32


@pytest.mark.parametrize("kept", ["content", "digests"])
def test_the_largest_chunk_fits(kept: str) -> None:
    """No campaign that a spec allows runs into the limit for its values alone."""
    done = python(_LARGEST, kept)
    assert (done.returncode, done.stderr) == (0, "")
    composed, rows = map(int, done.stdout.split())
    assert composed == rows


def test_many_long_values_make_small_chunks() -> None:
    """Rows times texts is bounded; an ordinary campaign is composed in full chunks."""
    assert chunk_rows(5, content=False) == CHUNK_ROWS
    assert [chunk_rows(texts, content=False) * texts for texts in (5, 10, 102)] == [250_000, 300_000, 299_982]
    assert [chunk_rows(texts, content=True) * texts for texts in (2, 10, 102)] == [40_000, 40_000, 39_984]


def test_long_rows_make_small_chunks(tmp_path: Path) -> None:
    """Text that is held at once is bounded, whatever a row holds; no row is lost at the seams."""
    wide = ",".join(["x" * 4000] * 40)
    header = ",".join(f"c{n}" for n in range(40))
    rows = 1000
    with (tmp_path / "wide.csv").open("w", encoding="utf-8") as file:
        file.write(f"phone,{header}\n")
        file.writelines(f"{phone},{wide}\n" for phone in phones(rows))
    seen: list[str] = []
    with open_audience(tmp_path, "", ["wide.csv"]) as audience:
        for chunk in audience.chunks(CHUNK_ROWS):
            assert chunk.first_row == len(seen)
            assert list(chunk.lines) == list(range(len(seen) + 2, len(seen) + 2 + chunk.frame.height))
            assert chunk.frame.height * 40 * 4000 < 80 * MIB
            seen += chunk.frame["phone"].to_list()
    assert seen == phones(rows)


def test_a_worker_that_dies_is_told_with_the_campaign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too little memory to begin with: an error of the spec with its place, and no traceback."""
    monkeypatch.setattr(desired, "POOL_FROM_BYTES", 0)
    monkeypatch.setattr(desired, "WORKERS", 2)
    monkeypatch.setattr(pool, "WORKERS", 2)
    monkeypatch.setattr(pool, "WORKER_BYTES", 16 * MIB)
    desk = Desk(tmp_path)
    desk.campaign("tet", phones(3))
    with pytest.raises(SpecError) as refused:
        desk.plan()
    (problem,) = refused.value.problems
    assert (problem.code, problem.path, problem.place.file) == (
        "ZS317",
        "spec.templateData",
        "campaigns/tet.yaml",
    )
    assert f"{MEMORY // MIB:,} MiB" in problem.allowed


def test_a_worker_that_dies_without_a_campaign_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever composes without saying whose messages they are gets an error of ours."""
    monkeypatch.setattr(desired, "WORKERS", 2)
    monkeypatch.setattr(pool, "WORKERS", 2)
    monkeypatch.setattr(pool, "WORKER_BYTES", 16 * MIB)
    recipe = Recipe("c", 1, 1, "phone", {}, b"k" * 32)
    pieces = [piece(pl.DataFrame({"phone": phones(3)}))]
    with (
        Desired(recipe, pieces, size=2**40, on_duplicate="first") as wanted,
        pytest.raises(InternalError, match="took too much memory"),
    ):
        wanted.gather(lambda _: None)
