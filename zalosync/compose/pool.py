"""Worker processes that compose: they take half a second to start, and may before it is known what."""

import os
import pickle
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Protocol, Self

import polars as pl

from zalosync.compose.recipe import Composed, Composer, Recipe
from zalosync.workers import MEMORY, Workers, become_worker, workers_starting

WORKERS = min(os.cpu_count() or 1, 8)
WORKER_BYTES = MEMORY


class Piece(Protocol):
    """A bounded slice of an audience, as `audience.piece` has it; goes to worker processes as it is."""

    def rows(self) -> pl.DataFrame: ...  # noqa: D102 - all columns String
    def check(self, before: int, rows: int) -> None: ...  # noqa: D102 - raises where there are too many


class Pool:
    """As many processes as there are cores, on their way; they compose by one recipe."""

    def __init__(self) -> None:
        given = (WORKER_BYTES,)
        self._pool = ProcessPoolExecutor(WORKERS, Workers(), initializer=_begin, initargs=given)
        self._recipe = b""
        self._told = 0
        with workers_starting():
            for _ in range(WORKERS):  # a process is started for each
                self._pool.submit(_ready)

    def take(self, recipe: Recipe) -> None:
        """What is to be composed, before the first piece."""
        self._recipe = pickle.dumps(recipe)

    def submit(self, piece: Piece) -> "Future[Composed | None]":
        """Have a piece composed; `result` gives what became of it."""
        # Waiting processes take one piece each: the first ones bring the recipe along.
        self._told += 1
        return self._submit(piece, self._recipe if self._told <= WORKERS else b"")

    def result(self, piece: Piece, composed: "Future[Composed | None]") -> Composed:
        """What became of a piece.

        Raises:
            SpecError: of the piece's file.
            BrokenExecutor: a process died.
        """
        found = composed.result()
        while found is None:  # of a process that came too late for the first pieces
            found = self._submit(piece, self._recipe).result()
        return found

    def _submit(self, piece: Piece, recipe: bytes) -> "Future[Composed | None]":
        with workers_starting():  # should one start only now
            return self._pool.submit(_compose, piece, recipe)

    def end(self) -> None:
        """Let the processes end, and not wait for that; what has not begun is not done."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Early:
    """A pool that is started before anybody needs it; the first who does takes it. A context manager.

    Args:
        start: whether it is started at all.
    """

    def __init__(self, *, start: bool) -> None:
        self._start = start
        self._pool: Pool | None = None

    def __enter__(self) -> Self:
        self._pool = Pool() if self._start else None
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.end()

    def take(self) -> Pool:
        """The started pool; a new one for everybody who comes later. Whoever takes it ends it."""
        pool, self._pool = self._pool, None
        return pool or Pool()


_composer: Composer | None = None


def _begin(memory: int) -> None:
    """Make a worker process ready, with none of the caller's environment.

    Of this module, whose import brings Polars in while the environment still says how many threads it has.
    """
    become_worker(memory)


def _ready() -> None:
    """Nothing: all is imported by now."""


def _compose(piece: Piece, recipe: bytes) -> Composed | None:
    """What becomes of a piece; None where nobody told this process what to make of it."""
    global _composer  # noqa: PLW0603 - a worker process has one recipe for its whole life
    if _composer is None and recipe:
        _composer = Composer(pickle.loads(recipe))  # noqa: S301 - our parent's
    return None if _composer is None else _composer.compose(piece.rows(), 0)
