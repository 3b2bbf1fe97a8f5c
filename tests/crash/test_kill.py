"""Real processes killed at any moment, against a server that counts: nobody twice, nobody lost silently."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command import Done, Running, start, zalosync
from tests.support.server import Server, serving
from tests.support.shop import Shop, people, write_audience, write_shop
from tests.support.truth import assert_at_most_once, assert_nobody_missing

pytestmark = [pytest.mark.crash, pytest.mark.usefixtures("loopback")]

KILLS = 25  # of apply, in one campaign
ROWS = 16  # for each kill
MORE = 4 * ROWS  # where an apply got to its end all the same
# 500 kills with each change, 10,000 each night; a campaign takes 5 s of processor time, workers share them.
CAMPAIGNS, NIGHTLY = 20, 400
QUICK = {"delay_median_ms": 5, "delay_max_ms": 40, "validity_cap_ms": 50, "check_first": 0, "check_share": 0}
MOST = 20  # messages that an apply may send until it is killed
# Answers that take a while leave time to be killed in.
SLOW = [{"do": "slow", "on": ["send"], "with": {"delay_ms": 20}}]
APPLY = ("apply", "--auto-approve")
# Events right before something becomes visible outside, or right after: `tests/support/warm.py` has the last.
EVENTS = (
    *("socket.connect", "os.rename", "sqlite3.connect"),
    *("ledger.commit", "ledger.committed", "post.start", "post.done", "post.wait", "post.landed"),
)
# Which of them happen in a command, and about how often; more would let it end before it is killed.
APPLY_DIES = (
    *(("socket.connect", 8), ("sqlite3.connect", 1), ("ledger.commit", 8), ("ledger.committed", 8)),
    *(("post.start", 6), ("post.done", 6), ("post.wait", 6), ("post.landed", 6)),
)
REFRESH_DIES = (("socket.connect", 1), ("os.rename", 1), ("sqlite3.connect", 2), ("ledger.committed", 1))


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is killed again and again.

    Attributes:
        usual: about how many seconds an apply takes on this machine, now.
    """

    shop: Shop
    server: Server
    chance: random.Random
    usual: float

    def start(self, *arguments: str, die: tuple[str, int] | None = None) -> Running:
        """Start a command in it."""
        return start(self.shop.root, *arguments, environ=self.server.environ, die=die)

    def run(self, *arguments: str) -> Done:
        """Run a command in it to its end."""
        return self.start(*arguments).wait()


Killer = Callable[[Campaign], bool]


def begun(folder: Path, rows: int, server: Server, batch_size: int = 5) -> Shop:
    """A project with an empty ledger that sends to the server."""
    shop = write_shop(folder, rows, base_url=server.base_url, batch_size=batch_size)
    made = zalosync(shop.root, "ledger", "init")
    assert made.code == 0, made.err
    return shop


def killed(done: Done) -> bool:
    """Whether it was killed; it may have ended before, as it should."""
    assert done.code in (0, 6, -9), done.err
    return done.code == -9


def kill_when(running: Running, moment: Callable[[], bool]) -> bool:
    """Kill a command as soon as something holds; False where it ended before."""
    while running.poll(0.002) is None:
        if moment():
            return killed(running.kill())
    return killed(running.wait())


def by_count(campaign: Campaign) -> bool:
    """Kill apply when the server has taken some more messages."""
    target = campaign.server.accepted() + campaign.chance.randint(1, MOST)
    return kill_when(campaign.start(*APPLY), lambda: campaign.server.accepted() >= target)


def in_use(journal: Path) -> bool:
    """Whether a rollback journal holds something; between commits it is empty, or gone."""
    try:
        return journal.stat().st_size > 0
    except FileNotFoundError:
        return False


def by_commit(campaign: Campaign) -> bool:
    """Kill apply in the middle of some commit of the ledger: while its rollback journal is in use."""
    journal = campaign.shop.state / "here.db-journal"
    skip = campaign.chance.randint(0, 8)
    seen = 0
    there = in_use(journal)

    def committing() -> bool:
        nonlocal seen, there
        now = in_use(journal)
        seen, there = seen + (now and not there), now
        return now and seen > skip

    return kill_when(campaign.start(*APPLY), committing)


