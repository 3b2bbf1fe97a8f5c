"""S3: the process ends at every single step of a dozen scenarios, and again in its recovery."""

from collections.abc import Callable, Iterator

import pytest

from tests.sim.provider import Duplicates
from tests.sim.schedule import apply, check, drain, live, operator, refresh, refused_and_taken
from tests.sim.world import Behaviour, SimFlight, World

HONEST, MESSAGES = SimFlight.honest, 8
Step = Callable[[World], None]

# What the first requests meet, and the processes that live one after another.
SCENARIOS: dict[str, tuple[tuple[Behaviour, ...], tuple[Step, ...]]] = {
    "all well": ((), (apply, refresh)),
    "applied twice": ((), (apply, apply)),
    "some refused": ((HONEST, SimFlight.rejects, SimFlight.rejects), (apply, refresh)),
    "no answer": ((HONEST, SimFlight.no_answer), (apply, refresh, apply)),
    "no answer twice": ((HONEST, SimFlight.no_answer, SimFlight.no_answer), (apply, refresh, apply)),
    "server error": ((HONEST, SimFlight.server_error), (apply, apply, refresh)),
    "throttled": ((HONEST, SimFlight.throttled, SimFlight.throttled), (apply, refresh)),
    "refused as a whole": ((HONEST, SimFlight.refused), (apply, apply, refresh)),
    "not connected": ((SimFlight.not_connected, SimFlight.not_connected), (apply, refresh)),
    "left out of the answer": ((HONEST, SimFlight.missing), (apply, refresh, apply)),
    "no answer of the provider's": ((HONEST, SimFlight.malformed), (apply, refresh, apply)),
    "a person decides": ((HONEST, SimFlight.write_error), (apply, operator, apply, refresh)),
}
LEAST_POINTS = 30


def world_of(name: str, crash_at: int | None = None) -> World:
    """A world without chance, in which only the scenario's faults happen."""
    world = World(sorted(SCENARIOS).index(name), messages=MESSAGES)
    world.faults, world.provider.duplicates = False, Duplicates.ACCEPT_TWICE
    world.script.extend(SCENARIOS[name][0])
    world.crash_at = crash_at
    return world


def lived(world: World, name: str, again_after: int | None = None) -> bool:
    """Live the scenario; after a crash its rest is left out. True when it was killed."""
    for process in SCENARIOS[name][1]:
        if live(world, process):
            world.crash_at, world.dead = None, False
            world.pass_time(5)
            if again_after is not None:
                world.crash_at = world.steps + again_after
                live(world, apply)
                world.crash_at, world.dead = None, False
            return True
        world.pass_time(5)
    return False


def problems(world: World) -> Iterator[str]:
    """What does not hold after quiet and one recovery."""
    yield from refused_and_taken(world)
    drain(world)
    yield from world.problems
    yield from check(world)


@pytest.mark.sim
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_crash_point(name: str) -> None:
    """Whichever step is the last: nobody gets two, nobody vanishes, no intent stays."""
    point = 0
    found: list[str] = []
    while True:
        point += 1
        world = world_of(name, point)
        if not lived(world, name):
            break
        found.extend(f"step {point}: {problem}" for problem in problems(world))
    assert not found
    assert point > LEAST_POINTS, "the scenario is long enough to mean something"


@pytest.mark.sim
@pytest.mark.parametrize("name", SCENARIOS)
def test_crashes_in_recovery(name: str) -> None:
    """The recovery may end anywhere too: here after each seventh step, at each eleventh of its own."""
    found: list[str] = []
    for first in range(1, 120, 7):
        for second in range(1, 60, 11):
            world = world_of(name, first)
            if lived(world, name, second):
                found.extend(f"steps {first}, {second}: {problem}" for problem in problems(world))
    assert not found


@pytest.mark.sim
@pytest.mark.nightly
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_pair_of_crash_points(name: str) -> None:
    """All pairs."""
    found: list[str] = []
    for first in range(1, 200):
        for second in range(1, 120):
            world = world_of(name, first)
            if not lived(world, name, second):
                break
            found.extend(f"steps {first}, {second}: {problem}" for problem in problems(world))
    assert not found
