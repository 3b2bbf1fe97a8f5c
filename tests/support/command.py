"""Runs `zalosync` as its users do: a process of its own, its own environment, its output on files."""

import atexit
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.support import witness

REPOSITORY: Final = Path(__file__).resolve().parents[2]
LONGEST: Final = 100.0  # seconds that a command of a test may take


@dataclass(frozen=True, slots=True)
class Done:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """What a command sees: nothing of the caller's shell but what it takes to run."""
    names = ("PATH", "HOME", "TMPDIR", "LANG", witness.VARIABLE)
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "PYTHONPATH": str(REPOSITORY), "ZALOSYNC_ACTOR": "test", **more}


class Warm:
    """The process that forks commands, asked over its pipes."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.warm"],
            cwd=REPOSITORY,
            env=environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._read = b""
        self._launched = 0
        self._started: list[int] = []
        # By number of the launch: a system gives a process id again, sooner than a long run of tests ends.
        self._ended: dict[int, int] = {}

    def launch(self, asked: Mapping[str, Any]) -> tuple[int, int]:
        """Start a command; gives its process id, and the number by which `ended` knows it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        while not self._started:
            self._listen(LONGEST)
        self._launched += 1
        return self._started.pop(), self._launched

    def ended(self, number: int, timeout: float) -> int | None:
        """The exit code of a command (negative: the signal that ended it), or None while it runs."""
        if number not in self._ended:
            self._listen(timeout)
        return self._ended.get(number)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _listen(self, timeout: float) -> None:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        if not select.select([descriptor], [], [], timeout)[0]:
            return
        data = os.read(descriptor, 65536)
        assert data, "the process that starts commands died"
        *lines, self._read = (self._read + data).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "pid" in said:
                self._started.append(said["pid"])
            else:
                self._ended[said["ended"]] = said["status"]


@cache
def warm() -> Warm:
    """One for all commands of this test process."""
    process = Warm()
    atexit.register(process.close)
    return process


@dataclass(slots=True)
class Running:
    """A command that was started, in a session of its own."""

    pid: int
    number: int
    folder: Path = field(repr=False)

    def poll(self, timeout: float = 0.0) -> int | None:
        """The exit code, if it ends within `timeout` seconds."""
        return warm().ended(self.number, timeout)

    @property
    def said(self) -> str:
        """What it has written on stdout until now."""
        return (self.folder / "out").read_text(encoding="utf-8")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        if self.poll() is None:
            # It may have ended since it was asked; that is as well as a moment earlier.
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> Done:
        """End it as `kill -9` does."""
        self.send(signal.SIGKILL)
        return self.wait()

    def wait(self) -> Done:
        """Wait for the end."""
        code = None
        while code is None:
            code = self.poll(LONGEST)
        said = [(self.folder / name).read_text(encoding="utf-8") for name in ("out", "err")]
        shutil.rmtree(self.folder)
        return Done(code, *said)


def start(
    root: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    die: tuple[str, int] | None = None,
    fail: tuple[str, int, str] | None = None,
    fsize: int | None = None,
    clock: str | None = None,
    module: str = "zalosync.cli.main",
) -> Running:
    """Start one command in a folder.

    Args:
        root: the working folder.
        arguments: of the command line.
        environ: variables besides the few that any process has.
        die: the process kills itself right before this event (one of Python's audit hooks, one of `warm.OWN`,
            or a call of this method, `module:Class.method`) happens for the n-th time.
        fail: an exception with this text is raised right before this audit event happens for the n-th time.
        fsize: bytes beyond which no file may grow, as on a full disk.
        clock: the address of a sandbox by whose time it lives, and the seconds that its clock is ahead.
        module: whose `main` it runs.
    """
    folder = Path(tempfile.mkdtemp(prefix="zs-test-"))
    for name in ("out", "err"):
        (folder / name).touch()
    asked = {
        "module": module,
        "args": arguments,
        "cwd": str(root),
        "env": environment(environ or {}),
        "out": str(folder / "out"),
        "err": str(folder / "err"),
        "die": die,
        "fail": fail,
        "fsize": fsize,
        "clock": clock,
    }
    return Running(*warm().launch(asked), folder)


def zalosync(root: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Done:
    """Run one command in a folder to its end."""
    return start(root, *arguments, environ=environ).wait()


def cold(root: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Done:
    """Run one command to its end in a process that was not forked: as a shell would."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.witness", "zalosync.cli.main", *arguments],
        cwd=root,
        env=environment(environ or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
