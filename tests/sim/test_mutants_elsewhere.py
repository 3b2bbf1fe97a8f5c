"""S15, the rooms that the simulator does not drive: their own tests find each bug that is put in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim import mutants as simulated
from tests.support.mutated import MUTANTS, VARIABLE

FAILED = 1  # pytest's exit code where tests failed; others say that none ran


def test_all_36_have_a_killer() -> None:
    """Each mutant of the list is in one of the two tables, and in one only."""
    assert sorted([*simulated.MUTANTS, *MUTANTS]) == list(range(1, 37))


@pytest.mark.sim
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", MUTANTS, ids=lambda number: f"{number}{MUTANTS[number].bug.__name__}")
def test_their_own_tests_find_it(repository: Path, number: int) -> None:
    """With the bug in, the tests named beside it fail; without it they are part of every run."""
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-x",
                "-p",
                "tests.support.mutated",
                "-p",
                "no:cacheprovider",
            ),
            *MUTANTS[number].killers,
        ],
        cwd=repository,
        env={**os.environ, VARIABLE: str(number), "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        timeout=540,  # sooner than the test's own: the process must not outlive it
        check=False,
    )
    assert done.returncode == FAILED, done.stdout[-2000:]
