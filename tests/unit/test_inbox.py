"""Reports are on the disk before they are used, and forgotten only when their effect is in the ledger."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest

from tests.support.books import IDENTITY
from tests.support.opened import all_closed
from tests.support.reports import DELIVERED, EXPIRED, MAKER, report
from zalosync.compose.message import message_id_text
from zalosync.errors import ExitCode, LedgerError
from zalosync.refresh import inbox as inbox_module
from zalosync.refresh.inbox import Inbox
from zalosync.refresh.merge import gathered
from zalosync.refresh.sift import Aside, Sifted, sift

AT = 1_790_000_000
IDS = [IDENTITY.message_id(IDENTITY.message(str(number)), 1) for number in range(50)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the inbox is."""
    return tmp_path / "here.inbox.db"


@pytest.fixture
def inbox(path: Path) -> Iterator[Inbox]:
    """An empty inbox."""
    with Inbox(path) as made:
        yield made


def sifted(*reports: object) -> Sifted:
    """Reports of a call of ours."""
    return sift(reports, MAKER, trusted=True)  # type: ignore[arg-type]


def test_stored_and_given_back(inbox: Inbox, path: Path) -> None:
    """Every field that counts comes back, oldest first; the file is its owner's alone."""
    reports = [
        report(IDS[0]),
        report(IDS[1], EXPIRED, sms=True),
        report(IDS[2], None, price=None, currency=None),
    ]
    assert inbox.add(sifted(*reports), AT) == 3
    assert inbox.size == 3
    waiting = inbox.waiting(10)
    assert waiting is not None
    assert waiting.count == 3
    assert waiting.evidence.zalo.keys() == {IDS[0], IDS[2]}
    assert waiting.evidence.sms.keys() == {IDS[1]}
    assert waiting.evidence.currencies == {"EUR"}
    inbox.done(waiting, [], AT)
    assert inbox.waiting(10) is None
    assert inbox.size == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_survives(path: Path) -> None:
    """What was stored is there for the next process; what was done is not."""
    with Inbox(path) as first:
        first.add(sifted(*(report(each) for each in IDS[:10])), AT)
        part = first.waiting(4)
        assert part is not None
        assert part.count == 4
        first.done(part, [], AT)
    with Inbox(path) as second:
        rest = second.waiting(100)
        assert rest is not None
        assert rest.evidence.zalo.keys() == set(IDS[4:10])
        assert second.size == 6


def test_twice_is_once(inbox: Inbox) -> None:
    """The same report, pulled or pushed again while it waits, is stored once."""
    assert inbox.add(sifted(report(IDS[0]), report(IDS[0])), AT) == 1
    assert inbox.add(sifted(report(IDS[0])), AT) == 0
    assert inbox.add(sifted(report(IDS[0], seconds=1)), AT) == 1
    assert inbox.size == 2


def test_nothing_to_store(inbox: Inbox) -> None:
    """An empty page changes nothing."""
    assert inbox.add(sifted(), AT) == 0
    assert inbox.waiting(10) is None


def test_arrives_while_others_are_merged(inbox: Inbox, path: Path) -> None:
    """A report that comes between reading and forgetting is not forgotten with the others."""
    inbox.add(sifted(report(IDS[0])), AT)
    waiting = inbox.waiting(10)
    assert waiting is not None
    with Inbox(path) as other:
        other.add(sifted(report(IDS[1])), AT)
    inbox.done(waiting, [], AT)
    rest = inbox.waiting(10)
    assert rest is not None
    assert rest.evidence.zalo.keys() == {IDS[1]}


def test_put_aside(inbox: Inbox, path: Path) -> None:
    """Reports of others and forged ones are counted, and nothing of them but a digest is kept."""
    foreign = report("another-systems-id-0123456789")
    forged = report(IDS[0], proof="x" * 22)
    inbox.add(sifted(foreign, forged, report(IDS[1])), AT)
    assert inbox.aside() == {Aside.FOREIGN: 1, Aside.FORGED: 1}
    assert inbox.size == 1
    inbox.done(waiting=inbox.waiting(10), rogue=[IDS[1]], at=AT)  # type: ignore[arg-type]
    assert inbox.aside() == {Aside.FOREIGN: 1, Aside.FORGED: 1, Aside.ROGUE: 1}
    assert b"another-systems-id" not in path.read_bytes()
    assert message_id_text(IDS[0]).encode() not in path.read_bytes()


