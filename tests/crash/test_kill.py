"""Real processes killed at any moment, against a server that counts: nobody twice, nobody lost silently."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import Running, start, zalosync
from tests.support.server import Server, serving
from tests.support.shop import Shop, write_shop
from tests.support.truth import assert_at_most_once, assert_nobody_missing

pytestmark = [pytest.mark.crash, pytest.mark.usefixtures("loopback")]

KILLS = 20
QUICK = {"delay_median_ms": 5, "delay_max_ms": 40, "validity_cap_ms": 50, "check_first": 0, "check_share": 0}
# Answers that take a while leave time to be killed in.
SLOW = [{"do": "slow", "on": ["send"], "with": {"delay_ms": 20}}]
APPLY = ("apply", "--auto-approve")
# Events of Python's audit hooks that stand right before something becomes visible outside.
EVENTS = ("socket.connect", "os.rename", "sqlite3.connect", "os.remove")
# Which of them happen in a command, and about how often; more would let it end before it is killed.
APPLY_DIES = (("socket.connect", 25), ("sqlite3.connect", 1))
REFRESH_DIES = (("socket.connect", 1), ("os.rename", 1), ("sqlite3.connect", 2))

Killer = Callable[[Shop, Server, random.Random], bool]


def begun(folder: Path, rows: int, server: Server, **more: object) -> Shop:
    """A project with an empty ledger that sends to the server."""
    shop = write_shop(folder, rows, base_url=server.base_url, batch_size=5, **more)  # type: ignore[arg-type]
    made = zalosync(shop.root, "ledger", "init")
    assert made.code == 0, made.err
    return shop


def kill_when(running: Running, moment: Callable[[], bool]) -> bool:
    """Kill a command as soon as something holds; False where it ended before."""
    while running.poll(0.002) is None:
        if moment():
            done = running.kill()
            return done.code == -9
    done = running.wait()
    assert done.code in (0, 6), done.err
    return False


def by_count(shop: Shop, server: Server, chance: random.Random) -> bool:
    """Kill apply when the server has taken some more messages."""
    target = server.accepted() + chance.randint(1, 40)
    running = start(shop.root, *APPLY, environ=server.environ)
    return kill_when(running, lambda: server.accepted() >= target)


def in_use(journal: Path) -> bool:
    """Whether a rollback journal holds something; between commits it is empty, or gone."""
    try:
        return journal.stat().st_size > 0
    except FileNotFoundError:
        return False


def by_commit(shop: Shop, server: Server, chance: random.Random) -> bool:
    """Kill apply in the middle of some commit of the ledger: while its rollback journal is in use."""
    journal = shop.state / "here.db-journal"
    skip = chance.randint(0, 12)
    seen = 0
    there = in_use(journal)

    def committing() -> bool:
        nonlocal seen, there
        now = in_use(journal)
        seen, there = seen + (now and not there), now
        return now and seen > skip

    return kill_when(start(shop.root, *APPLY, environ=server.environ), committing)


def by_event(shop: Shop, server: Server, chance: random.Random) -> bool:
    """Let apply die right before some connection, rename or opening of a database."""
    event, most = chance.choice(APPLY_DIES)
    die = (event, chance.randint(1, most))
    done = start(shop.root, *APPLY, environ=server.environ, die=die).wait()
    assert done.code in (0, 6, -9), done.err
    return done.code == -9


def by_refresh(shop: Shop, server: Server, chance: random.Random) -> bool:
    """Let refresh die right before some step: reports handed out once may be lost, states may not."""
    event, most = chance.choice(REFRESH_DIES)
    die = (event, chance.randint(1, most))
    done = start(shop.root, "refresh", environ=server.environ, die=die).wait()
    assert done.code in (0, 6, -9), done.err
    return done.code == -9


KILLERS: tuple[Killer, ...] = (by_count, by_commit, by_count, by_commit, by_event)
REFRESH_SHARE = 0.2  # of the kills of apply, besides them


def survive(folder: Path, seed: int, kills: int) -> int:
    """Kill a campaign many times, then let it end; gives how many kills of apply landed, no others."""
    chance = random.Random(seed)
    landed = refreshes = 0
    with serving(folder / "server", {**QUICK, "seed": seed + 1}, SLOW) as server:
        shop = begun(folder / "shop", 80 * kills, server)
        ledger = shop.state / "here.db"
        for _ in range(3 * kills):
            landed += chance.choice(KILLERS)(shop, server, chance)
            if refreshes < REFRESH_SHARE * landed:
                refreshes += by_refresh(shop, server, chance)
            if landed >= kills:
                break
        assert refreshes, "no refresh was killed"
        for _ in range(2):
            refreshed = zalosync(shop.root, "refresh", "--logs", environ=server.environ)
            assert refreshed.code in (0, 6), refreshed.err
            applied = zalosync(shop.root, *APPLY, environ=server.environ)
            assert applied.code in (0, 6), applied.err
        found = assert_at_most_once(shop, ledger, server)
        assert_nobody_missing(shop, found)
        assert set(found.seen.values()) == {1}, "a message id was sent again"
        again = zalosync(shop.root, "plan", "--detailed-exitcode", environ=server.environ)
        assert again.code == 0, again.out
    return landed


def test_killed_at_random_moments(tmp_path: Path) -> None:
    """Kill -9 of apply at 20 moments, of refresh besides: nobody gets two, nobody is missing but unknown."""
    assert survive(tmp_path, seed=1, kills=KILLS) == KILLS


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(100, 130))
def test_killed_many_times(tmp_path: Path, seed: int) -> None:
    """600 kills more, by other seeds."""
    assert survive(tmp_path, seed=seed, kills=KILLS) == KILLS


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("event", EVENTS)
def test_killed_at_every_event(tmp_path: Path, event: str) -> None:
    """A small campaign dies before each event of a kind in turn, and each time ends as if it had not."""
    number = 1
    while True:
        with serving(tmp_path / f"server-{number}", QUICK) as server:
            shop = begun(tmp_path / f"shop-{number}", 40, server)
            done = start(shop.root, *APPLY, environ=server.environ, die=(event, number)).wait()
            for _ in range(2):
                zalosync(shop.root, "refresh", "--logs", environ=server.environ)
                zalosync(shop.root, *APPLY, environ=server.environ)
            found = assert_at_most_once(shop, shop.state / "here.db", server)
            assert_nobody_missing(shop, found)
        if done.code != -9:
            break
        number += 1
    assert number > 1
