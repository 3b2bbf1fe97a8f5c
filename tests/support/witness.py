"""Listens to served sandboxes: each new kind of honest answer goes into a file, to be held against OpenAPI.

A sandbox in a thread of the test, one in a process of its own and one inside a command are listened to alike;
`python -m tests.support.witness MODULE …` is `python -m MODULE …` with somebody who listens. What a fault
makes of an answer is not written down; what was true before the fault is.
"""

import os
import re
import runpy
import sys
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from zalosync.sandbox.answers import Reply
    from zalosync.sandbox.routes import Request

VARIABLE: Final = "SANDBOX_WITNESS"  # names the file
_WORD: Final = re.compile(r"[A-Z][A-Z_]*")  # of an enumeration
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-")
_NUMBER: Final = re.compile(r"[0-9]+")
_LENGTHS: Final = (0, 50, 100, 200, 255, 512, 4000)
_SMALL: Final = 1000  # ids of statuses and errors
_LISTS: Final = ("messages", "results")


def kind(value: object) -> Hashable:
    """What a validator may see of a value: two of one kind both keep a schema, or neither does."""
    if isinstance(value, dict):
        return tuple((name, kind(each)) for name, each in sorted(value.items()))
    if isinstance(value, list):
        return ("list", *sorted({repr(kind(each)) for each in value}))
    if isinstance(value, str):
        told = value if _WORD.fullmatch(value) else "text"
        told = _NUMBER.sub("0", value) if _DATE.match(value) else told
        return (told, sum(len(value) > each for each in _LENGTHS))
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < _SMALL else ("int", value.bit_length() // 8)
    return value if value is None else type(value).__name__


class Witness:
    """Remembers the kinds of answers it has heard, and writes the new ones down."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[Hashable] = set()

    def hear(self, method: str, path: str, reply: "Reply") -> None:
        """One answer."""
        headers = [header for header in reply.headers if header[0] != "date"]
        about = (method, _NUMBER.sub("0", path), reply.status, tuple(headers))
        body = self._new(about, reply.body)
        if body is None:
            return
        line = {"method": method, "path": path, "status": reply.status, "headers": headers, "body": body}
        with suppress(OSError), self._path.open("ab") as file:  # a full disk is what some tests are about
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def _new(self, about: Hashable, raw: bytes) -> str | None:
        """The part of a body that is of a new kind, None for nothing new."""
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return raw.decode(errors="replace") if self._is_new((about, "no JSON")) else None
        rows: list[Any] = []
        name = next((each for each in _LISTS if isinstance(body, dict) and each in body), None)
        if name is not None:
            rows = [row for row in body[name] if self._is_new((about, name, kind(row)))]
            body[name] = []
        new = self._is_new((about, kind(body))) or rows
        return orjson.dumps({**body, name: rows} if name else body).decode() if new else None

    def _is_new(self, what: Hashable) -> bool:
        new = what not in self._known
        self._known.add(what)
        return new


class Answers:
    """The other end of the file: what was written since the last look, held against the OpenAPI file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = 0
        self._judged: set[str] = set()

    def wrong(self) -> list[str]:
        """Everything that departs from the OpenAPI file in what is new."""
        if not self.path.exists() or self.path.stat().st_size == self._read:
            return []
        with self.path.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        new = new[: new.rfind(b"\n") + 1]
        self._read += len(new)
        return [said for line in new.splitlines() for said in self._judge(orjson.loads(line))]

    def _judge(self, line: dict[str, Any]) -> list[str]:
        from tests.support.openapi import openapi
        from zalosync.sandbox.answers import Reply

        document = openapi()
        method, path, status, body = (line[name] for name in ("method", "path", "status", "body"))
        mark = repr((method, _NUMBER.sub("0", path), status, line["headers"], _kind_of_text(body)))
        if document is None or mark in self._judged:
            return []
        self._judged.add(mark)
        headers = tuple((name, value) for name, value in line["headers"])
        found = document.deviations(method, path, Reply(status, body.encode(), headers))
        return [f"{method} {path} {status}: {each}" for each in found]


def _kind_of_text(body: str) -> Hashable:
    try:
        return kind(orjson.loads(body))
    except orjson.JSONDecodeError:
        return body


def listen() -> None:
    """Listen to every sandbox that this process, or a child that it forks, serves from now on."""
    from zalosync.sandbox.door import Door

    honest = Door.__init__
    if honest.__name__ == "listening":
        return

    def listening(door: Door, model: Any, clock: Any) -> None:
        honest(door, model, clock)
        named = os.environ.get(VARIABLE)
        if named:
            _between(model, Witness(Path(named)))

    Door.__init__ = listening  # type: ignore[assignment, method-assign]


def _between(model: Any, witness: Witness) -> None:
    """Let somebody hear what the model says before any fault spoils it."""
    shown: Callable[..., Reply] = model._shown

    def heard(request: "Request", *rest: Any) -> "Reply":
        reply = shown(request, *rest)
        witness.hear(request.method, request.path, reply)
        return reply

    model._shown = heard


if __name__ == "__main__":
    if VARIABLE in os.environ:
        listen()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
