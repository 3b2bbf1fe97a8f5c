"""The projects of S2's stories: campaigns of every kind on a few rows, read once for all stories."""

import atexit
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import polars as pl

from tests.sim.world import START
from tests.support.desk import KEYS, Desk
from zalosync.compose.desired import Waterfall
from zalosync.compose.prepare import Prepared, prepared
from zalosync.spec.load import load_project
from zalosync.spec.loaded import LoadedProject

NAMES = ("again", "held", "paced")
MOST_A_DAY = 3  # messages to one person in 24 hours, by the project's cap
# Rows of (phone, code): one person has two orders in one campaign, another is in all three.
ROWS = {
    "again": [("0900000001", "A1"), ("0900000002", "A2"), ("0900000002", "A3"), ("0900000003", "A4")],
    "held": [("0900000004", "H1"), ("0900000002", "H2"), ("0900000001", "H3")],
    "paced": [("0900000005", "P1"), ("0900000006", "P2"), ("0900000002", "P3"), ("0900000007", "P4")],
}
MORE = ("0900000008", "A5")  # the row that an audience has after it was changed
PHONES = tuple(sorted({phone for rows in ROWS.values() for phone, _ in rows} | {MORE[0]}))
SPECS = {
    "again": """
        retry: {on: [UNDELIVERABLE_NOT_DELIVERED, EXPIRED_EXPIRED], maxAttempts: 3, after: 1m}
        """,
    "held": """
        schedule:
          mode: hold
          sendAt: "2026-12-0{day}T13:00:00+07:00"
          expiresAt: "2026-12-0{day}T23:00:00+07:00"
        """,
    "paced": """
        schedule: {sendingSpeedLimit: {amount: 2, timeUnit: MINUTE}, expiresAt: "2026-12-09T13:00:00+07:00"}
        onUnknown: abandon
        smsFailover: {sender: SHOP, text: "Don {{ code }}"}
        """,
}


@cache
def project(*, occasion: int = 1, changed: bool = False) -> LoadedProject:
    """The project on its n-th occasion, when everybody may be messaged once more.

    Args:
        occasion: the occurrence of its campaigns.
        changed: with one row more in the audience of `again`.
    """
    folder = tempfile.TemporaryDirectory(prefix="zalosync-shop-")
    atexit.register(folder.cleanup)
    desk = Desk(Path(folder.name))
    desk.policy("caps", f"frequencyCaps: [{{max: {MOST_A_DAY}, per: 24h}}]")
    for name in NAMES:
        spec = SPECS[name].replace("{day}", str(2 * occasion - 1))
        rows = [*ROWS[name], MORE] if changed and name == "again" else ROWS[name]
        desk.campaign(name, rows, more=f"occurrence: {occasion}\n{dedent(spec)}")
    desk.ledger.close()
    loaded = load_project(desk.root, environment=None, now=START)
    _loaded[loaded.root] = loaded
    return loaded


_loaded: dict[Path, LoadedProject] = {}


@dataclass(slots=True)
class Gathered:
    """A campaign's messages, composed once and given to every plan."""

    waterfall: Waterfall
    frames: tuple[pl.DataFrame, ...]

    def gather(self, _advanced: Callable[[int], None]) -> None:
        """They are gathered already."""

    def messages(self) -> Iterator[pl.DataFrame]:
        """The messages, sorted."""
        return iter(self.frames)


@contextmanager
def opened(of: LoadedProject, loaded: Any, *, now: datetime, **_asked: object) -> Iterator[Prepared]:
    """In place of `prepare.prepared`: what the files say does not change within a story."""
    yield _opened(of.root, loaded.name)


@cache
def _opened(root: Path, name: str) -> Prepared:
    of = _loaded[root]
    with prepared(
        of, of.campaign(name), KEYS, now=START, budget=None, content=True, recipients=True
    ) as found:
        found.desired.gather(lambda _: None)
        frames = tuple(found.desired.messages())
        gathered: Any = Gathered(found.desired.waterfall, frames)
        return replace(found, desired=gathered)
