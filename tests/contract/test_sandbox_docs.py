"""The page about the sandbox: its tables are complete, and its rehearsals run as they are written."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.witness import VARIABLE
from zalosync.sandbox import oracle
from zalosync.sandbox.behaviours import BEHAVIOURS
from zalosync.sandbox.settings import Push, Settings

FENCE = re.compile(r"```sh\n(.*?)```", re.DOTALL)
ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \|(?: (.*?) \| (.*?) \|)?$", re.MULTILINE)


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    """The text of the page."""
    return (repository / "docs" / "sandbox.md").read_text(encoding="utf-8")


def _tables(page: str, heading: str) -> dict[str, tuple[str, ...]]:
    """The rows below a heading of the second level, by their first cell."""
    (part,) = re.findall(rf"^## {heading}[^\n]*\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    return {name: cells for name, *cells in ROW.findall(part)}


def _written(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return (
        ", ".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}" if value == 0 else str(value)
    )


def test_every_switch_is_told_with_its_default(page: str) -> None:
    """The table of switches names every setting, and each default is the real one."""
    told = _tables(page, "Switches")
    names = {name for name in Settings.model_fields if name != "push"}
    assert told.keys() == names | {f"push.{name}" for name in Push.model_fields}
    prose = {"credentials", "templates", "rules", "shares", "reports_scopes", "codes"}
    prose |= {"push.user", "push.secret"}
    for name, (open_question, values, default) in told.items():
        owner, _, field = name.rpartition(".")
        real = getattr(Push() if owner else Settings(), field)
        assert open_question
        assert values
        if name not in prose:
            assert default == _written(real), name


def test_every_fault_is_told(page: str) -> None:
    """The tables of faults name every behaviour with the line that the code has for it."""
    told = {name: cells[0] for name, cells in _tables(page, "Faults").items()}
    assert told == {name: each.told for name, each in BEHAVIOURS.items()}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _rehearse(page: str, repository: Path, place: Path, number: int) -> tuple[str, dict[str, Any]]:
    """Runs one rehearsal in a folder of its own; what it printed and the sandbox's own count afterwards."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed; the rehearsals use it")
    (part,) = re.findall(r"^## Five rehearsals\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)
    setup, *rehearsals = FENCE.findall(part)
    assert len(rehearsals) == 5
    (place / "examples").symlink_to(repository / "examples")
    script = "set -eu\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n" + setup + rehearsals[number - 1]
    script = script.replace("8080", str(_free_port())).replace("8081", str(_free_port()))
    (place / "bin").mkdir()
    command = place / "bin" / "zalosync"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.support.witness zalosync.cli.main "$@"\n')
    command.chmod(0o700)
    environ = {
        "PATH": os.pathsep.join((str(command.parent), str(Path(sys.executable).parent), os.environ["PATH"])),
        "PYTHONPATH": str(repository),
        "HOME": str(place),
        "LANG": "C.UTF-8",
    }
    running = subprocess.Popen(
        ["bash", "-c", script],
        cwd=place,
        env=environ | {VARIABLE: os.environ.get(VARIABLE, os.devnull)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that nothing it started outlives it
    )
    try:
        said, _ = running.communicate(timeout=100)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
    assert running.returncode == 0, said
    return said, oracle.read(place / "rehearsal" / ".zalosync" / "sandbox")


@pytest.mark.crash
@pytest.mark.usefixtures("loopback")
def test_rehearsal_crash_in_the_middle(page: str, repository: Path, tmp_path: Path) -> None:
    """After a run was killed with requests in flight, nobody is left out and nobody gets two."""
    said, totals = _rehearse(page, repository, tmp_path, 1)
    assert "the run is dead: 137" in said
    assert (totals["accepted"], totals["duplicates"]) == (500, 0)


@pytest.mark.usefixtures("loopback")
def test_rehearsal_provider_down(page: str, repository: Path, tmp_path: Path) -> None:
    """After ten minutes of 503 and a person's decision everybody has one message."""
    said, totals = _rehearse(page, repository, tmp_path, 2)
    assert "exit code 6" in said
    assert (totals["accepted"], totals["duplicates"]) == (500, 0)


@pytest.mark.usefixtures("loopback")
def test_rehearsal_webhooks_twice(page: str, repository: Path, tmp_path: Path) -> None:
    """Reports that come twice and out of order are counted once by their key."""
    said, totals = _rehearse(page, repository, tmp_path, 3)
    assert "told 1000 times, 500 reports" in said
    assert totals["pushed"] == 1000


@pytest.mark.usefixtures("loopback")
def test_rehearsal_quota_used_up(page: str, repository: Path, tmp_path: Path) -> None:
    """No more than the quota goes out, whether the client stops itself or finds out late."""
    _, totals = _rehearse(page, repository, tmp_path, 4)
    assert totals["deliveries"] <= 300
    assert totals["accepted"] == 0 or totals["undeliverable"] >= 200


@pytest.mark.usefixtures("loopback")
def test_rehearsal_wrong_key(page: str, repository: Path, tmp_path: Path) -> None:
    """The wrong hash ends undeliverable and is told; the right one arrives; a changed key stops the run."""
    said, totals = _rehearse(page, repository, tmp_path, 5)
    assert "exit code 8" in said
    assert (totals["decrypted"]["failed"], totals["decrypted"]["ok"]) == (50, 50)
    assert totals["accepted"] == 100
    assert totals["undeliverable"] >= 50
