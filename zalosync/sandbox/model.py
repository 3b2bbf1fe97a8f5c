"""The truth of the sandbox: from a request and a moment to a reply. No socket, no thread, no clock.

Two doors share it: `server` over HTTP, and a simulator that calls `Model.handle` in-process on an in-memory
database. Everything a door must act on, connection faults included, is data in the reply.
"""

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import formatdate
from functools import partial
from hashlib import blake2b
from typing import Final

from zalosync.sandbox import accept, answers, auth, keys, life, logs, media, quota, reports, templates
from zalosync.sandbox.answers import Reply, Wire
from zalosync.sandbox.behaviours import BEHAVIOURS
from zalosync.sandbox.faults import Fault, Line, Script, messages_in
from zalosync.sandbox.query import Query
from zalosync.sandbox.settings import Settings
from zalosync.sandbox.store import Store
from zalosync.sandbox.throttle import Throttle
from zalosync.sandbox.turn import HONEST, Ask, Turn
from zalosync.sandbox.validate import INT64
from zalosync.sandbox.world import World

SEND: Final = frozenset({"message:send", "zalo:message:send", "zalo:manage"})
MANAGE: Final = frozenset({"zalo:manage"})
LOGS: Final = frozenset({"zalo:logs:read", "zalo:manage"})
_REPORTS: Final = SEND | LOGS


@dataclass(frozen=True, slots=True)
class Call:
    """One operation: its name, who may, and whether it speaks the old error shape."""

    name: str
    scopes: frozenset[str]
    old_shape: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What a door hands in; header names in lower case, the path without its query."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


_SENDER: Final = r"/sender/(?P<sender>[^/]+)"
_ROUTES: Final = tuple(
    (re.compile(path), {method: Call(*call) for method, call in calls.items()})
    for path, calls in (
        (r"/zalo/2/messages", {"POST": ("send", SEND)}),
        (r"/zalo/1/logs", {"GET": ("logs", LOGS, True)}),
        (rf"/zalo/1{_SENDER}/public-key", {"GET": ("get_key", MANAGE), "POST": ("create_key", MANAGE)}),
        (rf"/zalo/1{_SENDER}/templates", {"GET": ("templates", SEND)}),
        (rf"/zalo/1{_SENDER}/templates/(?P<template>[^/]+)", {"GET": ("template", SEND)}),
        (rf"/zalo/2{_SENDER}/templates", {"POST": ("create_template", SEND), "PUT": ("edit_template", SEND)}),
        (rf"/zalo/1{_SENDER}/media", {"POST": ("media", MANAGE)}),
        (rf"/zalo/1{_SENDER}/quota", {"GET": ("quota", SEND)}),
    )
)


Asking = Callable[[Ask], Reply]


