"""The sandbox as `python -m zalosync.sandbox`: a process to send signals to, and a client for it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

REPOSITORY = Path(__file__).resolve().parents[2]
WAIT_S = 20.0


def client(base_url: str, timeout: float | httpx.Timeout = 5.0) -> httpx.Client:
    """A client with the usual key."""
    headers = {"authorization": "App sandbox"}
    return httpx.Client(base_url=base_url, headers=headers, trust_env=False, timeout=timeout)


class SandboxProcess:
    """A served sandbox; `line` is the one it printed."""

    def __init__(self, state: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.support.witness", "zalosync.sandbox"]
        command += ["--port", "0", "--state", str(state), *arguments]
        self.process = subprocess.Popen(
            command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        self.base_url = self.line.removeprefix("sandbox listening on ").strip()

    def end(self, number: int) -> tuple[int, str]:
        """Sends a signal; exit code and stderr."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, errors

    def kill(self) -> None:
        """Ends it as a power cut of the process would: nothing is written any more."""
        assert self.end(signal.SIGKILL)[0] == -signal.SIGKILL


def until(found: Callable[[], Any]) -> Any:
    """The first truthy thing that is found, within a while."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        what = found()
        if what:
            return what
        time.sleep(0.02)
    raise AssertionError(f"nothing within {WAIT_S} s")