def by_time(campaign: Campaign) -> bool:
    """Kill apply at any moment of its life, be it before it has sent anything."""
    target = campaign.server.accepted() + 3 * MOST  # however fast it is this time, it does not get to its end
    running = campaign.start(*APPLY)
    moment = time.monotonic() + campaign.chance.random() * campaign.usual
    return kill_when(running, lambda: time.monotonic() >= moment or campaign.server.accepted() >= target)


def by_event(campaign: Campaign) -> bool:
    """Let apply die right before or after some connection, rename, commit or POST."""
    event, most = campaign.chance.choice(APPLY_DIES)
    return killed(campaign.start(*APPLY, die=(event, campaign.chance.randint(1, most))).wait())


def by_refresh(campaign: Campaign) -> bool:
    """Let refresh die right before some step: reports handed out once may be lost, states may not."""
    event, most = campaign.chance.choice(REFRESH_DIES)
    return killed(campaign.start("refresh", die=(event, campaign.chance.randint(1, most))).wait())


KILLERS: tuple[Killer, ...] = (by_count, by_commit, by_time, by_time, by_event, by_event, by_event)
REFRESH_SHARE = 0.2  # of the kills of apply, besides them


def usual(shop: Shop, server: Server) -> float:
    """About how many seconds an apply takes: twice a plan, the quickest of three; one may be held up."""
    took = []
    for _ in range(3):
        began = time.monotonic()
        assert zalosync(shop.root, "plan", environ=server.environ).code == 0
        took.append(time.monotonic() - began)
    return 2 * min(took)


def grow(shop: Shop) -> None:
    """More rows: of an apply that has nothing to send there is little to be killed."""
    shop.people = people(len(shop.people) + MORE)
    write_audience(shop)


def ended(campaign: Campaign) -> None:
    """Let it end, and hold it against the server's own count."""
    for _ in range(2):
        for command in (("refresh", "--logs"), APPLY):
            done = campaign.run(*command)
            assert done.code in (0, 6), done.err
    found = assert_at_most_once(campaign.shop, campaign.shop.state / "here.db", campaign.server)
    assert_nobody_missing(campaign.shop, found)
    assert set(found.seen.values()) == {1}, "a message id was sent again"
    again = campaign.run("plan", "--detailed-exitcode")
    assert again.code == 0, again.out


def survive(folder: Path, seed: int, kills: int) -> int:
    """Kill a campaign many times, then let it end; gives how many kills of apply landed, no others."""
    chance = random.Random(seed)
    landed = refreshes = 0
    with serving(folder / "server", {**QUICK, "seed": seed + 1}, SLOW) as server:
        shop = begun(folder / "shop", ROWS * kills, server, batch_size=2)
        campaign = Campaign(shop, server, chance, usual(shop, server))
        for _ in range(3 * kills):
            if chance.choice(KILLERS)(campaign):
                landed += 1
            else:
                grow(shop)
            if refreshes < REFRESH_SHARE * landed:
                refreshes += by_refresh(campaign)
            if landed >= kills:
                break
        assert refreshes, "no refresh was killed"
        ended(campaign)
    return landed


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(CAMPAIGNS))
def test_killed_at_random_moments(tmp_path: Path, seed: int) -> None:
    """Kill -9 of apply at 25 moments, of refresh besides: nobody gets two, nobody is missing but unknown."""
    assert survive(tmp_path, seed, KILLS) == KILLS


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(CAMPAIGNS, NIGHTLY))
def test_killed_many_times(tmp_path: Path, seed: int) -> None:
    """The same 10,000 times."""
    assert survive(tmp_path, seed, KILLS) == KILLS


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("event", EVENTS)
def test_killed_at_every_event(tmp_path: Path, event: str) -> None:
    """A small campaign dies before each event of a kind in turn, and each time ends as if it had not."""
    number = 1
    while True:
        with serving(tmp_path / f"server-{number}", QUICK) as server:
            shop = begun(tmp_path / f"shop-{number}", 40, server)
            campaign = Campaign(shop, server, random.Random(number), 0.0)
            done = campaign.start(*APPLY, die=(event, number)).wait()
            ended(campaign)
        if done.code != -9:
            break
        number += 1
    assert number > 1
