"""Cancelling what a plan names: as long as it is held as the plan says, and nobody else."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.desk import KEYS, Desk, phones
from tests.support.scripted import JumpingClock
from zalosync.apply.held import cancel_planned
from zalosync.audit.verify import verify
from zalosync.compose.message import Status
from zalosync.ledger import dialect
from zalosync.plan.messages import PlannedMessages


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A campaign of which everything is held."""
    made = Desk(tmp_path)
    made.campaign("tet", phones(5))
    made.send(state=Status.HELD)
    yield made
    assert verify(made.ledger).problems == ()
    made.ledger.close()


def planned(desk: Desk) -> PlannedMessages:
    """What a plan of now names."""
    with desk.plan() as plan:
        return plan.campaigns[0].messages


def cancelled(desk: Desk, **named: PlannedMessages) -> int:
    """Cancel it."""
    return cancel_planned(desk.ledger, 1, named, "lan", JumpingClock(desk.now))


def states(desk: Desk) -> Counter[Status]:
    """How many messages stand where."""
    return Counter({tally.state: tally.count for tally in desk.ledger.tallies()})


def test_what_is_held_as_planned_is_cancelled(desk: Desk) -> None:
    """All of it, by name, once; a campaign that the ledger does not know has nothing to cancel."""
    messages = planned(desk)
    assert cancelled(desk, another=messages) == 0
    assert cancelled(desk, tet=messages) == 5
    assert states(desk) == {Status.CANCELLED: 5}
    assert cancelled(desk, tet=messages) == 0
    assert b"lan" in bytes(list(desk.ledger.events())[-1][6])


def test_what_is_held_otherwise_stays(desk: Desk) -> None:
    """A message that is held with another text than the plan knew is not the plan's to cancel."""
    desk.campaign("tet", text="another {{ code }}")
    assert cancelled(desk, tet=planned(desk)) == 0
    assert states(desk) == {Status.HELD: 5}


def test_what_each_run_handed_over(desk: Desk) -> None:
    """What is held or cancelled was handed to nobody; what was sent counts for its run and campaign."""
    assert desk.ledger.handed(1) == {}
    desk.campaign("more", phones(3, first=50))
    desk.send("more")
    assert list(desk.ledger.handed(1).values()) == [3]
    assert desk.ledger.handed(99) == {}


def test_digests_of_inputs() -> None:
    """The same content has the same digest, another one another, and the key is needed for both."""
    assert KEYS.input_digest(b"a") == KEYS.input_digest(b"a") != KEYS.input_digest(b"b")


def test_the_library_is_named() -> None:
    """People are told which SQLite it is, and how it journals."""
    assert dialect.library().startswith("SQLite 3.")
    assert "log" in dialect.library() or "journal" in dialect.library()
