"""`refresh` where the provider says no, where a person watches, and where somebody else sends as well."""

import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.command import start, zalosync
from tests.support.server import Server, serving
from tests.support.shop import Shop, write_shop
from zalosync.compose.message import Status
from zalosync.ledger.alarms import Contradiction, contradicted
from zalosync.ledger.dialect import SQLITE, sqlite_database
from zalosync.ledger.records import Kind
from zalosync.ledger.store import Ledger

pytestmark = pytest.mark.usefixtures("loopback")

QUICK = {"delay_median_ms": 5, "delay_max_ms": 40, "validity_cap_ms": 50, "check_first": 0, "check_share": 0}
APPLY = ("apply", "--auto-approve")


def begun(folder: Path, server: Server, rows: int = 40) -> Shop:
    """A project with an empty ledger that sends to the server."""
    shop = write_shop(folder, rows, base_url=server.base_url, encrypted=False, batch_size=10)
    assert zalosync(shop.root, "ledger", "init").code == 0
    return shop


def states(shop: Shop, server: Server) -> dict[str, int]:
    """How many messages stand where."""
    (campaign,) = zalosync(shop.root, "--json", "status", environ=server.environ).json["campaigns"]
    found: dict[str, int] = campaign["states"]
    return found


def test_no_call_for_reports(tmp_path: Path) -> None:
    """Where the call for reports is refused, the logs settle and heal all the same; the refusal is exit 8."""
    faults = [{"do": "accepted-then-reset", "on": ["send"], "requests": "2"}]
    with serving(tmp_path / "server", {**QUICK, "reports_path": None}, faults) as server:
        shop = begun(tmp_path / "shop", server)
        first = zalosync(shop.root, *APPLY, environ=server.environ)
        assert first.code in (0, 6), first.err
        done = zalosync(shop.root, "refresh", environ=server.environ)
        assert done.code == 8, done.err
        assert "refused the reports" in done.err
        found = states(shop, server)
        assert "unknown" not in found
        assert "accepted" not in found, "the logs tell of what no report does"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_watch_ends_with_what_it_saw(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C ends a watch with where everything stands: one document, exit 130."""
    with serving(tmp_path / "server", QUICK) as server:
        shop = begun(tmp_path / "shop", server)
        assert zalosync(shop.root, *APPLY, environ=server.environ).code == 0
        running = start(shop.root, "--json", "refresh", "--watch", environ=server.environ)
        while "accepted" in states(shop, server):
            assert running.poll(0.02) is None, running.wait().err
        running.send(number)
        done = running.wait()
        assert done.code == 130, done.err
        assert done.json["campaigns"][0]["states"] == states(shop, server)


def contradict(path: Path) -> None:
    """Raise the other alarm: the provider knew an id before it was sent."""
    ledger = Ledger(sqlite_database(path), SQLITE, path.name)
    now = datetime.now(UTC)
    with ledger.change(Kind.EVIDENCE, now) as change:
        contradicted(change, None, Contradiction.DUPLICATE, [bytes(20)], now)
    ledger.close()


def test_somebody_else_sends_as_well(tmp_path: Path) -> None:
    """Evidence of messages of ours that this ledger did not send is an alarm (7) until it is answered."""
    with serving(tmp_path / "server", QUICK) as server:
        shop = begun(tmp_path / "shop", server)
        assert zalosync(shop.root, *APPLY, "--max-messages", "10", environ=server.environ).code == 5
        copy = tmp_path / "copy.db"
        assert zalosync(shop.root, "ledger", "backup", str(copy)).code == 0
        assert zalosync(shop.root, *APPLY, environ=server.environ).code == 0
        ledger = shop.state / "here.db"
        ledger.write_bytes(copy.read_bytes())
        (shop.root / "zalosync.lock").unlink()
        done = zalosync(shop.root, "refresh", environ=server.environ)
        assert done.code == 7, done.err
        assert "E_UNEXPECTED_EVIDENCE" in done.err
        told = zalosync(shop.root, "--json", "status", environ=server.environ).json["findings"]
        assert "unexpected-evidence" in [finding["id"] for finding in told]
        contradict(ledger)
        told = zalosync(shop.root, "--json", "status", environ=server.environ).json["findings"]
        assert "contradiction" in [finding["id"] for finding in told]
        assert zalosync(shop.root, "--json", "audit", "verify").json["alarms"][0]["count"] == 1
        answered = zalosync(shop.root, "--json", "resolve", "--alarm", "--reason", "an old copy was put back")
        assert answered.json["answered"] is True
        told = zalosync(shop.root, "--json", "status", environ=server.environ).json["findings"]
        assert not {"unexpected-evidence", "contradiction"} & {finding["id"] for finding in told}
        assert zalosync(shop.root, "--json", "audit", "verify").json["alarms"] == []
        assert zalosync(shop.root, "resolve", "--alarm", "--as", "sent", "--reason", "x").code == 64
        with closing(sqlite3.connect(ledger)) as connection:
            assert connection.execute("SELECT COUNT(*) FROM attempt").fetchone() == (10,)
        assert Status.ACCEPTED.word not in states(shop, server)
