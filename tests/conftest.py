"""What all tests share: where the contract is, and no network but loopback."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts

from tests.support.witness import VARIABLE, Answers, listen

REPOSITORY = Path(__file__).resolve().parent.parent

# How long an example takes is the machine's doing, not what any property says.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _loopback_only() -> None:
    """No test reaches anything but this machine."""
    disable_socket(allow_unix_socket=True)
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.fixture
def loopback(_loopback_only: None) -> None:
    """A test that talks to a server on this machine asks for this."""
    enable_socket()
    socket_allow_hosts(["127.0.0.1", "::1"])


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the caller's shell changes what a test sees."""
    for name in list(os.environ):
        if name.startswith(("ZALOSYNC_", "INFOBIP_")) and name != "ZALOSYNC_CONTRACT":
            monkeypatch.delenv(name)
    for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


def _contract() -> Path | None:
    """The folder with the provider's OpenAPI file."""
    named = os.environ.get("ZALOSYNC_CONTRACT")
    place = Path(named) if named else REPOSITORY.parent / "shared" / "contract"
    return place if list(place.glob("infobip-zalo-openapi-*.json")) else None


@pytest.fixture(scope="session")
def _answers(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Answers | None]":
    """What served sandboxes answer; None where the OpenAPI file is not there."""
    if _contract() is None:
        yield None
        return
    answers = Answers(tmp_path_factory.mktemp("answers") / "heard.jsonl")
    os.environ[VARIABLE] = str(answers.path)
    yield answers
    del os.environ[VARIABLE]
    assert answers.wrong() == []


@pytest.fixture(autouse=True)
def _answers_keep_the_contract(_answers: "Answers | None") -> Iterator[None]:
    """Whatever a served sandbox answers during a test, the OpenAPI file allows it."""
    if _answers is None:
        yield
        return
    if "zalosync.sandbox.door" in sys.modules:  # else nothing is served in this process
        listen()
    yield
    assert _answers.wrong() == []


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def contract_dir() -> Path:
    """The folder with the provider's OpenAPI file, or a skip with a message."""
    place = _contract()
    if place is None:
        pytest.skip("no OpenAPI file: set ZALOSYNC_CONTRACT to the folder that has it")
    return place
