"""SIGINT and SIGTERM: nothing new starts, what is in flight is written down, the lock is given back."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Running, start, zalosync
from tests.support.server import Server, serving
from tests.support.shop import Shop, write_shop
from tests.support.truth import Truth, assert_at_most_once, assert_nobody_missing
from zalosync.compose.message import Status

pytestmark = [pytest.mark.crash, pytest.mark.usefixtures("loopback")]

QUICK = {"delay_median_ms": 5, "delay_max_ms": 40, "validity_cap_ms": 50, "check_first": 0, "check_share": 0}
APPLY = ("apply", "--auto-approve")
SIGNALS = (signal.SIGINT, signal.SIGTERM)
# With such answers a run takes 7 s: it still sends when other commands have come and gone, on a busy machine
# too. Whoever needs its end takes the fault away first.
SLOW: list[dict[str, Any]] = [{"do": "slow", "on": ["send"], "with": {"delay_ms": 300}}]
# Longer than the grace of a CI job (5 s) and its kill (10 s after a cancel), shorter than a request may take.
CANCELLED = 15.0


def begun(folder: Path, server: Server, rows: int = 400, batch_size: int = 2) -> Shop:
    """A project with an empty ledger that sends to the server."""
    shop = write_shop(folder, rows, base_url=server.base_url, batch_size=batch_size)
    assert zalosync(shop.root, "ledger", "init").code == 0
    return shop


def until(running: Running, moment: Callable[[], bool]) -> None:
    """Wait for something to happen while a command runs."""
    while not moment():
        assert running.poll(0.005) is None, running.wait().err


def checked(shop: Shop, server: Server) -> Truth:
    """What holds after a clean stop: the promise, and no intent without an outcome."""
    found = assert_at_most_once(shop, shop.state / "here.db", server)
    assert not found.count(Status.INTENT)
    return found


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """A signal in the middle ends with 130; every answer is in the ledger; applying again does the rest."""
    with serving(tmp_path / "server", QUICK, SLOW) as server:
        shop = begun(tmp_path / "shop", server, rows=200)
        running = start(shop.root, *APPLY, "--json", environ=server.environ)
        until(running, lambda: server.accepted() >= 30)
        running.send(number)
        done = running.wait()
        assert done.code == 130, done.err
        found = checked(shop, server)
        assert found.count(Status.ACCEPTED) == server.accepted() == done.json["totals"]["accepted"]
        assert done.json["totals"]["not_sent"] > 0
        server.control("DELETE", "faults")
        again = zalosync(shop.root, *APPLY, environ=server.environ)
        assert again.code == 0, again.err
        assert_nobody_missing(shop, checked(shop, server))
        runs = zalosync(shop.root, "history", "--json", environ=server.environ).json["runs"]
        assert [run["exit_code"] for run in runs] == [130, 0]


@pytest.mark.parametrize(
    ("number", "fault"), [(signal.SIGINT, "accepted-then-hang"), (signal.SIGTERM, "hang-unaccepted")]
)
def test_answers_that_do_not_come(tmp_path: Path, number: signal.Signals, fault: str) -> None:
    """In CI the wait for answers is short: the process ends before it is killed, what it asked is unknown."""
    faults: list[dict[str, Any]] = [{"do": fault, "on": ["send"], "requests": "4-"}]
    with serving(tmp_path / "server", QUICK, faults) as server:
        shop = begun(tmp_path / "shop", server)
        running = start(shop.root, *APPLY, "--json", environ={**server.environ, "CI": "true"})
        until(running, lambda: server.control("GET", "faults")["faults"][0]["hits"] >= 2)
        running.send(number)
        assert running.poll(CANCELLED) is not None, "a CI system would have killed it"
        done = running.wait()
        assert done.code == 6, done.err
        found = checked(shop, server)
        assert found.count(Status.UNKNOWN) == done.json["totals"]["unknown"] > 0
        server.control("DELETE", "faults")
        zalosync(shop.root, "refresh", "--logs", environ=server.environ)
        again = zalosync(shop.root, *APPLY, environ=server.environ)
        assert again.code == (0 if fault == "accepted-then-hang" else 6), again.err
        assert_nobody_missing(shop, checked(shop, server))


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_before_anything_is_sent(tmp_path: Path, number: signal.Signals) -> None:
    """A signal while the plan is being made ends with 130 and sends nothing."""
    with serving(tmp_path / "server", QUICK) as server:
        shop = begun(tmp_path / "shop", server)
        server.control("POST", "faults", [{"do": "slow", "with": {"delay_ms": 2000}}])
        running = start(shop.root, *APPLY, environ=server.environ)
        until(running, (shop.state / "here.db.lock").exists)
        running.send(number)
        done = running.wait()
        assert done.code == 130, done.err
        assert len(done.err.splitlines()) <= 3, done.err
        assert "Traceback" not in done.err
        assert server.accepted() == 0
        assert not checked(shop, server).states


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_while_evidence_is_asked_for(tmp_path: Path, number: signal.Signals) -> None:
    """A query for evidence that hangs does not keep a run from ending at once: nothing is in the air."""
    faults: list[dict[str, Any]] = [{"do": "hang-unaccepted", "on": ["send"], "requests": "2"}]
    with serving(tmp_path / "server", QUICK, faults) as server:
        shop = begun(tmp_path / "shop", server)
        first = start(shop.root, *APPLY, environ={**server.environ, "CI": "true"})
        until(first, lambda: server.control("GET", "faults")["faults"][0]["hits"] >= 1)
        first.kill()
        server.control("DELETE", "faults")
        server.control("POST", "faults", [{"do": "slow", "on": ["logs"], "with": {"delay_ms": 60_000}}])
        accepted = server.accepted()
        running = start(shop.root, *APPLY, environ={**server.environ, "CI": "true"})
        until(running, lambda: server.control("GET", "faults")["faults"][0]["hits"] >= 1)
        running.send(number)
        assert running.poll(5.0) is not None, "it waits for an answer that nobody needs"
        done = running.wait()
        assert done.code == 130, done.err
        assert server.accepted() == accepted
        checked(shop, server)
        runs = zalosync(shop.root, "history", "--json", environ=server.environ).json["runs"]
        assert runs[-1]["exit_code"] == 130


def test_one_writer(tmp_path: Path) -> None:
    """While a run sends, a second one exits 7, or waits with --lock-timeout; nobody is sent to twice."""
    with serving(tmp_path / "server", QUICK, SLOW) as server:
        shop = begun(tmp_path / "shop", server)
        first = start(shop.root, *APPLY, environ=server.environ)
        until(first, lambda: server.accepted() >= 5)
        second = zalosync(shop.root, *APPLY, environ=server.environ)
        assert second.code == 7, second.err
        assert "another zalosync is writing" in second.err
        assert zalosync(shop.root, "status", environ=server.environ).code == 0
        waiting = start(shop.root, *APPLY, "--lock-timeout", "60", "--json", environ=server.environ)
        assert waiting.poll(0.5) is None, "it does not wait"
        server.control("DELETE", "faults")
        third = waiting.wait()
        assert third.code == 0, third.err
        assert third.json["totals"]["accepted"] == 0
        assert first.wait().code == 0
        assert_nobody_missing(shop, checked(shop, server))


def test_stopped_for_long(tmp_path: Path) -> None:
    """A process that is held up and goes on keeps its lock: nobody else sends meanwhile, nobody gets two."""
    with serving(tmp_path / "server", QUICK, SLOW) as server:
        shop = begun(tmp_path / "shop", server)
        first = start(shop.root, *APPLY, environ=server.environ)
        until(first, lambda: server.accepted() >= 5)
        first.send(signal.SIGSTOP)
        assert zalosync(shop.root, *APPLY, environ=server.environ).code == 7
        assert zalosync(shop.root, "refresh", environ=server.environ).code == 7
        server.control("DELETE", "faults")
        first.send(signal.SIGCONT)
        assert first.wait().code in (0, 6)
        found = checked(shop, server)
        assert set(found.seen.values()) == {1}


def children(running: Running) -> int:
    """How many processes a command has started that still live."""
    return len(Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text(encoding="ascii").split())


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("sent", [0, 60], ids=["starting", "sending"])
def test_whole_group(tmp_path: Path, number: signal.Signals, sent: int) -> None:
    """Ctrl-C in a terminal, or a CI system, signals the worker processes too: the stop is as clean."""
    with serving(tmp_path / "server", QUICK, SLOW) as server:
        shop = begun(tmp_path / "shop", server, 3600, batch_size=20)
        running = start(shop.root, *APPLY, "--json", environ=server.environ)
        until(running, lambda: children(running) > 1 and server.accepted() >= sent)
        os.killpg(running.pid, number)
        done = running.wait()
        assert done.code == 130, done.err
        assert "Traceback" not in done.err
        found = checked(shop, server)
        assert found.count(Status.ACCEPTED) == server.accepted() == done.json["totals"]["accepted"]
