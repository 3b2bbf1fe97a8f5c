"""Measures whole commands: wall time, and the memory of all their processes together."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EVERY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of a command.

    Attributes:
        seconds: by the clock on the wall.
        peak: bytes at the most, over all of its processes (proportional set sizes).
        out: what it printed on stdout.
        code: its exit code.
    """

    seconds: float
    peak: int
    out: str
    code: int


def zalosync(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Measured:
    """One command of zalosync, from its start to its end."""
    return measured([sys.executable, "-m", "zalosync.cli.main", *arguments], folder, environ)


def measured(command: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None) -> Measured:
    """Run a command to its end, looking at its memory all the time."""
    given = {**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})}
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=given, stdout=subprocess.PIPE, text=True)
    peaks = [0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(EVERY_SECONDS):
            peaks.append(_memory(process.pid))

    watching = threading.Thread(target=watch)
    watching.start()
    out, _ = process.communicate()
    seconds = time.perf_counter() - began
    done.set()
    watching.join()
    return Measured(seconds, max(peaks), out, process.returncode)


def _memory(pid: int) -> int:
    """Proportional set sizes of a process and all below it; those that end meanwhile count no more."""
    total, left = 0, [pid]
    while left:
        one = left.pop()
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii")
            left += map(int, Path(f"/proc/{one}/task/{one}/children").read_text(encoding="ascii").split())
        except (OSError, ValueError):
            continue
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) * 1024
    return total


def megabytes(size: int) -> float:
    """For people."""
    return size / 2**20
