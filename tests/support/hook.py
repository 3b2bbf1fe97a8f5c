"""A receiver of pushed reports without a socket, and the pushes that it gets."""

import asyncio
import base64
import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.support.books import IDENTITY, KEYS
from tests.support.reports import MAKER
from tests.support.scripted import JumpingClock
from zalosync.compose.message import message_id_text
from zalosync.refresh.inbox import Inbox
from zalosync.refresh.intake import Intake
from zalosync.refresh.metrics import Counts
from zalosync.refresh.rate import Rate
from zalosync.refresh.trust import Guard
from zalosync.refresh.webhook import Receiver
from zalosync.sandbox.webhook import to_xml

TOKEN = "t0ken-of-a-test-" * 2
SECRET = "a made-up secret"
JSON, XML = "application/json", "application/xml"
STATUSES = {
    "PENDING": (1, 7, "PENDING_ENROUTE"),
    "HANDED_OVER": (3, 2, "DELIVERED_TO_OPERATOR"),
    "DELIVERED": (3, 5, "DELIVERED_TO_HANDSET"),
    "UNDELIVERABLE": (2, 9, "UNDELIVERABLE_NOT_DELIVERED"),
    "EXPIRED": (4, 15, "EXPIRED_EXPIRED"),
    "REJECTED": (5, 8, "REJECTED_PREFIX_MISSING"),
}


def row(message_id: bytes, status: str = "DELIVERED", *, sms: bool = False, **fields: Any) -> dict[str, Any]:
    """A report as the provider writes it, with its message's proof; None takes a field out."""
    group, number, name = STATUSES[status]
    group_name = {1: "PENDING", 2: "UNDELIVERABLE", 3: "DELIVERED", 4: "EXPIRED", 5: "REJECTED"}[group]
    found = {
        "bulkId": "zs1b-MADEUP",
        "messageId": message_id_text(message_id),
        "to": "84900000001",
        "channel": "SMS" if sms else "ZALO_NOTIFICATION_SERVICE",
        "sentAt": "2026-11-23T12:00:00.000+0000",
        "doneAt": "2026-11-23T12:00:05.120+0000",
        "messageCount": 1,
        "mccMnc": "45201",
        "callbackData": MAKER.proof(message_id),
        "price": {"pricePerMessage": 0.01, "currency": "EUR"},
        "status": {"groupId": group, "groupName": group_name, "id": number, "name": name, "description": "x"},
        "error": {"groupId": 0, "groupName": "OK", "id": 0, "name": "NO_ERROR", "permanent": False},
        **fields,
    }
    return {name: value for name, value in found.items() if value is not None}


def ids(count: int, first: int = 0) -> list[bytes]:
    """Message ids of this project's first attempts, as `Book.claim` makes them of the same numbers."""
    keys = (str(number) for number in range(first, first + count))
    return [IDENTITY.message_id(IDENTITY.message(key), 1) for key in keys]


def body(rows: Sequence[Mapping[str, Any]], kind: str = JSON) -> bytes:
    """A push of these reports."""
    return to_xml([dict(each) for each in rows]) if kind == XML else orjson.dumps({"results": list(rows)})


def signed(data: bytes, secret: str = SECRET) -> dict[str, str]:
    """The header of a subscription with an HMAC."""
    return {"x-hub-signature-256": "sha256=" + hmac.digest(secret.encode(), data, "sha256").hex()}


def basic(user: str, password: str) -> dict[str, str]:
    """The header of a subscription with a password."""
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(slots=True)
class Hook:
    """A receiver, its inbox and its clock.

    Attributes:
        read: parts of bodies that it has asked for so far.
    """

    path: Path
    receiver: Receiver
    clock: JumpingClock
    read: int = 0
    address: str = "203.0.113.1"
    _application: Any = field(init=False)

    def __post_init__(self) -> None:
        self._application = self.receiver.application()

    def push(
        self,
        data: bytes | Iterable[bytes],
        kind: str | None = JSON,
        *,
        token: str = TOKEN,
        headers: Mapping[str, str] | None = None,
        leave: bool = False,
    ) -> Answer:
        """Post a body, whole or in parts; `leave`: the caller goes away before its end."""
        return self.push_all([data], kind, token=token, headers=headers, leave=leave)[0]

    def push_all(
        self,
        bodies: Sequence[bytes | Iterable[bytes]],
        kind: str | None = JSON,
        *,
        token: str = TOKEN,
        headers: Mapping[str, str] | None = None,
        leave: bool = False,
    ) -> list[Answer]:
        """Post several bodies at once."""
        given = {**({} if kind is None else {"content-type": kind}), **(headers or {})}

        async def together() -> list[Answer]:
            path = f"/zalo/reports/{token}"
            asked = (self._ask("POST", path, given, self._parts(each, leave=leave)) for each in bodies)
            return await asyncio.gather(*asked)

        return asyncio.run(together())

    def get(self, path: str) -> Answer:
        """Ask for one of its pages."""
        return asyncio.run(self._ask("GET", path, {}, self._parts(b"", leave=False)))

    def metric(self, name: str) -> int:
        """One number of `/metrics`."""
        lines = self.get("/metrics").text.splitlines()
        return next(int(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))

    @property
    def stored(self) -> int:
        """Reports in the inbox, by another connection to it."""
        with Inbox(self.path) as inbox:
            return inbox.size

    def _parts(self, data: bytes | Iterable[bytes], *, leave: bool) -> Callable[[], Any]:
        parts = iter([data] if isinstance(data, bytes) else data)
        ended = False

        async def receive() -> dict[str, Any]:
            nonlocal ended
            part = None if ended else next(parts, None)
            self.read += 1
            await asyncio.sleep(0)  # as a socket would let others have their turn
            if part is not None:
                return {"type": "http.request", "body": part, "more_body": True}
            if leave or ended:
                return {"type": "http.disconnect"}
            ended = True
            return {"type": "http.request", "body": b"", "more_body": False}

        return receive

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], receive: Any) -> Answer:
        said: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": (self.address, 1),
            "server": ("127.0.0.1", 80),
        }
        await self._application(scope, receive, send)
        start, *rest = said
        found = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], found, b"".join(each.get("body", b"") for each in rest).decode())


@contextmanager
def hook(path: Path, *, limit: int = 100_000, rate: int = 100_000, **guarded: Any) -> Iterator[Hook]:
    """A receiver that stores in this inbox; `guarded` as `Guard` takes it."""
    clock = JumpingClock()
    with Intake(path, clock, limit) as intake:
        receiver = Receiver(
            guard=Guard(token=TOKEN, **guarded),
            maker=MAKER,
            intake=intake,
            clock=clock,
            rate=Rate(rate, 4 * rate),
            pseudonym=IDENTITY.recipient,
            digest=KEYS.evidence_digest,
            counts=Counts(),
        )
        yield Hook(path, receiver, clock)
