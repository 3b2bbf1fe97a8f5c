"""The sandbox's own calls under /sandbox/: the oracle, the clock, the switches. No credentials; loopback only."""

from typing import Any

import orjson

from zalosync.sandbox import answers, oracle
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.clock import Clock
from zalosync.sandbox.model import Model, Request
from zalosync.sandbox.query import Query
from zalosync.sandbox.settings import Settings, SettingsError


def handle(model: Model, clock: Clock, request: Request) -> Reply:
    """Answers a control call."""
    model.advance(clock.now())
    connection = model.world.store.connection
    call = (request.method, request.path)
    if call == ("GET", "/sandbox/oracle"):
        return answers.ok(oracle.totals(connection, _moment(request, clock)))
    if call == ("GET", "/sandbox/oracle/messages"):
        lines = b"".join(
            orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE)
            for each in oracle.messages(connection, _moment(request, clock))
        )
        return Reply(200, lines, (("content-type", "application/x-ndjson"),))
    if call == ("GET", "/sandbox/oracle/phones"):
        return answers.ok(oracle.phones(connection, _moment(request, clock)))
    if call == ("GET", "/sandbox/clock"):
        return answers.ok({"now": clock.now(), "speed": clock.speed})
    body = _body(request)
    if body is None:
        return answers.api_error("E400", [("", "must be a JSON object")])
    if call == ("POST", "/sandbox/clock"):
        return _clock(model, clock, body)
    if call == ("POST", "/sandbox/settings"):
        return _settings(model, body)
    return answers.api_error("E404")


def _moment(request: Request, clock: Clock) -> int:
    """Now, or the end of every story with ?at=end."""
    return 2**62 if Query(request.query).text("at") == "end" else clock.now()


def _body(request: Request) -> dict[str, Any] | None:
    try:
        body = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _clock(model: Model, clock: Clock, body: dict[str, Any]) -> Reply:
    """`{"advance_ms": n}` or `{"advance_seconds": n}` moves the clock forward."""
    milliseconds = body.get("advance_ms", body.get("advance_seconds", 0) * 1000)
    try:
        moment = clock.move(int(milliseconds))
    except (TypeError, ValueError) as error:
        return answers.api_error("E400", [("advance_ms", str(error))])
    model.advance(moment)
    return answers.ok({"now": moment, "speed": clock.speed})


def _settings(model: Model, body: dict[str, Any]) -> Reply:
    """Other switches from now on, by name; the rest stay."""
    try:
        changed = Settings.from_mapping(model.world.settings.model_dump() | body)
    except SettingsError as error:
        return answers.api_error("E400", [("", str(error))])
    model.world.change(changed)
    model.world.wake(0)
    return answers.ok({"changed": sorted(body)})
