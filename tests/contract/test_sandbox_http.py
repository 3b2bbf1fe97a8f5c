"""The sandbox as a server: sockets, processes, the state file, and faults as a caller feels them."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import orjson
import pytest

from tests.contract.sandbox_caller import SENDER, message, openapi
from tests.support.sandbox_process import WAIT_S, SandboxProcess
from tests.support.sandbox_process import client as _client
from zalosync.sandbox import oracle
from zalosync.sandbox.behaviours import BEHAVIOURS
from zalosync.sandbox.embedded import EmbeddedSandbox, SandboxBusy
from zalosync.sandbox.settings import Push, Settings, Shares

CALM = Settings(
    shares=Shares(no_account=0, expired=0, refused=0, provider_error=0, no_report=0),
    delay_median_ms=0,
    delay_max_ms=0,
    key_bits=2048,
)
pytestmark = pytest.mark.usefixtures("loopback")


@pytest.fixture
def served(tmp_path: Path, loopback: None) -> Iterator[tuple[EmbeddedSandbox, httpx.Client]]:
    """An embedded sandbox and a client for it."""
    with EmbeddedSandbox(tmp_path, settings=CALM) as sandbox, _client(sandbox.base_url) as client:
        yield sandbox, client


def _until(client: httpx.Client, **expected: int) -> dict[str, Any]:
    """The oracle's totals once they are as expected."""
    end = time.monotonic() + WAIT_S
    totals: dict[str, Any] = {}
    while time.monotonic() < end:
        totals = client.get("/sandbox/oracle").json()
        if all(totals[name] == value for name, value in expected.items()):
            return totals
        time.sleep(0.02)
    raise AssertionError(f"not {expected} within {WAIT_S} s: {totals}")


def test_embedded_answers_at_once_and_forgets_nothing(tmp_path: Path) -> None:
    """A sandbox answers as soon as it is entered; the next one on the same folder knows the messages."""
    with EmbeddedSandbox(tmp_path, settings=CALM) as sandbox, _client(sandbox.base_url) as client:
        assert sandbox.base_url.startswith("http://127.0.0.1:")
        assert sandbox.api_key == "sandbox"
        assert client.post("/zalo/2/messages", json={"messages": [message()]}).status_code == 200
    with EmbeddedSandbox(tmp_path, settings=CALM) as sandbox, _client(sandbox.base_url) as client:
        assert [row["messageId"] for row in client.get("/zalo/1/logs").json()["results"]] == ["m1"]
        assert [row["messageId"] for row in client.get("/zalo/1/reports").json()["results"]] == ["m1"]
    with EmbeddedSandbox(tmp_path, settings=CALM) as sandbox, _client(sandbox.base_url) as client:
        assert client.get("/zalo/1/reports").json() == {"results": []}
    assert oracle.read(tmp_path)["delivered"] == 1


def test_one_owner_at_a_time(tmp_path: Path) -> None:
    """A second sandbox on one file is refused, names the file, and may come once the first has ended."""
    with (
        EmbeddedSandbox(tmp_path),
        pytest.raises(SandboxBusy, match=r"sandbox\.db: another process"),
        EmbeddedSandbox(tmp_path),
    ):
        pytest.fail("two sandboxes on one file")
    with EmbeddedSandbox(tmp_path) as sandbox:
        assert sandbox.base_url


def test_answers_over_http_keep_the_contract(served: tuple[EmbeddedSandbox, httpx.Client]) -> None:
    """Real answers have one content type, a length, a date, and validate against the document."""
    _, client = served
    document = openapi()
    if document is None:
        pytest.skip("no OpenAPI file: set ZALOSYNC_CONTRACT")
    for method, path, body in (
        ("POST", "/zalo/2/messages", {"messages": [message()]}),
        ("POST", "/zalo/2/messages", {"messages": []}),
        ("GET", "/zalo/1/logs", None),
        ("POST", f"/zalo/1/sender/{SENDER}/public-key", None),
        ("GET", f"/zalo/1/sender/{SENDER}/public-key", None),
        ("GET", f"/zalo/1/sender/{SENDER}/quota", None),
    ):
        answer = client.request(method, path, json=body) if body is not None else client.request(method, path)
        assert answer.headers.get_list("content-type") == ["application/json"]
        assert answer.headers["date"]
        assert int(answer.headers["content-length"]) == len(answer.content)
        schema = document.schema(method, path, answer.status_code)
        assert schema is not None
        assert document.problems(schema, answer.json()) == []


