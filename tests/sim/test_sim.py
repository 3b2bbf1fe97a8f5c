"""S1: whole schedules of runs, crashes, faults, reports and decisions, against the provider's own count."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.sim.schedule import simulate
from tests.sim.seeds import OWN, chunk, first_of, first_of_commit, found
from zalosync import __version__

CHUNK = 1_000
PER_CHANGE = 20  # chunks: 20,000 schedules
NIGHTLY = 1_000  # chunks: a million


def _run(seeds: Iterable[int]) -> None:
    failed = [verdict for seed in seeds if not (verdict := simulate(seed)).ok]
    assert not failed, "\n".join(
        f"python -m tests.sim --seed {verdict.seed}: {'; '.join(verdict.problems)}" for verdict in failed
    )


@pytest.mark.sim
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(PER_CHANGE))
def test_nobody_gets_two_and_nobody_vanishes(number: int, repository: Path) -> None:
    """Whatever breaks: no duplicate, no loss, no intent left, every total true, every history whole."""
    _run(chunk(number, CHUNK, first_of_commit(repository)))


@pytest.mark.sim
@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(PER_CHANGE, NIGHTLY))
def test_a_million_schedules(number: int, repository: Path) -> None:
    """The same, a million times."""
    _run(chunk(number, CHUNK, first_of_commit(repository)))


@pytest.mark.sim
def test_what_found_a_bug_once_holds() -> None:
    """Every seed that ever found a bug, a real one or one put in, is tried with each change."""
    assert found(), "the list of seeds is there"
    _run(found())


@pytest.mark.sim
def test_half_of_the_seeds_are_fixed(repository: Path) -> None:
    """Half of the seeds are the same for ever, half are of this commit alone, and none is tried twice."""
    own = first_of_commit(repository)
    seeds = [seed for number in range(NIGHTLY) for seed in chunk(number, CHUNK, own)]
    assert len(set(seeds)) == NIGHTLY * CHUNK
    assert sum(seed < OWN for seed in seeds) == len(seeds) / 2


@pytest.mark.sim
def test_each_commit_has_its_own_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit gives the seeds; outside of Git the version does, the same on any machine."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    seeds = {first_of_commit(tmp_path)}
    assert seeds == {first_of(__version__)}
    for name in ("one", "two"):
        folder = tmp_path / name
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        told = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        made = ("commit", "-q", "--allow-empty", "-m", name)
        subprocess.run(["git", "-C", str(folder), *told, *made], check=True)
        seeds.add(first_of_commit(folder))
    assert len(seeds) == 3


@pytest.mark.sim
def test_a_seed_replays_the_same_history(repository: Path) -> None:
    """One integer is enough to see a failure again, in another process too."""
    seed = first_of_commit(repository)
    verdict = simulate(seed)
    assert verdict == simulate(seed)
    done = subprocess.run(
        [sys.executable, "-m", "tests.sim", "--seed", str(seed)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{verdict.crashes} crashes, {verdict.sends} ids posted, 0 failed" in done.stdout
