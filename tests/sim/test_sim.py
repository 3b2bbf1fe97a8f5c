"""S1: whole schedules of runs, crashes, faults, reports and decisions, against the provider's own count."""

from pathlib import Path

import pytest

from tests.sim.schedule import simulate

CHUNK = 1_000
PER_CHANGE = 20  # chunks: 20,000 schedules
NIGHTLY = 1_000  # chunks: a million
FOUND = Path(__file__).with_name("seeds.txt")


def _run(first: int) -> None:
    failed = [verdict for seed in range(first, first + CHUNK) if not (verdict := simulate(seed)).ok]
    assert not failed, "\n".join(
        f"python -m tests.sim --seed {verdict.seed}: {'; '.join(verdict.problems)}" for verdict in failed
    )


@pytest.mark.sim
@pytest.mark.parametrize("chunk", range(PER_CHANGE))
def test_nobody_gets_two_and_nobody_vanishes(chunk: int) -> None:
    """Whatever breaks: no duplicate, no loss, no intent left, every total true, every history whole."""
    _run(chunk * CHUNK)


@pytest.mark.sim
@pytest.mark.nightly
@pytest.mark.parametrize("chunk", range(PER_CHANGE, NIGHTLY))
def test_a_million_schedules(chunk: int) -> None:
    """The same, a million times."""
    _run(chunk * CHUNK)


@pytest.mark.sim
def test_what_found_a_bug_once_holds() -> None:
    """Every seed that ever found a bug, a real one or one put in, is tried with each change."""
    seeds = [int(line) for line in FOUND.read_text(encoding="ascii").split()]
    assert seeds, "the list of seeds is there"
    assert not [seed for seed in seeds if not simulate(seed).ok]


@pytest.mark.sim
def test_a_seed_replays_the_same_history() -> None:
    """One integer is enough to see a failure again."""
    assert simulate(17) == simulate(17)