FELT: list[tuple[str, type[Exception]]] = [
    ("reset-before-reading", httpx.TransportError),  # a write may swallow the reset; then it reads as an end
    ("close-before-reading", httpx.RemoteProtocolError),
    ("hang-before-reading", httpx.TimeoutException),
    ("reset-unaccepted", httpx.ReadError),
    ("close-unaccepted", httpx.RemoteProtocolError),
    ("hang-unaccepted", httpx.ReadTimeout),
    ("interim-only", httpx.RemoteProtocolError),
    ("accepted-then-reset", httpx.ReadError),
    ("accepted-then-close", httpx.RemoteProtocolError),
    ("accepted-then-hang", httpx.ReadTimeout),
    ("cut-headers", httpx.RemoteProtocolError),
    ("cut-body", httpx.RemoteProtocolError),
    ("slow", httpx.ReadTimeout),
    ("drip", httpx.ReadTimeout),
    ("partial-accept-then-reset", httpx.ReadError),
]


@pytest.mark.parametrize(("name", "raised"), FELT)
def test_connection_faults_as_felt(
    served: tuple[EmbeddedSandbox, httpx.Client], name: str, raised: type[Exception]
) -> None:
    """Each connection fault is felt as its name says, once; the next request is answered."""
    sandbox, control = served
    waits = {each: 60_000 for each in BEHAVIOURS[name].takes if each in ("delay_ms", "drip_ms")}
    fault = {"do": name, "times": 1, "with": waits}
    assert control.post("/sandbox/faults", json=[fault]).status_code == 200
    # Impatient where a time-out is what is to be felt, and of the answer only.
    patience = httpx.Timeout(5.0, read=0.3 if issubclass(raised, httpx.TimeoutException) else 5.0)
    with _client(sandbox.base_url, timeout=patience) as client, pytest.raises(raised):
        client.post("/zalo/2/messages", json={"messages": [message(f"{name}-{n}") for n in range(3)]})
    assert control.post("/zalo/2/messages", json={"messages": [message("next")]}).status_code == 200
    (line,) = control.get("/sandbox/faults").json()["faults"]
    assert line["hits"] == 1
    taken = control.get("/sandbox/oracle").json()["accepted"] - 1
    nothing = name.endswith(("-reading", "-unaccepted", "-only"))
    assert taken == 0 if nothing else taken in (1, 2) if name.startswith("partial") else taken == 3


@pytest.mark.parametrize("name", ["reset-on-connect", "close-on-connect"])
def test_connections_that_end_as_they_open(served: tuple[EmbeddedSandbox, httpx.Client], name: str) -> None:
    """A connection may be ended before a byte was read; the next one works."""
    sandbox, control = served
    control.post("/sandbox/faults", json=[{"do": name, "times": 1}])
    with _client(sandbox.base_url) as client:
        with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
            client.get("/zalo/1/reports")
        assert client.get("/zalo/1/reports").status_code == 200


def test_interim_answers_come_before_the_answer(served: tuple[EmbeddedSandbox, httpx.Client]) -> None:
    """A 103 before the answer leaves the answer whole."""
    _, client = served
    client.post("/sandbox/faults", json=[{"do": "interim-first"}])
    answer = client.post("/zalo/2/messages", json={"messages": [message()]})
    assert (answer.status_code, len(answer.json()["messages"])) == (200, 1)


def test_control_calls(served: tuple[EmbeddedSandbox, httpx.Client]) -> None:
    """The clock, the switches, templates and keys can be changed while the sandbox runs."""
    _, client = served
    schedule = {"sendAt": "2200-01-01T00:00:00.000+0000"}
    assert client.post(
        "/zalo/2/messages", json={"messages": [message()], "options": {"schedule": schedule}}
    ).is_error
    before = client.get("/sandbox/clock").json()["now"]
    assert client.post("/sandbox/clock", json={"advance_seconds": 3600}).json()["now"] >= before + 3_600_000
    assert client.post("/sandbox/clock", json={"advance_ms": -1}).status_code == 400
    assert client.post("/sandbox/settings", json={"accepted_status": 26, "push": {"batch": 7}}).is_success
    shown = client.get("/sandbox/settings").json()
    assert (shown["accepted_status"], shown["push"]["batch"], shown["push"]["retries"]) == (26, 7, 20)
    assert "credentials" not in shown
    assert "secret" not in shown["push"]
    assert client.post("/sandbox/settings", json={"colour": "red"}).status_code == 400
    first = client.post(f"/zalo/1/sender/{SENDER}/public-key").json()["publicKey"]
    second = client.post(f"/sandbox/keys/{SENDER}").json()["publicKey"]
    assert client.get(f"/zalo/1/sender/{SENDER}/public-key").json()["publicKey"] == second != first
    client.post("/sandbox/templates/5", json={"status": "DISABLE", "reason": "complaints"})
    info = client.get(f"/zalo/1/sender/{SENDER}/templates/5").json()
    assert (info["status"], info["reason"]) == ("DISABLE", "complaints")
    assert client.get("/sandbox/nothing").status_code == 404
    assert client.post("/sandbox/faults", content=b"{").status_code == 400
    assert client.delete("/sandbox/faults").json() == {"faults": []}


