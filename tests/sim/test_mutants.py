"""S15: bugs put in on purpose are found, each within the seeds of one change."""

import pytest

from tests.sim.mutants import MUTANTS, mutated
from tests.sim.schedule import simulate

MOST_SEEDS, SEED_SETS = 2_000, 10


@pytest.mark.sim
@pytest.mark.parametrize("number", MUTANTS, ids=lambda number: f"{number}-{MUTANTS[number].__name__}")
def test_the_simulator_finds_it(number: int) -> None:
    """A careless change of this kind does not get past the simulator."""
    with mutated(number):
        assert any(not simulate(seed).ok for seed in range(MOST_SEEDS))


@pytest.mark.sim
@pytest.mark.nightly
@pytest.mark.parametrize("others", range(1, SEED_SETS))
@pytest.mark.parametrize("number", MUTANTS, ids=lambda number: f"{number}-{MUTANTS[number].__name__}")
def test_other_seeds_find_it_too(number: int, others: int) -> None:
    """It is not one lucky seed that finds it: nine more sets of seeds do."""
    with mutated(number):
        assert any(not simulate(seed).ok for seed in range(others * MOST_SEEDS, (others + 1) * MOST_SEEDS))


@pytest.mark.sim
def test_without_a_mutant_nothing_is_found() -> None:
    """The patches are gone after each test."""
    assert simulate(4).ok
