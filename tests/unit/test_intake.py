"""Pushed reports on their way to the disk: many pushes, few commits, and nobody is told before."""

import asyncio
from concurrent.futures import Future, wait
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.support.books import IDENTITY, NOON
from tests.support.reports import MAKER, report
from zalosync.clock import SystemClock
from zalosync.refresh.inbox import Inbox
from zalosync.refresh.intake import Intake
from zalosync.refresh.metrics import Counts
from zalosync.refresh.pushed import MOST_DEPTH, Refused, read_push
from zalosync.refresh.rate import Rate
from zalosync.refresh.sift import Sifted, sift
from zalosync.refresh.trust import Guard
from zalosync.refresh.webhook import Receiver


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


def test_pushes_that_wait_share_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one commit is under way others queue up and go together in the next; none is told before."""
    commits: list[int] = []
    begun, go_on = Event(), Event()
    honest = Inbox.add_all

    def add_all(self: Inbox, several: list[Sifted], at: int) -> int:
        begun.set()
        assert go_on.wait(20)
        stored = honest(self, several, at)
        commits.append(len(several))
        return stored

    monkeypatch.setattr(Inbox, "add_all", add_all)
    with Intake(tmp_path / "inbox.db", Noon()) as intake:
        told: list[Future[None]] = [intake.put(one(0))]
        assert begun.wait(20)
        told += [intake.put(one(n, seconds=n)) for n in range(1, 41)]
        assert not any(future.done() for future in told)
        go_on.set()
        assert not wait(told, 20).not_done
        assert (intake.stored, intake.waiting) == (41, 41)
    assert commits == [1, 40]
    with Inbox(tmp_path / "inbox.db") as inbox:
        assert inbox.size == 41


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
