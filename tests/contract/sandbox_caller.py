"""Calls the sandbox's model in-process and holds every answer against the OpenAPI file, where it is there."""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson

from tests.support.openapi import OpenApi, openapi
from zalosync.sandbox import checks, decrypt, oracle
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.faults import parse
from zalosync.sandbox.model import Model
from zalosync.sandbox.routes import Request
from zalosync.sandbox.schedule import DAY_MS
from zalosync.sandbox.settings import HOUR_MS, Settings

NOON = 1_798_776_000_000  # 2027-01-01 04:00 UTC, a Friday: 11:00 in Viet Nam
SENDER = "4097700000000000001"
Json = dict[str, Any]
__all__ = ["DAY_MS", "HOUR_MS", "NOON", "SENDER", "Caller", "OpenApi", "message", "openapi", "small_key"]


@cache
def small_key(_bits: int) -> bytes:
    """One key for all tests: making one takes longer than using it."""
    return decrypt.new_key(2048)


class Caller:
    """A sandbox in memory, a clock that stands, and calls whose answers are checked."""

    def __init__(
        self, settings: Settings | None = None, faults: Sequence[Mapping[str, Any]] = (), now: int = NOON
    ) -> None:
        self.now = now
        self.connection = sqlite3.connect(":memory:")
        self.model = Model(self.connection, settings or Settings(), parse(list(faults)), now)
        self.model.world.make_key = small_key

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: str = "",
        key: str | None = "App sandbox",
        **headers: str,
    ) -> Reply:
        """One request; fails where the honest answer is not one of the document's."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["authorization"] = key
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        request = Request(method, path, query, sent, raw)
        reply = self.model.head(request, self.now) or self.model.handle(request, self.now)
        document = openapi()
        if document is not None and not self.model.script.lines:
            found = document.deviations(method, path, reply)
            if found:
                raise AssertionError(f"{method} {path} {reply.status}: {found}")
        return reply

    def json(
        self, method: str, path: str, body: object = None, *, query: str = "", status: int = 200
    ) -> Json:
        """The object of an answer with the expected status."""
        reply = self.call(method, path, body, query=query)
        assert reply.status == status, reply.body
        parsed: Json = orjson.loads(reply.body)
        return parsed

    def send(self, *messages: Json, status: int = 200, **options: Any) -> Json:
        """Sends messages; `options` are those of the request."""
        body: Json = {"messages": list(messages)}
        if options:
            body["options"] = options
        return self.json("POST", "/zalo/2/messages", body, status=status)

    def statuses(self, *messages: Json, **options: Any) -> list[tuple[str, int]]:
        """(message id, status number) of each row of the answer."""
        return [
            (row["messageId"], row["status"]["id"]) for row in self.send(*messages, **options)["messages"]
        ]

    def reports(self, query: str = "limit=1000") -> list[Json]:
        """The next unread reports."""
        rows: list[Json] = self.json("GET", "/zalo/1/reports", query=query)["results"]
        return rows

    def logs(self, query: str = "limit=1000") -> list[Json]:
        """Log rows."""
        rows: list[Json] = self.json("GET", "/zalo/1/logs", query=query)["results"]
        return rows

    def wait(self, milliseconds: int) -> None:
        """Time passes."""
        self.now += milliseconds
        self.model.advance(self.now)

    def open_sealed(self) -> None:
        """What the checking thread of a server would do now."""
        world = self.model.world
        while jobs := checks.waiting(world):
            checks.record(world, decrypt.run_all(jobs), self.now)
        self.model.advance(self.now)

    def totals(self, *, end: bool = False) -> Json:
        """The oracle's counts now, or at the end of every story."""
        return oracle.totals(self.connection, oracle.END if end else self.now)

    def seen(self, message_id: str) -> Json:
        """The oracle's entry of one message at the end of every story."""
        (entry,) = [e for e in oracle.messages(self.connection, oracle.END) if e["messageId"] == message_id]
        return entry


def message(message_id: str = "m1", to: str = "84901234567", **more: Any) -> Json:
    """A template message; `options`, `webhooks`, `content` and `sender` can be given."""
    content = {"type": "TEMPLATE", "templateName": 322307, "templateData": {"customer_name": "Lan"}}
    base: Json = {
        "sender": SENDER,
        "destinations": [{"to": to, "messageId": message_id}],
        "content": content,
    }
    return base | more
