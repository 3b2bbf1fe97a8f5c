"""The truth of the sandbox: from a request and a moment to a reply. No socket, no thread, no clock.

Two doors share it: `door` over HTTP, and a simulator that calls `Model.handle` in-process on an in-memory
database. Everything a door must act on, connection faults included, is data in the reply.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from email.utils import formatdate
from functools import partial
from hashlib import blake2b
from typing import Final

from zalosync.sandbox import (
    accept,
    answers,
    auth,
    keys,
    late,
    life,
    logs,
    media,
    quota,
    reports,
    routes,
    templates,
)
from zalosync.sandbox.answers import Reply, Wire
from zalosync.sandbox.behaviours import BEHAVIOURS
from zalosync.sandbox.faults import Fault, Line, Script, messages_in
from zalosync.sandbox.query import Query
from zalosync.sandbox.routes import Call, Request, Route
from zalosync.sandbox.settings import Settings
from zalosync.sandbox.store import Store
from zalosync.sandbox.throttle import Throttle
from zalosync.sandbox.turn import HONEST, Ask, Turn
from zalosync.sandbox.world import World

Asking = Callable[[Ask], Reply]
_NOBODY: Final = Request("", "", "", {}, b"")
_IN_XML: Final = frozenset({401, 403, 429, 500})
_MINUTE_MS, _SECOND_MS = 60_000, 1000
_BAD: Final = 400


class Model:
    """The sandbox's state behind a few verbs. Not safe for two threads at a time."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        settings: Settings | None = None,
        faults: Sequence[Fault] = (),
        now: int = 0,
    ) -> None:
        self.world = World(settings or Settings(), Store(connection))
        self.throttle = Throttle(self.world.store)
        self.script = Script(self.world.settings.seed)
        self.script.add(faults, now)

    def connected(self, now: int) -> Wire | None:
        """What a fault does to a connection that has just opened; None leaves it alone."""
        found = self.script.pick(self.world.store, "connect", b"", now)
        return self._spoil(found[0], _NOBODY, now, _nothing)(HONEST).wire if found else None

    def head(self, request: Request, now: int) -> Reply | None:
        """What a fault does once the headers are in, before the body is read; None goes on to `handle`."""
        call = self._route(request).call
        found = self.script.pick_early(self.world.store, call.name, now) if call else []
        return self._spoil(found[0], request, now, _nothing)(HONEST) if found else None

    def handle(self, request: Request, now: int) -> Reply:
        """Answers a request at a moment (milliseconds UTC); whatever is due by then has happened before.

        A door calls `head` first; what `head` answers never gets here.
        """
        life.advance(self.world, now)
        route = self._route(request)
        call = route.call
        if call is None:
            missing = answers.refusal(405 if route.known else 404, old_shape=route.old_shape)
            return _dated(missing, now)
        if call.name == "send":
            with self.world.store.write():
                self.world.store.count("requests")
        ask: Asking = partial(self._shown, request, call, route, now)
        for line in reversed(self.script.pick(self.world.store, call.name, request.body, now)):
            ask = self._spoil(line, request, now, ask, old_shape=call.old_shape)
        reply = ask(HONEST)
        if reply.wire.action == "answer":
            reports.mark(self.world)
        self.world.handed_out = ([], "")  # what nobody received, as far as we can tell
        return _dated(reply, now)

    def change(self, settings: Settings) -> None:
        """Other switches from now on."""
        self.world.change(settings)
        self.script.seed = settings.seed

    def advance(self, now: int) -> None:
        """Lets happen what is due by `now`."""
        life.advance(self.world, now)

    def _route(self, request: Request) -> Route:
        return routes.find(request, self.world.settings.reports_path)

    def _spoil(
        self, line: Line, request: Request, now: int, inner: Asking, *, old_shape: bool = False
    ) -> Asking:
        """The sandbox under one more fault; what is asked of it is asked of the inner one too."""
        fault = line.fault
        sent = tuple(messages_in(request.body)) if request.body else ()

        def ask(asked: Ask) -> Reply:
            turn = Turn(
                self.script.seed,
                line.name,
                fault.takes,
                fault.match,
                sent,
                request.query,
                old_shape,
                now,
                lambda own: inner(asked.joined(own)),
            )
            return BEHAVIOURS[fault.do].act(turn)

        return ask

    def _shown(self, request: Request, call: Call, route: Route, now: int, ask: Ask) -> Reply:
        """The honest answer in the form that was asked for: the shared refusals have one in XML too."""
        reply = self._admit(request, call, route, now, ask)
        accepts = request.headers.get("accept", "")
        if reply.status == _BAD and self.world.settings.violation_paths == "dots":
            reply = answers.with_dots(reply)
        xml = "application/xml" in accepts and "json" not in accepts and "*/*" not in accepts
        return answers.as_xml(reply) if xml and reply.status in _IN_XML else reply

    def _admit(self, request: Request, call: Call, route: Route, now: int, ask: Ask) -> Reply:
        """The honest sandbox, perhaps under other switches: credentials, scope, throttle, then the call."""
        if ask.switches:
            usual = self.world.settings
            self.world.change(usual.model_copy(update=dict(ask.switches)))
            try:
                return self._admit(request, call, route, now, replace(ask, switches={}))
            finally:
                self.world.change(usual)
        settings = self.world.settings
        credential = auth.who(settings, request.headers.get("authorization"))
        if credential is None:
            return answers.refusal(401, old_shape=call.old_shape)
        scopes = settings.reports_scopes if call.name == "reports" else call.scopes
        if not auth.may(credential, scopes):
            return answers.refusal(403, old_shape=call.old_shape)
        name = f"{credential.scheme} {credential.secret}"
        caller = blake2b(name.encode(), digest_size=8).hexdigest()
        wait = self._wait(call, caller, now)
        if wait:
            reply = answers.refusal(429, old_shape=call.old_shape)
            return reply.with_header("retry-after", str(-(-wait // 1000))) if settings.retry_after else reply
        return self._answer(request, call, route, caller, now, ask)

    def _wait(self, call: Call, caller: str, now: int) -> int:
        settings = self.world.settings
        limit, span = {
            "send": (settings.sends_per_second, _SECOND_MS),
            "reports": (settings.reports_per_minute, _MINUTE_MS),
            "logs": (settings.logs_per_minute, _MINUTE_MS),
        }.get(call.name, (settings.calls_per_second, _SECOND_MS))
        if limit is None:
            return 0
        kept, fixed = span == _MINUTE_MS, settings.throttle == "fixed"
        return self.throttle.take(caller, call.name, now, limit=limit, span_ms=span, kept=kept, fixed=fixed)

    def _answer(self, request: Request, call: Call, route: Route, caller: str, now: int, ask: Ask) -> Reply:
        world = self.world
        content_type = request.headers.get("content-type", "application/json")
        if call.json_body and world.settings.json_content_type and not _is_json(content_type):
            return answers.api_error("E415")
        if call.name == "send" and ask.later_ms:
            return late.defer(world, request.body, now, ask)
        if call.name == "send":
            return accept.send(world, request.body, now, ask)
        query = Query(request.query)
        if call.name == "logs":
            return logs.read(world, query, now)
        if call.name == "reports":
            return reports.pull(world, query, now, reader=caller)
        wrong = routes.not_numbers(route)
        if wrong:
            if call.name == "create_key":  # the contract lists no 400 for it
                return answers.api_error("ZALO-RSA404")
            return answers.api_error("E400", [(name, "must be an integer") for name in wrong])
        sender = route.parts["sender"]
        by_name: dict[str, Callable[[], Reply]] = {
            "get_key": lambda: keys.get(world, sender),
            "create_key": lambda: keys.create(world, sender),
            "templates": lambda: templates.listing(world, sender, query),
            "template": lambda: templates.get(world, sender, int(route.parts["templateName"])),
            "create_template": lambda: templates.create(world, sender, request.body, now),
            "edit_template": lambda: templates.edit(world, sender, request.body, now),
            "media": lambda: media.upload(world, sender, content_type, request.body),
            "quota": lambda: quota.get(world, sender, now),
        }
        return by_name[call.name]()


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _dated(reply: Reply, now: int) -> Reply:
    if any(name == "date" for name, _ in reply.headers):
        return reply
    return reply.with_header("date", formatdate(now / 1000, usegmt=True))


def _nothing(_ask: Ask) -> Reply:
    return Reply(500)
