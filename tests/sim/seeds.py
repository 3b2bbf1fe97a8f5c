"""Which schedules a change is tried with: half always the same, half of its commit's own."""

import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path

from zalosync import __version__

FOUND = Path(__file__).with_name("seeds.txt")
# Seeds of a commit start here, far above the fixed ones: no integer is tried twice.
OWN = 1 << 32


def found() -> list[int]:
    """Every seed that ever found a bug, a real one or one put in."""
    return [int(line) for line in FOUND.read_text(encoding="ascii").split()]


def first_of(name: str) -> int:
    """The first seed of what has this name."""
    return OWN + int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])


@cache
def first_of_commit(folder: Path) -> int:
    """The first seed of a commit's own half; where Git knows of none, that of the version."""
    asked = ("git", "-C", str(folder), "rev-parse", "--verify", "HEAD")
    # A hook of Git would name its own repository by variables.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(asked, env=environ, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no Git on this machine
        return first_of(__version__)
    return first_of(done.stdout.strip() if done.returncode == 0 else __version__)


def chunk(number: int, size: int, own: int) -> range:
    """Some seeds: even chunks are of the fixed half, odd ones of the commit's, which starts at `own`."""
    first = number // 2 * size + (own if number % 2 else 0)
    return range(first, first + size)
