"""A disk that fills up while a real process sends: nobody twice, no answer lost, one line that says so."""

from pathlib import Path

import pytest

from tests.support.command import start, zalosync
from tests.support.server import serving
from tests.support.shop import write_shop
from tests.support.truth import assert_at_most_once, assert_nobody_missing
from zalosync.compose.message import Status

pytestmark = [pytest.mark.crash, pytest.mark.usefixtures("loopback")]

QUICK = {"delay_median_ms": 5, "delay_max_ms": 40, "validity_cap_ms": 50, "check_first": 0, "check_share": 0}
APPLY = ("apply", "--auto-approve")


def test_full_disk(tmp_path: Path) -> None:
    """Wherever the space ends, the run stops in words; refresh and apply then end as if it had not."""
    rescued = stopped = 0
    with serving(tmp_path / "server", QUICK) as server:
        shop = write_shop(tmp_path / "shop", 2000, base_url=server.base_url, batch_size=10)
        assert zalosync(shop.root, "ledger", "init").code == 0
        ledger = shop.state / "here.db"
        for number in range(40):  # which write the space ends at is chance: until one held answers
            if stopped and rescued:
                break
            size = ledger.stat().st_size + 4096 * (3 + number % 6)
            done = start(shop.root, *APPLY, environ=server.environ, fsize=size).wait()
            if done.code == 0:
                break
            assert done.code in (6, 7), done.err
            assert "Traceback" not in done.err
            stopped += 1
            if any(shop.state.glob("rescue-*.jsonl")):
                rescued += 1
                assert done.code == 6, done.err
            refreshed = zalosync(shop.root, "refresh", environ=server.environ)
            assert refreshed.code in (0, 6), refreshed.err
            assert not list(shop.state.glob("rescue-*.jsonl"))
            found = assert_at_most_once(shop, ledger, server)
            assert not found.count(Status.INTENT)
        assert stopped
        assert rescued
        applied = zalosync(shop.root, *APPLY, environ=server.environ)
        assert applied.code == 0, applied.err
        found = assert_at_most_once(shop, ledger, server)
        assert_nobody_missing(shop, found)
        assert not found.count(Status.UNKNOWN)
        assert set(found.seen.values()) == {1}


def test_pin_that_cannot_be_written(tmp_path: Path) -> None:
    """Where only the pin cannot be written, everything sent is in the ledger, and the next run goes on."""
    with serving(tmp_path / "server", QUICK) as server:
        shop = write_shop(tmp_path / "shop", 40, base_url=server.base_url, batch_size=10)
        assert zalosync(shop.root, "ledger", "init").code == 0
        in_its_way = shop.root / "zalosync.lock.new"
        in_its_way.mkdir()
        done = zalosync(shop.root, *APPLY, environ=server.environ)
        assert done.code == 7, done.err
        assert "zalosync.lock cannot be written" in done.err
        found = assert_at_most_once(shop, shop.state / "here.db", server)
        assert_nobody_missing(shop, found)
        in_its_way.rmdir()
        assert zalosync(shop.root, *APPLY, environ=server.environ).code == 0
