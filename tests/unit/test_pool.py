"""Worker processes that were started before it was known what they compose."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.support.desk import NOON, Desk, phones
from tests.support.pieces import piece
from tests.support.programs import printed
from tests.support.sandbox_process import until
from zalosync.compose import desired, pool
from zalosync.compose.pool import Early, Pool
from zalosync.compose.prepare import takes_processes
from zalosync.compose.recipe import Composer, Recipe
from zalosync.spec.load import load_project

RECIPE = Recipe("tet", 1, 322307, "phone", {"name": "{{ phone }}"}, b"k" * 32)
PIECES = [piece(pl.DataFrame({"phone": phones(5, first=first)})) for first in range(0, 40, 5)]


@pytest.fixture(autouse=True)
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two processes, and none left behind."""
    monkeypatch.setattr(pool, "WORKERS", 2)
    yield
    # A pool's own thread waits for its processes as well: of two who wait, one hears of the end later.
    until(lambda: not multiprocessing.active_children())


@pytest.mark.parametrize("told", [2, 0])
def test_whoever_was_not_told_is_told(monkeypatch: pytest.MonkeyPatch, told: int) -> None:
    """Also where a process comes too late for the pieces that bring the recipe along, all is composed."""
    processes = Pool()
    processes.take(RECIPE)
    monkeypatch.setattr(pool, "WORKERS", told)
    futures = [(each, processes.submit(each)) for each in PIECES]
    for each, future in futures:
        expected = Composer(RECIPE).compose(each.rows(), 0).messages
        assert processes.result(each, future).messages.equals(expected)
    processes.end()


def test_the_first_who_asks_takes_what_was_started() -> None:
    """Everybody else gets processes of their own; what nobody took is ended."""
    with Early(start=True) as early:
        first, second = early.take(), early.take()
        assert first is not second
        first.end()
        second.end()
    with Early(start=True):
        assert multiprocessing.active_children()


def test_processes_for_large_audiences_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with an audience is told by whoever opens it, not by who looks at its size."""
    desk = Desk(tmp_path)
    desk.campaign("tet", phones(3))
    project = load_project(desk.root, environment=None, now=NOON)
    assert not takes_processes(project, project.campaigns)
    monkeypatch.setattr(desired, "POOL_FROM_BYTES", 10)
    for workers in (1, 2):
        monkeypatch.setattr(desired, "WORKERS", workers)
        assert takes_processes(project, project.campaigns) == (workers > 1)
    (tmp_path / "audiences" / "tet.csv").unlink()
    assert not takes_processes(project, project.campaigns)


ONE_DIES = """
import os
import signal
from concurrent.futures import BrokenExecutor

import polars as pl

from tests.support.desk import phones
from tests.support.pieces import piece
from zalosync.compose import pool
from zalosync.compose.recipe import Recipe

if __name__ == "__main__":
    pool.WORKERS = 2
    processes = pool.Pool()
    processes.take(Recipe("tet", 1, 322307, "phone", {"v": "{{ phone }}" * 9}, b"k" * 32))
    pieces = [piece(pl.DataFrame({"phone": phones(20_000, first=n * 20_000)})) for n in range(6)]
    futures = [(each, processes.submit(each)) for each in pieces]
    processes.result(*futures[0])
    os.kill(next(iter(processes._pool._processes)), signal.SIGKILL)
    try:
        for each, future in futures[1:]:
            processes.result(each, future)
    except BrokenExecutor:
        print("broken", flush=True)
    processes.end()
"""


def test_the_others_end_where_one_dies(tmp_path: Path) -> None:
    """Also one that composes, and would hand over more than anybody reads any more: nothing waits for it."""
    assert printed(tmp_path, ONE_DIES) == "broken\n"
