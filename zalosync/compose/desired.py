"""The desired messages of one campaign, in the order of their identities, in bounded memory.

Chunks of the audience are composed (in worker processes where the audience is large), parted by the first
bits of the message into a file that has no name and vanishes with the process, and given back part by part,
each sorted. So duplicates meet, the order does not depend on the file, nor memory on its size.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal, Self

import polars as pl

from zalosync.audience.screen import Reason
from zalosync.compose.pool import WORKERS, Piece, Pool
from zalosync.compose.recipe import Composed, Composer, Recipe
from zalosync.compose.spill import Spill
from zalosync.errors import InternalError, ZalosyncError

CHUNK_ROWS = 50_000
# A value has up to 1,000 bytes, and a campaign up to a hundred: fewer rows are composed at once then.
_CHUNK_VALUES = 300_000
_CHUNK_CONTENTS = 40_000  # where the composed values come back from the worker processes
# Below this many bytes of audience one process is done before a second one has started.
POOL_FROM_BYTES = 24 * 2**20
# Below this many bytes of audience everything stays in memory; above, a part holds about this much.
PART_BYTES = 12 * 2**20
# The same where the messages carry their content: a row takes several times its bytes then, and a part is
# held as long as it takes to send it.
CONTENT_PART_BYTES = 4 * 2**20
MAX_PARTS = 256
OnDuplicate = Literal["first", "last", "fail"]


def chunk_rows(values: int, *, content: bool) -> int:
    """How many rows are composed at once, for so many texts of each row; fewer where the texts are kept."""
    most = _CHUNK_CONTENTS if content else _CHUNK_VALUES
    return min(CHUNK_ROWS, most // max(1, values))


def by_processes(size: int) -> bool:
    """Whether worker processes compose an audience of so many bytes."""
    return size >= POOL_FROM_BYTES and WORKERS > 1


@dataclass(slots=True)
class Waterfall:
    """Who is dropped, and why, in counts; complete when the messages have been read to the end."""

    audience: int = 0
    skipped: Counter[Reason] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)

    @property
    def kept(self) -> int:
        """Rows that became messages."""
        return self.audience - self.skipped.total()


class Desired:
    """A campaign's messages: gathered once, then read as often as needed. A context manager.

    Args:
        recipe: what decides the messages.
        pieces: the audience in order; read to its end by `gather`.
        size: bytes of the audience, to choose how much machinery it takes.
        on_duplicate: which row of equal keys is kept; `fail` keeps none's place, the caller refuses.
        broke: the error for a worker process that died, or was refused memory, of what it composed.
        pool: gives the worker processes where the audience is large.
    """

    def __init__(
        self,
        recipe: Recipe,
        pieces: Iterable[Piece],
        *,
        size: int,
        on_duplicate: OnDuplicate,
        broke: Callable[[str], ZalosyncError] = InternalError,
        pool: Callable[[], Pool] = Pool,
    ) -> None:
        self._recipe = recipe
        self._pieces = pieces
        self._size = size
        self._on_duplicate = on_duplicate
        self._broke = broke
        self._pool = pool
        self._stack = ExitStack()
        part = CONTENT_PART_BYTES if recipe.content else PART_BYTES
        self._parts = Spill(min(MAX_PARTS, max(1, size // part)), "m0", self._stack)
        self._screened: list[pl.DataFrame] = []
        self._counted = False
        self.waterfall = Waterfall()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def gather(self, advanced: Callable[[int], None]) -> None:
        """Read, screen and compose the whole audience; `advanced` hears of the rows done so far.

        Raises:
            ZalosyncError: as `broke` makes it.
            SpecError: a file is broken or too large; names the line.
        """
        for piece, composed in self._composed():
            before = self.waterfall.audience
            piece.check(before, composed.rows)
            skipped = _numbered(composed.skipped, before)
            self.waterfall.audience += composed.rows
            self.waterfall.repairs += composed.repairs
            self._count(skipped)
            self._screened.append(skipped)
            self._parts.add(_numbered(composed.messages, before))
            advanced(self.waterfall.audience)

    def messages(self) -> Iterator[pl.DataFrame]:
        """Give the messages sorted by identity, part by part; one full reading makes the counts final.

        `reason` says of each whether it is KEPT or SUPPRESSED; rows of any other fate are in `skipped`.
        """
        for number in range(self._parts.parts):
            frame = self._parts.part(number)
            if frame is None:
                continue
            messages, dropped = self._distinct(frame.sort("m0", "m1", "row"))
            if not self._counted:
                self._count(dropped)
                self._screened.append(dropped)
            yield messages
        self._counted = True

    def skipped(self) -> Iterator[pl.DataFrame]:
        """The dropped rows (`row`, `reason`, `why`), once the messages have been read."""
        assert self._counted
        yield from self._screened

    def _composed(self) -> Iterator[tuple[Piece, Composed]]:
        """Each piece, in order, and what became of it; its rows are numbered from 0."""
        if not by_processes(self._size):
            composer = Composer(self._recipe)
            for piece in self._pieces:
                yield piece, composer.compose(piece.rows(), 0)
            return
        try:
            yield from self._by_workers()
        except (BrokenExecutor, MemoryError) as error:
            message = "a process that composed messages died: it took too much memory, or was ended"
            raise self._broke(message) from error

    def _by_workers(self) -> Iterator[tuple[Piece, Composed]]:
        pool = self._pool()
        pool.take(self._recipe)
        pending: deque[tuple[Piece, Future[Composed | None]]] = deque()
        try:
            for piece in self._pieces:
                pending.append((piece, pool.submit(piece)))
                if len(pending) > 2 * WORKERS:
                    done, future = pending.popleft()
                    yield done, pool.result(done, future)
            while pending:
                done, future = pending.popleft()
                yield done, pool.result(done, future)
        finally:
            pool.end()  # the processes end while the plan goes on

    def _distinct(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Part equal keys into the one that is kept and duplicates; then drop values that do not fit.

        Suppression comes before duplicates: of equal keys, a row that is not suppressed is the one kept.
        """
        last = self._on_duplicate == "last"
        suppressed = pl.col("reason") == int(Reason.SUPPRESSED)
        if frame["reason"].eq(int(Reason.SUPPRESSED)).any():
            frame = frame.sort("m0", "m1", suppressed if not last else ~suppressed, "row")
        # Equal keys stand beside each other.
        same = (frame["m0"] == frame["m0"].shift(1)) & (frame["m1"] == frame["m1"].shift(1))
        duplicate = (same.shift(-1) if last else same).fill_null(value=False)
        reason = pl.when(duplicate & ~suppressed).then(pl.lit(int(Reason.DUPLICATE_KEY), pl.UInt8))
        frame = frame.with_columns(reason.otherwise("reason").alias("reason"))
        good = ~duplicate & pl.col("reason").is_in([int(Reason.KEPT), int(Reason.SUPPRESSED)])
        return (
            frame.filter(good).drop("why"),
            frame.filter(~good | suppressed).select("row", "reason", "why"),
        )

    def _count(self, skipped: pl.DataFrame) -> None:
        for reason, count in skipped["reason"].value_counts().iter_rows():
            self.waterfall.skipped[Reason(reason)] += count


def _numbered(frame: pl.DataFrame, before: int) -> pl.DataFrame:
    """Rows by their place in the whole audience."""
    return frame.with_columns(pl.col("row") + before) if before else frame
