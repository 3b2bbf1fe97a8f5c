"""Programs in processes of their own: what waits for itself, or is never told to end, ends no other way."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.sandbox_process import REPOSITORY

LONGEST = 60.0  # seconds


def printed(folder: Path, program: str) -> str:
    """What a program prints that ends by itself; from a file, since worker processes import it."""
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(path)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=True,
    )
    return done.stdout
