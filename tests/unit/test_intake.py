"""Pushed reports on their way to the disk: many pushes, few commits, and nobody is told before."""

import asyncio
import sqlite3
from collections.abc import Iterable
from concurrent.futures import Future, wait
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.support.books import IDENTITY, NOON
from tests.support.opened import all_closed
from tests.support.reports import MAKER, report
from zalosync.clock import SystemClock
from zalosync.errors import LedgerError
from zalosync.refresh import intake as intake_module
from zalosync.refresh.inbox import Inbox
from zalosync.refresh.intake import Full, Intake
from zalosync.refresh.metrics import Counts
from zalosync.refresh.pushed import MOST_DEPTH, Refused, read_push
from zalosync.refresh.rate import Rate
from zalosync.refresh.sift import Sifted, sift
from zalosync.refresh.trust import Guard
from zalosync.refresh.webhook import STORE_SECONDS, Receiver


class Noon(SystemClock):
    """Always noon."""

    def now(self) -> datetime:
        """Noon."""
        return NOON


def one(number: int, seconds: int = 0) -> Sifted:
    """A push of a single row."""
    return sift(
        [report(IDENTITY.message_id(IDENTITY.message(str(number)), 1), seconds=seconds)], MAKER, trusted=True
    )


def several(numbers: Iterable[int]) -> Sifted:
    """A push of several rows."""
    return Sifted([ours for number in numbers for ours in one(number).ours])


@dataclass(slots=True)
class Held:
    """The first commit, and every later one, waits to be let go.

    Attributes:
        begun: set when the first commit was begun.
        go_on: lets them go.
        commits: how many pushes each had.
    """

    begun: Event = field(default_factory=Event)
    go_on: Event = field(default_factory=Event)
    commits: list[int] = field(default_factory=list)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """Commits that wait."""
    found, honest = Held(), Inbox.add_all

    def add_all(self: Inbox, together: list[Sifted], at: int) -> int:
        found.begun.set()
        assert found.go_on.wait(20)
        stored = honest(self, together, at)
        found.commits.append(len(together))
        return stored

    monkeypatch.setattr(Inbox, "add_all", add_all)
    return found


def test_pushes_that_wait_share_a_commit(tmp_path: Path, held: Held) -> None:
    """While one commit is under way others queue up and go together in the next; none is told before."""
    with Intake(tmp_path / "inbox.db", Noon()) as intake:
        told: list[Future[None]] = [intake.put(one(0))]
        assert held.begun.wait(20)
        told += [intake.put(one(n, seconds=n)) for n in range(1, 41)]
        assert not any(future.done() for future in told)
        held.go_on.set()
        assert not wait(told, 20).not_done
        assert (intake.stored, intake.waiting) == (41, 41)
    assert held.commits == [1, 40]
    with Inbox(tmp_path / "inbox.db") as inbox:
        assert inbox.size == 41


def test_a_push_that_was_given_up_on(tmp_path: Path, held: Held) -> None:
    """Its reports are stored where there is room, and whoever comes after it is served."""
    with Intake(tmp_path / "inbox.db", Noon(), limit=4) as intake:
        first = intake.put(one(0))
        assert held.begun.wait(20)
        assert not first.cancel(), "it is on its way to the disk"
        late, too_many = intake.put(one(1)), intake.put(several(range(2, 7)))
        assert late.cancel()
        assert too_many.cancel()
        next_one = intake.put(one(7))
        held.go_on.set()
        assert not wait([first, next_one], 20).not_done
        assert (first.exception(), next_one.exception()) == (None, None)
        assert intake.put(one(8)).exception(20) is None
        assert (intake.stored, intake.healthy) == (4, False), "full, and alive"
        assert isinstance(intake.put(one(9)).exception(20), Full)


def test_a_file_that_others_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The push is told so while it still listens, and the next one is taken when they let go."""
    assert 6 * intake_module.BUSY_SECONDS < STORE_SECONDS
    monkeypatch.setattr(intake_module, "BUSY_SECONDS", 0.01)
    path = tmp_path / "inbox.db"
    with Intake(path, Noon()) as intake:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            told = intake.put(one(0)).exception(20)
            assert isinstance(told, LedgerError)
            assert "locked" in told.message
            assert not intake.healthy
        assert intake.put(one(0)).exception(20) is None
        assert intake.healthy


def test_an_inbox_that_cannot_be_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong before the first push is told to who starts it, and not waited for."""

    def fails(_: Inbox) -> int:
        raise LedgerError("locked")

    monkeypatch.setattr(Inbox, "size", property(fails))
    with all_closed(monkeypatch), pytest.raises(LedgerError, match="locked"), Intake(tmp_path / "a", Noon()):
        raise AssertionError("it was started")


@pytest.mark.parametrize(
    ("value", "deep"),
    [
        ("[" * (MOST_DEPTH - 3) + "]" * (MOST_DEPTH - 3), False),
        ("[" * (MOST_DEPTH - 2) + "]" * (MOST_DEPTH - 2), True),
        ('{"a":' * (MOST_DEPTH - 2) + "1" + "}" * (MOST_DEPTH - 2), True),
        ('"' + "[" * 100 + '"', False),
        ('"' + '\\"[{' * 100 + '"', False),
        ('"\\\\", "b": ' + "[" * 100 + "]" * 100, True),
        ("[{}, {}, [], {}]", False),
    ],
)
def test_depth(value: str, *, deep: bool) -> None:
    """Brackets count where they nest, and not in texts, whatever is escaped in them."""
    body = f'{{"results": [{{"messageId": "x", "a": {value}}}]}}'.encode()
    found = read_push(body, "application/json", str.encode, lambda raw: raw[:16])
    assert (found is Refused.DEEP) == deep


@pytest.mark.parametrize(
    ("path", "status"),
    [("/zalo/reports/open", 200), ("/zalo/open", 200), ("/zalo/shut", 404), ("/open", 404)],
)
def test_paths(tmp_path: Path, path: str, status: int) -> None:
    """A push is taken at the receiver's path and at that of the spec's example; with the token only."""
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b'{"results": []}', "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    with Intake(tmp_path / "inbox.db", Noon()) as intake:
        receiver = Receiver(
            guard=Guard(token="open"),
            maker=MAKER,
            intake=intake,
            clock=Noon(),
            rate=Rate(10, 10),
            pseudonym=str.encode,
            digest=lambda raw: raw[:16],
            counts=Counts(),
        )
        scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
        asyncio.run(receiver.application()(scope, receive, send))
    assert said[0]["status"] == status
