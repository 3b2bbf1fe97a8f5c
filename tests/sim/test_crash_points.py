"""S3: the process ends at every single step of a dozen scenarios, and again in its recovery."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.sim.provider import Duplicates
from tests.sim.schedule import apply, check, drain, live, operator, refresh, refused_and_taken
from tests.sim.world import Behaviour, SimFlight, World

HONEST, MESSAGES = SimFlight.honest, 22
Step = Callable[[World], None]

# What the first requests meet, and the processes that live one after another.
SCENARIOS: dict[str, tuple[tuple[Behaviour, ...], tuple[Step, ...]]] = {
    "all well": ((), (apply, refresh, apply, refresh, apply)),
    "applied twice": ((), (apply, apply)),
    "some refused": ((HONEST, SimFlight.rejects, SimFlight.rejects), (apply, refresh, apply, refresh)),
    "no answer": ((HONEST, SimFlight.no_answer), (apply, refresh, apply)),
    "no answer twice": ((HONEST, SimFlight.no_answer, SimFlight.no_answer), (apply, refresh, apply)),
    "server error": ((HONEST, SimFlight.server_error), (apply, apply, refresh)),
    "throttled": ((HONEST, SimFlight.throttled, SimFlight.throttled), (apply, refresh)),
    "refused as a whole": ((HONEST, SimFlight.refused), (apply, apply, refresh)),
    "not connected": ((SimFlight.not_connected, SimFlight.not_connected), (apply, refresh)),
    "left out of the answer": ((HONEST, SimFlight.missing), (apply, refresh, apply)),
    "no answer of the provider's": ((HONEST, SimFlight.malformed), (apply, refresh, apply, refresh)),
    "a person decides": ((HONEST, SimFlight.write_error), (apply, operator, apply, refresh)),
}
LEAST_POINTS = 60


def world_of(name: str, crash_at: int | None = None) -> World:
    """A world without chance, in which only the scenario's faults happen."""
    world = World(sorted(SCENARIOS).index(name), messages=MESSAGES)
    world.faults, world.provider.duplicates = False, Duplicates.ACCEPT_TWICE
    world.script.extend(SCENARIOS[name][0])
    world.crash_at = crash_at
    return world


def lived(world: World, name: str, again_after: int | None = None) -> int:
    """Live the scenario; after a crash its rest is left out, its recovery may end too. Gives the crashes."""
    for process in SCENARIOS[name][1]:
        if live(world, process):
            world.crash_at, world.dead = None, False
            world.pass_time(5)
            if again_after is None:
                return 1
            world.crash_at = world.steps + again_after
            again = live(world, apply)
            world.crash_at, world.dead = None, False
            return 1 + again
        world.pass_time(5)
    world.crash_at = None
    return 0


def problems(world: World) -> Iterator[str]:
    """What does not hold after quiet and one recovery."""
    yield from refused_and_taken(world)
    drain(world)
    yield from world.problems
    yield from check(world)


def broken_at(name: str, first: int, second: int | None = None) -> tuple[int, list[str]]:
    """One run of a scenario: how often it crashed, and what does not hold."""
    world = world_of(name, first)
    crashes = lived(world, name, second)
    where = f"steps {first}, {second}" if second else f"step {first}"
    return crashes, [f"{where}: {problem}" for problem in problems(world)]


@pytest.mark.sim
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_crash_point(name: str) -> None:
    """Whichever of sixty steps and more is the last: nobody gets two, nobody vanishes, no intent stays."""
    found: list[str] = []
    for point in count(1):
        crashes, wrong = broken_at(name, point)
        found += wrong
        if not crashes:
            break
    assert not found
    assert point > LEAST_POINTS, "the scenario is long enough to mean something"


@pytest.mark.sim
@pytest.mark.parametrize("name", SCENARIOS)
def test_crashes_in_recovery(name: str) -> None:
    """The recovery may end anywhere too: here after each seventh step, at each eleventh of its own."""
    found: list[str] = []
    for first in count(1, 7):
        crashes = 0
        for second in count(1, 11):
            crashes, wrong = broken_at(name, first, second)
            found += wrong
            if crashes < 2:
                break
        if not crashes:
            break
    assert not found
    assert first > LEAST_POINTS


@pytest.mark.sim
@pytest.mark.nightly
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_pair_of_crash_points(name: str) -> None:
    """All pairs."""
    found: list[str] = []
    for first in count(1):
        crashes = 0
        for second in count(1):
            crashes, wrong = broken_at(name, first, second)
            found += wrong
            if crashes < 2:
                break
        if not crashes:
            break
    assert not found
    assert first > LEAST_POINTS