def test_aside_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of strangers' reports is counted to the last and kept to a limit."""
    monkeypatch.setattr(inbox_module, "KEPT_ASIDE", 10)
    with Inbox(path) as inbox:
        for number in range(5):
            strangers = [report(f"stranger-{number}-{each}") for each in range(7)]
            inbox.add(sifted(*strangers), AT)
        assert inbox.aside() == {Aside.FOREIGN: 35}
    with closing(sqlite3.connect(path)) as connection:
        (kept,) = connection.execute("SELECT count(*) FROM aside").fetchone()
    assert kept == 10


def test_broke_off(path: Path) -> None:
    """That a pull did not come to its end is remembered, also over the death of the process."""
    with Inbox(path) as first:
        assert first.broke_off is False
        first.broke_off = True
        first.broke_off = True
    with Inbox(path) as second:
        assert second.broke_off is True
        second.broke_off = False
        assert second.broke_off is False
        assert second.aside() == {}


def test_gives_room_back(inbox: Inbox, path: Path) -> None:
    """A file that was large while reports waited is small again once they are merged."""
    inbox.add(sifted(*(report(IDS[n % 50], seconds=n) for n in range(20_000))), AT)
    grown = path.stat().st_size
    waiting = inbox.waiting(20_000)
    assert waiting is not None
    inbox.done(waiting, [], AT)
    inbox.shrink()
    assert path.stat().st_size < grown / 10


def test_secure_delete(inbox: Inbox, path: Path) -> None:
    """What was forgotten is not left in the file's free pages."""
    inbox.add(sifted(report(IDS[0])), AT)
    assert IDS[0] in path.read_bytes()
    waiting = inbox.waiting(10)
    assert waiting is not None
    inbox.done(waiting, [], AT)
    assert IDS[0] not in path.read_bytes()


def test_full(inbox: Inbox) -> None:
    """A disk without space refuses the page in one line, exit 7, and goes on when there is space again."""
    inbox.add(sifted(report(IDS[0])), AT)
    pages = inbox._value("PRAGMA page_count")
    inbox._run(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerError, match="full") as caught:
        inbox.add(sifted(*(report(IDS[1], seconds=n) for n in range(2000))), AT)
    assert caught.value.exit_code is ExitCode.LEDGER
    assert "no report was used that is not stored" in caught.value.message
    inbox._run("PRAGMA max_page_count = 100000")
    assert inbox.size == 1
    assert inbox.add(sifted(report(IDS[1])), AT) == 1


@pytest.mark.parametrize("data", [b"phone,name\n" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_damaged(path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no inbox is an error of the ledger, in one line, and is left as it is, and closed."""
    path.write_bytes(data)
    with all_closed(monkeypatch), pytest.raises(LedgerError) as caught:
        Inbox(path)
    assert caught.value.exit_code is ExitCode.LEDGER
    assert path.read_bytes() == data


@pytest.mark.skipif(os.geteuid() == 0, reason="to root nothing is unreadable")
def test_unreadable(path: Path) -> None:
    """A file that may not be opened is an error of the ledger too."""
    path.touch(mode=0o000)
    with pytest.raises(LedgerError):
        Inbox(path)


def test_a_folder_in_its_place(path: Path) -> None:
    """So is a folder of its name."""
    path.mkdir()
    with pytest.raises(LedgerError):
        Inbox(path)


def test_the_same_evidence(inbox: Inbox) -> None:
    """What a report says after the way through the file is what it says by itself."""
    reports = [
        report(IDS[n], status, sms=bool(n % 2), seconds=n, price=price)
        for n, (status, price) in enumerate(product((DELIVERED, EXPIRED, None), (None, 0, 12_345)))
    ]
    inbox.add(sifted(*reports), AT)
    waiting = inbox.waiting(100)
    assert waiting is not None
    assert waiting.evidence == gathered(zip(IDS, reports, strict=False))