class Model:
    """The sandbox's state behind one verb. Not safe for two threads at a time."""

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
        return self._spoil(found[0], NOBODY, now, _nothing)(HONEST).wire if found else None

    def head(self, request: Request, now: int) -> Reply | None:
        """What a fault does once the headers are in, before the body is read; None goes on to `handle`."""
        call, _, _ = self._route(request)
        found = self.script.pick_early(self.world.store, call.name, now) if call else []
        return self._spoil(found[0], request, now, _nothing)(HONEST) if found else None

    def handle(self, request: Request, now: int) -> Reply:
        """Answers a request at a moment (milliseconds UTC); whatever is due by then has happened before.

        A door calls `head` first; what `head` answers never gets here.
        """
        life.advance(self.world, now)
        call, parts, missing = self._route(request)
        if call is None:
            return _dated(missing or answers.api_error("E404"), now)
        if call.name == "send":
            with self.world.store.write():
                self.world.store.count("requests")
        ask: Asking = partial(self._admit, request, call, parts, now)
        for line in reversed(self.script.pick(self.world.store, call.name, request.body, now)):
            ask = self._spoil(line, request, now, ask, old_shape=call.old_shape)
        return _dated(ask(HONEST), now)

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
                lambda own: inner(_joined(asked, own)),
            )
            return BEHAVIOURS[fault.do].act(turn)

        return ask

    def advance(self, now: int) -> None:
        """Lets happen what is due by `now`."""
        life.advance(self.world, now)

    def _route(self, request: Request) -> tuple[Call | None, dict[str, str], Reply | None]:
        path = request.path
        if self.world.settings.reports_path is not None and path == self.world.settings.reports_path:
            call = Call("reports", _REPORTS) if request.method == "GET" else None
            return call, {}, answers.api_error("E405")
        for pattern, calls in _ROUTES:
            found = pattern.fullmatch(path)
            if found:
                old = any(call.old_shape for call in calls.values())
                return calls.get(request.method), found.groupdict(), answers.refusal(405, old_shape=old)
        return None, {}, None

    def _admit(self, request: Request, call: Call, parts: dict[str, str], now: int, ask: Ask) -> Reply:
        """The honest sandbox, perhaps under other switches: credentials, scope, throttle, then the call."""
        if ask.switches:
            usual = self.world.settings
            self.world.change(usual.model_copy(update=dict(ask.switches)))
            try:
                return self._admit(request, call, parts, now, replace(ask, switches={}))
            finally:
                self.world.change(usual)
        world = self.world
        credential = auth.who(world.settings, request.headers.get("authorization"))
        if credential is None:
            return answers.refusal(401, old_shape=call.old_shape)
        if not auth.may(credential, call.scopes):
            return answers.refusal(403, old_shape=call.old_shape)
        caller = blake2b(f"{credential.scheme} {credential.secret}".encode(), digest_size=8).hexdigest()
        wait = self._wait(call, caller, now)
        if wait:
            reply = answers.refusal(429, old_shape=call.old_shape)
            return (
                reply.with_header("retry-after", str(-(-wait // 1000)))
                if world.settings.retry_after
                else reply
            )
        return self._answer(request, call, parts, caller, now, ask)

    def _wait(self, call: Call, caller: str, now: int) -> int:
        settings = self.world.settings
        if call.name in ("send", "reports"):
            return 0
        if call.name == "logs":
            return self.throttle.take(
                caller, "logs", now, limit=settings.logs_per_minute, span_ms=60_000, kept=True
            )
        return self.throttle.take(caller, call.name, now, limit=settings.calls_per_second, span_ms=1000)

    def _answer(
        self, request: Request, call: Call, parts: dict[str, str], caller: str, now: int, ask: Ask
    ) -> Reply:
        world = self.world
        if call.name == "send":
            return accept.send(world, request.body, now, ask)
        query = Query(request.query)
        if call.name == "logs":
            return logs.read(world, query, now)
        if call.name == "reports":
            return reports.pull(world, query, now, reader=caller)
        sender = parts["sender"]
        for name in ("sender", "template"):
            if name in parts and not _is_int64(parts[name]):
                path = "templateName" if name == "template" else name
                return answers.api_error("E400", [(path, "must be an integer")])
        by_name: dict[str, Callable[[], Reply]] = {
            "get_key": lambda: keys.get(world, sender),
            "create_key": lambda: keys.create(world, sender),
            "templates": lambda: templates.listing(world, sender, query),
            "template": lambda: templates.get(world, sender, int(parts["template"])),
            "create_template": lambda: templates.create(world, sender, request.body, now),
            "edit_template": lambda: templates.edit(world, sender, request.body, now),
            "media": lambda: media.upload(
                world, sender, request.headers.get("content-type", ""), request.body
            ),
            "quota": lambda: quota.get(world, sender, now),
        }
        return by_name[call.name]()


def _dated(reply: Reply, now: int) -> Reply:
    if any(name == "date" for name, _ in reply.headers):
        return reply
    return reply.with_header("date", formatdate(now / 1000, usegmt=True))


def _joined(outer: Ask, own: Ask) -> Ask:
    if outer == HONEST:
        return own
    only = own.only if outer.only is None else outer.only if own.only is None else outer.only & own.only
    return Ask(
        only,
        outer.answer_all or own.answer_all,
        outer.refuse | own.refuse,
        own.cause if own.refuse else outer.cause,
        {**outer.switches, **own.switches},
    )


def _nothing(_ask: Ask) -> Reply:
    return Reply(500)


NOBODY: Final = Request("", "", "", {}, b"")


def _is_int64(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,19}", text) is not None and INT64[0] <= int(text) <= INT64[1]
