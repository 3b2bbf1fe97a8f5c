"""The sandbox's own calls under /sandbox/: oracle, clock, switches, faults. No credentials; loopback only.

- GET /sandbox/oracle, /oracle/messages, /oracle/phones: who really got what; `?at=end` looks past the end
- GET, POST /sandbox/clock: the time; `{"advance_seconds": 3600}` moves it forward
- GET, POST /sandbox/settings: the switches; those given change from now on
- GET, POST, DELETE /sandbox/faults: the script with its hits; more of it; none of it
- POST /sandbox/keys/{sender}: another key for a sender, as if Zalo had changed it
- POST /sandbox/templates/{id}: `{"sender": …, "status": "DISABLE", "reason": …}` for a template

What they change is kept in the state file (`kept`), so a restart goes on with it.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

from zalosync.sandbox import answers, checks, decrypt, faults, kept, oracle
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.clock import Clock
from zalosync.sandbox.model import Model
from zalosync.sandbox.query import Query
from zalosync.sandbox.routes import Request
from zalosync.sandbox.settings import Settings, SettingsError

PREFIX: Final = "/sandbox/"
MESSAGES: Final = "/sandbox/oracle/messages"
_CHUNK: Final = 1000  # lines sent at a time


def handle(model: Model, clock: Clock, request: Request) -> Reply:
    """Answers a control call, but for the stream of messages."""
    model.advance(clock.now())
    what, _, rest = request.path.removeprefix(PREFIX).partition("/")
    calls: dict[tuple[str, str], Callable[[], Reply]] = {
        ("GET", "oracle"): lambda: _oracle(model, clock, request, rest),
        ("GET", "clock"): lambda: answers.ok({"now": clock.now(), "speed": clock.speed}),
        ("POST", "clock"): lambda: _clock(model, clock, _body(request)),
        ("GET", "settings"): lambda: answers.ok(_shown(model.world.settings)),
        ("POST", "settings"): lambda: _settings(model, _body(request)),
        ("GET", "faults"): lambda: _faults(model),
        ("POST", "faults"): lambda: _add_faults(model, clock, _parsed(request)),
        ("DELETE", "faults"): lambda: _no_faults(model),
        ("POST", "keys"): lambda: _key(model, rest),
        ("POST", "templates"): lambda: _template(model, rest, _body(request)),
    }
    call = calls.get((request.method, what))
    if call is None:
        return answers.api_error("E404")
    try:
        return call()
    except (SettingsError, TypeError, ValueError) as error:
        return answers.api_error("E400", [("", str(error))])


def stream(model: Model, clock: Clock, request: Request) -> Iterator[bytes]:
    """The oracle's messages as JSON lines, some at a time, from a snapshot of the file."""
    model.advance(clock.now())
    moment = _moment(request, clock)
    lines: list[bytes] = []
    with oracle.snapshot(model.world.store.connection) as connection:
        for each in oracle.messages(connection, moment):
            lines.append(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE))
            if len(lines) >= _CHUNK:
                yield b"".join(lines)
                lines.clear()
    yield b"".join(lines)


def _moment(request: Request, clock: Clock) -> int:
    """Now, or the end of every story with ?at=end."""
    return oracle.END if Query(request.query).text("at") == "end" else clock.now()


def _parsed(request: Request) -> Any:
    try:
        return orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError as error:
        raise SettingsError(f"the body is no JSON: {error}") from error


def _body(request: Request) -> dict[str, Any]:
    body = _parsed(request)
    if not isinstance(body, dict):
        raise SettingsError("the body must be a JSON object")
    return body


def _oracle(model: Model, clock: Clock, request: Request, rest: str) -> Reply:
    connection, moment = model.world.store.connection, _moment(request, clock)
    if not rest:
        return answers.ok(oracle.totals(connection, moment))
    return answers.ok(oracle.phones(connection, moment)) if rest == "phones" else answers.api_error("E404")


def _clock(model: Model, clock: Clock, body: dict[str, Any]) -> Reply:
    moment = clock.move(int(body.get("advance_ms", body.get("advance_seconds", 0) * 1000)))
    model.advance(moment)
    return answers.ok({"now": moment, "speed": clock.speed})


def _shown(settings: Settings) -> dict[str, Any]:
    shown = settings.model_dump(mode="json", exclude={"credentials"})
    shown["push"].pop("secret")
    return shown


def _settings(model: Model, body: dict[str, Any]) -> Reply:
    model.change(Settings.from_mapping(kept.merged(model.world.settings.model_dump(), body)))
    kept.keep_settings(model.world.store, body)
    return answers.ok({"changed": sorted(body)})


def _faults(model: Model) -> Reply:
    store = model.world.store
    return answers.ok(
        {
            "faults": [
                {
                    "name": line.name,
                    "hits": store.counter(f"fault:{line.name}"),
                    **line.fault.model_dump(mode="json", exclude_defaults=True, by_alias=True),
                }
                for line in model.script.lines
            ]
        }
    )


def _add_faults(model: Model, clock: Clock, body: Any) -> Reply:
    model.script.add(faults.parse(body), clock.now(), by_call=True)
    return _kept_faults(model)


def _no_faults(model: Model) -> Reply:
    model.script.clear()
    return _kept_faults(model)


def _kept_faults(model: Model) -> Reply:
    kept.keep_faults(model.world.store, [line for line in model.script.lines if line.by_call])
    return _faults(model)


def _key(model: Model, sender: str) -> Reply:
    model.world.forget_key(sender)
    return answers.ok({"publicKey": decrypt.public_text(checks.make_key(model.world, sender))})


def _template(model: Model, rest: str, body: dict[str, Any]) -> Reply:
    """Sets the status of a created template, else lists it (again) with what is given."""
    number = int(rest)
    store = model.world.store
    with store.write():
        changed = store.run(
            "UPDATE templates SET status = ?, reason = ?, review_at = NULL WHERE id = ?",
            (body.get("status", "ENABLE"), body.get("reason", ""), number),
        )
    model.world.contracts.clear()
    if not changed:
        listed = Settings.from_mapping({"templates": [{**body, "id": number}]}).templates
        others = tuple(
            each
            for each in model.world.settings.templates
            if (each.id, each.sender) != (number, listed[0].sender)
        )
        model.change(model.world.settings.model_copy(update={"templates": others + listed}))
        shown = model.world.settings.model_dump(mode="json", include={"templates"})
        kept.keep_settings(store, shown)
    return answers.ok({"templateName": number, "status": body.get("status", "ENABLE")})
