"""Answers of served sandboxes are heard wherever they are served, and wrong ones are found."""

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.contract.sandbox_caller import message
from tests.support.command import zalosync
from tests.support.sandbox_process import SandboxProcess, client
from tests.support.shop import write_shop
from tests.support.witness import VARIABLE, Answers, Witness, kind
from zalosync.sandbox.answers import Reply, api_error, api_exception, ok
from zalosync.sandbox.embedded import EmbeddedSandbox
from zalosync.sandbox.settings import Settings

pytestmark = [pytest.mark.contract, pytest.mark.usefixtures("loopback", "contract_dir")]
STATUS = {"groupId": 1, "groupName": "PENDING", "id": 7, "name": "PENDING_ENROUTE", "description": "sent"}
ROW = {"messageId": "m1", "destination": "84901234567", "status": STATUS}
REPORT = {"bulkId": "b", "messageId": "m1", "to": "84901234567", "channel": "ZALO_NOTIFICATION_SERVICE"}
SAID = [("POST", "/zalo/2/messages", 200), ("POST", "/zalo/2/messages", 400), ("GET", "/zalo/1/logs", 200)]


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of this test alone."""
    path = tmp_path / "heard.jsonl"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def _lines(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def _calls(path: Path) -> list[tuple[str, str, int]]:
    return [(line["method"], line["path"], line["status"]) for line in _lines(path)]


def _talk(caller: httpx.Client) -> None:
    """Two sends alike, one that is refused, and the logs."""
    for messages in ([message("a")], [message("b")], []):
        caller.post("/zalo/2/messages", json={"messages": messages})
    caller.get("/zalo/1/logs")


def test_a_sandbox_in_a_thread_is_heard(heard: Path, tmp_path: Path) -> None:
    """Each kind of answer is written down once, and all of them keep the contract."""
    slow = Settings(delay_median_ms=60_000, delay_max_ms=60_000)
    with EmbeddedSandbox(tmp_path / "state", settings=slow) as sandbox, client(sandbox.base_url) as caller:
        _talk(caller)
    assert _calls(heard) == SAID
    assert Answers(heard).wrong() == []


def test_a_sandbox_in_a_process_is_heard(heard: Path, tmp_path: Path) -> None:
    """So is one that was started by itself, also when it is killed, and what a fault hid."""
    faults = tmp_path / "faults.yaml"
    faults.write_text("faults: [{do: half-body, requests: 1-2}]\n")
    running = SandboxProcess(tmp_path / "state", "--faults", str(faults))
    with client(running.base_url) as caller:
        _talk(caller)
    running.kill()
    assert _calls(heard) == SAID
    assert Answers(heard).wrong() == []


def test_a_sandbox_in_a_command_is_heard(heard: Path, tmp_path: Path) -> None:
    """So is the one that a command runs for itself."""
    shop = write_shop(tmp_path / "shop", 2, encrypted=False)
    assert zalosync(shop.root, "apply", "--auto-approve").code == 0
    assert {("POST", "/zalo/2/messages", 200), ("GET", "/zalo/1/logs", 200)} & set(_calls(heard))
    assert Answers(heard).wrong() == []


@pytest.mark.parametrize(
    ("method", "path", "reply", "said"),
    [
        ("POST", "/zalo/2/messages", ok({"bulkId": "b"}), "'messages' is a required property"),
        ("POST", "/zalo/2/messages", ok({"messages": [ROW, ROW | {"messageId": 7}]}), "7 is not of type"),
        ("POST", "/zalo/2/messages", api_error("E429"), "does not list 429"),
        ("POST", "/zalo/2/messages", api_exception(400), "'errorCode' is a required property"),
        ("GET", "/zalo/1/logs", ok({"results": [{"smsCount": "1"}]}), "'1' is not of type"),
        ("GET", "/zalo/1/reports", ok({"results": [{"to": "849"}]}), "'bulkId' is a required property"),
        ("GET", "/zalo/1/sender/1/quota", Reply(200, b"{"), "no JSON"),
        ("GET", "/zalo/1/logs", Reply(200, b"{}", (("content-type", "text/html"),)), "type text/html"),
    ],
)
def test_a_wrong_answer_is_found(tmp_path: Path, method: str, path: str, reply: Reply, said: str) -> None:
    """What departs from the OpenAPI file is named with its call, once."""
    answers = Answers(tmp_path / "heard.jsonl")
    witness = Witness(answers.path)
    witness.hear("GET", "/zalo/1/reports", ok({"results": [REPORT]}))
    assert answers.wrong() == []
    witness.hear(method, path, reply)
    witness.hear(method, path, reply)
    found = answers.wrong()
    assert all(each.startswith(f"{method} {path} {reply.status}: ") for each in found)
    assert len([each for each in found if said in each]) == 1
    Witness(answers.path).hear(method, path, reply)
    assert answers.wrong() == []


def test_new_rows_alone_are_written_down(tmp_path: Path) -> None:
    """Of a long list only the rows of a new kind are kept: another status, another type, another length."""
    witness = Witness(tmp_path / "heard.jsonl")
    rows = [ROW | {"messageId": f"m{n}"} for n in range(100)]
    witness.hear("POST", "/zalo/2/messages", ok({"messages": rows}))
    odd = [ROW | {"status": STATUS | {"id": 26}}, ROW | {"messageId": None}, ROW | {"messageId": "m" * 201}]
    witness.hear("POST", "/zalo/2/messages", ok({"messages": rows + odd + odd}))
    assert [orjson.loads(line["body"])["messages"] for line in _lines(tmp_path / "heard.jsonl")] == [
        rows[:1],
        odd,
    ]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("2026-12-01T02:00:00.000+0000", "2027-01-05T12:30:01.120+0000", True),
        ("2026-12-01T02:00:00.000+0000", "2026-12-01", False),
        ("PENDING", "DELIVERED", False),
        (7, 8, False),
        (1, True, False),
        (1, 1.0, False),
        (2**31 - 1, 2**31, False),
        ([1, 2], [2, 1, 1], True),
        ({"a": 1}, {"a": 1, "b": None}, False),
    ],
)
def test_kinds(one: Any, other: Any, alike: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Values of one kind are told from others by what a schema can see."""
    assert (kind(one) == kind(other) and repr(kind(one)) == repr(kind(other))) == alike
