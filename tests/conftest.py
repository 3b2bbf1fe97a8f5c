"""What all tests share: where the contract is, and no network but loopback."""

import os
from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts

REPOSITORY = Path(__file__).resolve().parent.parent


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


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def contract_dir() -> Path:
    """The folder with the provider's OpenAPI file, or a skip with a message."""
    named = os.environ.get("ZALOSYNC_CONTRACT")
    place = Path(named) if named else REPOSITORY.parent / "shared" / "contract"
    if not list(place.glob("infobip-zalo-openapi-*.json")):
        pytest.skip(f"no OpenAPI file in {place}: set ZALOSYNC_CONTRACT to the folder that has it")
    return place
