"""The judge of the simulator: a history with a loss, a stranger or a duplicate forged into it is refused."""

from collections.abc import Callable

import pytest

from tests.sim.schedule import apply, check, drain, refresh
from tests.sim.world import World
from zalosync.compose.message import Status, message_id_text

pytestmark = pytest.mark.sim

STRANGER = "an-id-that-nobody-claimed"


def honest() -> World:
    """A world in which all went well, at its end."""
    world = World(3, messages=6)
    world.faults = False
    for process in (apply, refresh, drain):
        process(world)
    assert not list(check(world)), "without a forgery nothing is found"
    return world


def some_id(world: World) -> str:
    """One of the messages that the ledger calls sent."""
    return next(message_id_text(row[2]) for row in world.ledger().attempts() if row[10] == Status.DELIVERED)


def put(world: World, state: Status) -> None:
    """Write another state for a message into the ledger's own table, past the product."""
    world.database.connection.execute(
        "UPDATE attempt SET state = ? WHERE row = (SELECT MIN(row) FROM attempt)", (int(state),)
    )


def lost(world: World) -> None:
    """The provider never had what the ledger calls delivered."""
    del world.provider.acceptances[some_id(world)]


def unexpected(world: World) -> None:
    """The provider has an id that never was an intent."""
    world.provider.accept([STRANGER], world.now)


def duplicated(world: World) -> None:
    """The provider took one id twice."""
    world.provider.acceptances[some_id(world)] += 1


def released(world: World) -> None:
    """The ledger says not sent of what the provider took."""
    put(world, Status.RELEASED)


def intent_left(world: World) -> None:
    """A message stays in the air for ever."""
    put(world, Status.INTENT)


def left_out(world: World) -> None:
    """A message of the audience has no fate."""
    world.messages.append(b"one more" * 2)


def no_intent(world: World) -> None:
    """Bytes left for which no intent stands."""
    world.posted.add(STRANGER)


FORGERIES: tuple[tuple[Callable[[World], None], str], ...] = (
    (lost, "lost: "),
    (unexpected, "unexpected: "),
    (duplicated, "duplicated: 2 acceptances"),
    (duplicated, "I1: 2 acceptances"),
    (released, "I3: "),
    (released, "I11: "),
    (intent_left, "I17: "),
    (left_out, "I2: 1 messages"),
    (no_intent, "I9: "),
)


@pytest.mark.parametrize(("forge", "words"), FORGERIES, ids=[f"{f.__name__}-{w[:3]}" for f, w in FORGERIES])
def test_the_simulator_refuses_it(forge: Callable[[World], None], words: str) -> None:
    """A forged fault is called by its name, whatever else is right."""
    world = honest()
    forge(world)
    assert [problem for problem in check(world) if problem.startswith(words)]