def test_the_oracle_over_http_and_from_the_file(tmp_path: Path) -> None:
    """Totals, messages and phones are the same over HTTP and from the file, during the run and after it."""
    with EmbeddedSandbox(tmp_path, settings=CALM) as sandbox, _client(sandbox.base_url) as client:
        batch = [message(f"m{n}", f"8490000000{n % 3}") for n in range(9)]
        client.post("/zalo/2/messages", json={"messages": batch})
        lines = [
            orjson.loads(line) for line in client.get("/sandbox/oracle/messages?at=end").content.splitlines()
        ]
        assert lines == oracle.read_messages(tmp_path)
        assert client.get("/sandbox/oracle/phones").json() == oracle.read_phones(tmp_path)
        assert client.get("/sandbox/oracle").json() == oracle.read(tmp_path)
    assert oracle.read_phones(tmp_path) == {f"8490000000{n}": 3 for n in range(3)}
    assert lines[0]["values"] == {"customer_name": "Lan"}
    assert [line["messageId"] for line in lines] == [f"m{n}" for n in range(9)]


def test_values_are_opened_in_the_background(served: tuple[EmbeddedSandbox, httpx.Client]) -> None:
    """What cannot be opened is found out by the background, without any further call."""
    _, client = served
    client.post(f"/zalo/1/sender/{SENDER}/public-key")
    content = {"type": "TEMPLATE", "templateName": 1, "templateData": {"name": "bm9wZQ=="}}
    entry = message(content=content, options={"encrypted": True})
    assert client.post("/zalo/2/messages", json={"messages": [entry]}).is_success
    totals = _until(client, undeliverable=1)
    assert totals["decrypted"]["failed"] == 1


