"""A sandbox killed with -9: what it had taken, promised and been told holds when it comes back."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import orjson
import pytest

from tests.contract.sandbox_caller import SENDER, message
from tests.support.sandbox_process import SandboxProcess, client, until
from zalosync.sandbox import oracle

pytestmark = [pytest.mark.crash, pytest.mark.usefixtures("loopback")]

CALM = {
    "shares": dict.fromkeys(("no_account", "expired", "refused", "provider_error", "no_report"), 0),
    "delay_median_ms": 0,
    "delay_max_ms": 0,
    "night": False,
}


def _settings(folder: Path, **more: Any) -> tuple[str, str]:
    path = folder / "settings.yaml"
    path.write_bytes(orjson.dumps(CALM | more))
    return "--settings", str(path)


def _send(base_url: str, *ids: str) -> list[int]:
    """Sends messages; the status of each row."""
    with client(base_url) as caller:
        answer = caller.post("/zalo/2/messages", json={"messages": [message(each) for each in ids]})
        return [row["status"]["id"] for row in answer.json()["messages"]]


class _Receiver:
    """A webhook that answers `status`; `told` are the ids it took with 200, `refused` the others."""

    def __init__(self) -> None:
        self.status = 503
        self.told: list[str] = []
        self.refused: list[str] = []
        self.url = ""


@contextmanager
def _receiving() -> Iterator[_Receiver]:
    receiver = _Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            rows = orjson.loads(self.rfile.read(int(self.headers["content-length"])))["results"]
            kept = receiver.told if receiver.status == 200 else receiver.refused
            kept.extend(row["messageId"] for row in rows)
            self.send_response(receiver.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name the base class gave it
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_pushes_go_on_after_a_kill(tmp_path: Path) -> None:
    """Reports that a receiver refused before the kill are pushed after it, each of them once."""
    ids = [f"m{n}" for n in range(30)]
    with _receiving() as receiver:
        settings = _settings(tmp_path, push={"url": receiver.url, "batch": 4})
        running = SandboxProcess(tmp_path, *settings)
        assert _send(running.base_url, *ids) == [7] * 30
        until(lambda: len(set(receiver.refused)) == 30)
        running.kill()
        receiver.status = 200
        running = SandboxProcess(tmp_path, *settings)
        with client(running.base_url) as caller:
            caller.post("/sandbox/clock", json={"advance_seconds": 70})
            until(lambda: caller.get("/sandbox/oracle").json()["pushed"] == 30)
        running.kill()
    assert sorted(receiver.told) == sorted(ids)


def test_requests_under_way_arrive_after_a_kill(tmp_path: Path) -> None:
    """A request that is taken ten minutes later is taken once, though the sandbox died in between."""
    faults = tmp_path / "faults.yaml"
    faults.write_text("faults: [{do: accepted-later, times: 1}]\n")
    arguments = (*_settings(tmp_path), "--faults", str(faults))
    running = SandboxProcess(tmp_path, *arguments)
    with pytest.raises(httpx.TransportError):
        _send(running.base_url, "a", "b")
    running.kill()
    running = SandboxProcess(tmp_path, *arguments)
    with client(running.base_url) as caller:
        assert caller.get("/sandbox/oracle").json()["accepted"] == 0
        caller.post("/sandbox/clock", json={"advance_seconds": 601})
        assert caller.get("/sandbox/oracle").json()["accepted"] == 2
    running.kill()
    running = SandboxProcess(tmp_path, *arguments)
    assert _send(running.base_url, "a", "b", "c") == [23, 23, 7]
    running.kill()
    assert oracle.read(tmp_path)["accepted"] == 3


def test_quotas_are_remembered_over_a_kill(tmp_path: Path) -> None:
    """What was used of a day's quota before the kill is used after it."""
    settings = _settings(tmp_path, daily_quota=5)
    running = SandboxProcess(tmp_path, *settings)
    _send(running.base_url, "a", "b", "c")
    running.kill()
    running = SandboxProcess(tmp_path, *settings)
    with client(running.base_url) as caller:
        left = caller.get(f"/zalo/1/sender/{SENDER}/quota").json()
    assert left["remainingDailyQuota"] == 2
    _send(running.base_url, "d", "e", "f", "g")
    running.kill()
    totals = oracle.read(tmp_path)
    assert (totals["delivered"], totals["undeliverable"]) == (5, 2)


def test_no_time_comes_twice(tmp_path: Path) -> None:
    """A fast clock, killed again and again right after it was read, never shows an earlier time."""
    last = 0
    for _ in range(4):
        running = SandboxProcess(tmp_path, "--speed", "5000")
        with client(running.base_url) as caller:
            for _ in range(5):
                moment = caller.get("/sandbox/clock").json()["now"]
                assert moment >= last
                last = moment
        running.kill()


def test_what_calls_changed_holds_after_a_kill(tmp_path: Path) -> None:
    """Switches, faults, templates and the moved clock are as control calls left them; --settings wins."""
    running = SandboxProcess(tmp_path, *_settings(tmp_path))
    with client(running.base_url) as caller:
        caller.post("/sandbox/settings", json={"accepted_status": 26, "push": {"batch": 7}, "night": True})
        caller.post("/sandbox/settings", json={"push": {"retries": 3}})
        caller.post("/sandbox/faults", json=[{"do": "refuse-503", "on": "send", "requests": "2-"}])
        caller.post("/sandbox/templates/9", json={"status": "DISABLE", "reason": "complaints"})
        moved = caller.post("/sandbox/clock", json={"advance_seconds": 86_400}).json()["now"]
        assert _send(running.base_url, "a") == [26]
    running.kill()
    running = SandboxProcess(tmp_path, *_settings(tmp_path))
    with client(running.base_url) as caller:
        shown = caller.get("/sandbox/settings").json()
        assert (shown["accepted_status"], shown["push"]["batch"], shown["push"]["retries"]) == (26, 7, 3)
        assert shown["night"] is False, "the settings file names it, so it wins"
        assert [(each["id"], each["status"]) for each in shown["templates"]] == [(9, "DISABLE")]
        assert [line["do"] for line in caller.get("/sandbox/faults").json()["faults"]] == ["refuse-503"]
        assert caller.post("/zalo/2/messages", json={"messages": [message("b")]}).status_code == 503
        assert caller.get("/sandbox/clock").json()["now"] >= moved
        caller.delete("/sandbox/faults")
    running.kill()
    running = SandboxProcess(tmp_path, *_settings(tmp_path, accepted_status=7))
    assert _send(running.base_url, "c") == [7]
    running.kill()
