"""S9: several processes at once, on the same plan and on overlapping ones, some of them killed."""

import random
import signal
from pathlib import Path

import pytest

from tests.crash.test_kill import begun
from tests.support.command import start, zalosync
from tests.support.server import serving
from tests.support.truth import assert_at_most_once, assert_nobody_missing

pytestmark = [pytest.mark.crash, pytest.mark.usefixtures("loopback")]
ROWS, PER_CHANGE, NIGHTLY = 60, 50, 2_000
APPLY = ("apply", "--auto-approve", "--quiet")
SLOW = [{"do": "slow", "on": ["send"], "with": {"delay_ms": 10}}]


def race(folder: Path, seed: int) -> None:
    """Two to eight commands start together; then the rest is sent and the counts are held together."""
    chance = random.Random(seed)
    with serving(folder / "server", faults=SLOW) as server:
        shop = begun(folder / "shop", ROWS, server)
        sealed = zalosync(shop.root, "plan", "-o", "race.zsplan", environ=server.environ)
        assert sealed.code == 0, sealed.err
        commands = [
            chance.choice((APPLY, ("apply", "race.zsplan"), ("refresh",)))
            for _ in range(chance.randint(2, 8))
        ]
        running = [start(shop.root, *command, environ=server.environ) for command in commands]
        for process in running:
            if chance.random() < 0.2:
                process.poll(chance.random() * 0.1)  # at some moment of its life, not always before its first
                process.send(chance.choice((signal.SIGKILL, signal.SIGTERM)))
        ended = [process.wait() for process in running]
        # Done, stale or consumed, locked, doubtful after a kill, ended by a signal: never anything else.
        usual = {0, 4, 5, 6, 7, 130, -signal.SIGKILL, -signal.SIGTERM}
        assert not [each for each in ended if each.code not in usual]
        zalosync(shop.root, "refresh", "--logs", environ=server.environ)
        last = zalosync(shop.root, *APPLY, environ=server.environ)
        assert last.code in (0, 6), last.err
        zalosync(shop.root, "refresh", "--logs", environ=server.environ)
        ledger = shop.state / "here.db"
        assert_nobody_missing(shop, assert_at_most_once(shop, ledger, server))


@pytest.mark.parametrize("seed", range(PER_CHANGE))
def test_many_at_once(tmp_path: Path, seed: int) -> None:
    """However many commands run into each other: nobody gets two, nobody is left out."""
    race(tmp_path, seed)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(PER_CHANGE, NIGHTLY))
def test_many_at_once_often(tmp_path: Path, seed: int) -> None:
    """The same, many times."""
    race(tmp_path, seed)