class _Receiver(BaseHTTPRequestHandler):
    """Takes pushes; refuses the first."""

    taken: list[bytes]
    refused: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        first = not self.refused
        (self.refused if first else self.taken).append(body)
        self.send_response(500 if first else 200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name the base class gave it
        """Says nothing."""


@pytest.fixture
def receiver(loopback: None) -> Iterator[tuple[str, type[_Receiver]]]:
    """A webhook on loopback that refuses the first push."""
    handler = type("Handler", (_Receiver,), {"taken": [], "refused": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/dlr", handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_pushes_over_http(tmp_path: Path, receiver: tuple[str, type[_Receiver]]) -> None:
    """A report is pushed, refused, and pushed again when its minute has passed on the sandbox's clock."""
    url, handler = receiver
    settings = CALM.model_copy(update={"push": Push(url=url)})
    with EmbeddedSandbox(tmp_path, settings=settings) as sandbox, _client(sandbox.base_url) as client:
        client.post("/zalo/2/messages", json={"messages": [message()]})
        end = time.monotonic() + WAIT_S
        while not handler.refused and time.monotonic() < end:
            time.sleep(0.02)
        assert handler.taken == []
        client.post("/sandbox/clock", json={"advance_seconds": 61})
        assert _until(client, pushed=1)["reported"] == 0
    assert handler.taken == handler.refused
    assert orjson.loads(handler.taken[0])["results"][0]["messageId"] == "m1"


def test_a_dead_receiver_is_tried_again(tmp_path: Path) -> None:
    """A push nobody answers stays in the queue."""
    settings = CALM.model_copy(update={"push": Push(url="http://127.0.0.1:9/", timeout_ms=200)})
    with EmbeddedSandbox(tmp_path, settings=settings) as sandbox, _client(sandbox.base_url) as client:
        client.post("/zalo/2/messages", json={"messages": [message()]})
        end = time.monotonic() + WAIT_S
        while sandbox.model.world.store.counter("pushes") == 0 and time.monotonic() < end:
            time.sleep(0.02)
        assert client.get("/sandbox/oracle").json()["pushed"] == 0
    with EmbeddedSandbox(tmp_path, settings=CALM) as sandbox:
        assert sandbox.model.world.store.value("SELECT attempts FROM pushes") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_cleanly(tmp_path: Path, number: int) -> None:
    """The command prints one line, answers, and ends with 0 on a signal, even while something hangs."""
    faults = tmp_path / "faults.yaml"
    faults.write_text("faults:\n  - {do: hang-unaccepted, requests: [1]}\n")
    running = SandboxProcess(
        tmp_path, "--key-bits", "2048", "--api-key", "k", "--faults", str(faults), "--speed", "60"
    )
    assert running.line.startswith("sandbox listening on http://127.0.0.1:")
    with httpx.Client(
        base_url=running.base_url, headers={"authorization": "App k"}, trust_env=False
    ) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post("/zalo/2/messages", json={"messages": [message()]}, timeout=0.2)
        assert client.get("/sandbox/clock").json()["speed"] == 60
    assert running.end(number) == (0, "")


@pytest.mark.crash
def test_what_was_answered_survives_kill_nine(tmp_path: Path) -> None:
    """After `kill -9` while sending, every message that was answered with 200 is there, and once."""
    running = SandboxProcess(tmp_path)
    answered: list[str] = []

    def send() -> None:
        with _client(running.base_url) as client:
            for n in range(100_000):
                ids = [f"m{n}-{k}" for k in range(20)]
                try:
                    answer = client.post(
                        "/zalo/2/messages", json={"messages": [message(each) for each in ids]}
                    )
                except httpx.HTTPError:
                    return
                assert answer.status_code == 200
                answered.extend(ids)

    sender = Thread(target=send)
    sender.start()
    end = time.monotonic() + WAIT_S
    while len(answered) < 1000 and time.monotonic() < end:
        time.sleep(0.01)
    code, _ = running.end(signal.SIGKILL)
    sender.join()
    assert code == -signal.SIGKILL
    known = {entry["messageId"]: entry["accepted"] for entry in oracle.read_messages(tmp_path)}
    assert len(answered) >= 1000
    assert all(known[each] == 1 for each in answered)
    assert set(known.values()) == {1}
    with EmbeddedSandbox(tmp_path, settings=CALM) as sandbox, _client(sandbox.base_url) as client:
        again = client.post("/zalo/2/messages", json={"messages": [message(answered[-1])]}).json()
        assert again["messages"][0]["status"]["id"] == 23


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--settings", "missing.yaml"], "missing.yaml"),
        (["--faults", "missing.yaml"], "missing.yaml"),
        (["--settings", "bad.yaml"], "colour"),
        (["--speed", "0"], "--speed 0"),
        (["--speed", "nan"], "--speed nan"),
    ],
)
def test_what_cannot_start_says_why(tmp_path: Path, arguments: list[str], said: str) -> None:
    """A missing or wrong file ends the command with 64 and one line that names it."""
    (tmp_path / "bad.yaml").write_text("colour: red\n")
    command = [sys.executable, "-m", "zalosync.sandbox", "--port", "0", "--state", "state", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert done.returncode == 64
    assert done.stdout == ""
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_busy_file_and_a_taken_port(tmp_path: Path) -> None:
    """The command refuses a file another process owns, and a port somebody has, in one line each."""
    with EmbeddedSandbox(tmp_path / "a") as sandbox:
        port = sandbox.base_url.rpartition(":")[2]
        for state, number, said in (
            (tmp_path / "a", "0", "another process"),
            (tmp_path / "b", port, "in use"),
        ):
            command = [sys.executable, "-m", "zalosync.sandbox", "--port", number, "--state", str(state)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
            assert done.returncode == 64
            assert said in done.stderr
            assert done.stderr.count("\n") == 1


def test_faithful_and_settings_files(tmp_path: Path) -> None:
    """A settings file and `--faithful` set the switches; what is given on the command line wins."""
    settings = tmp_path / "settings.yaml"
    settings.write_text("accepted_status: 26\nkey_bits: 4096\nrules:\n  - {fate: refused, to: '8490*'}\n")
    running = SandboxProcess(
        tmp_path, "--settings", str(settings), "--faithful", "--key-bits", "1024", "--seed", "9"
    )
    with _client(running.base_url) as client:
        shown = client.get("/sandbox/settings").json()
    assert running.end(signal.SIGTERM)[0] == 0
    assert (shown["accepted_status"], shown["key_bits"], shown["validity_cap_ms"], shown["seed"]) == (
        26,
        1024,
        None,
        9,
    )
    assert shown["rules"][0]["fate"] == "refused"


def test_the_folder_is_made(tmp_path: Path) -> None:
    """A state folder that is not there yet is made, with its parents."""
    with EmbeddedSandbox(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b" / "sandbox.db").exists()
    assert [each.name for each in (tmp_path / "a").iterdir()] == ["b"]
