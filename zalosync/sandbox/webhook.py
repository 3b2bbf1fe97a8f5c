"""Delivery reports pushed to a URL: batched, signed, retried, and as unruly as the switches say.

The model keeps the queue; a door takes what is due, posts it, and says what came back.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import orjson

from zalosync.sandbox import rows
from zalosync.sandbox.contradictions import LOOPBACK
from zalosync.sandbox.fates import draw
from zalosync.sandbox.settings import Push
from zalosync.sandbox.world import World

_MINUTE_MS: Final = 60_000
_DISORDER_MS: Final = 3000  # within so long pushes overtake each other
_OPTIONAL: Final = ("sentAt", "doneAt", "messageCount", "mccMnc", "price", "error", "callbackData")


@dataclass(frozen=True, slots=True)
class Post:
    """One attempt to push: where to, what, and the number to report the result under."""

    id: int
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout_ms: int


def gather(world: World, now: int) -> int | None:
    """Puts outcomes whose time has come into the queue, in batches; when to look again."""
    store, push = world.store, world.settings.push
    found = store.rows(
        "SELECT o.id, coalesce(json_extract(m.options, '$.url'), ?),"
        " coalesce(json_extract(m.options, '$.contentType'), ?)"
        " FROM outcomes o JOIN messages m ON m.seq = o.message"
        " WHERE o.pushed = 0 AND o.done_at + ? <= ? ORDER BY o.done_at, o.id",
        (push.url, push.content_type, push.delay_ms, now),
    )
    groups: dict[tuple[str | None, str], list[int]] = {}
    for outcome, url, content_type in found:
        groups.setdefault((url, content_type), []).append(outcome)
    if found:
        with store.write():
            for (url, content_type), outcomes in groups.items():
                for start in range(0, len(outcomes), push.batch):
                    _queue(world, url, content_type, outcomes[start : start + push.batch], now)
            store.run_many("UPDATE outcomes SET pushed = 1 WHERE id = ?", [(row[0],) for row in found])
    next_outcome = store.value("SELECT min(done_at) FROM outcomes WHERE pushed = 0")
    return None if next_outcome is None else int(next_outcome) + push.delay_ms


def _queue(world: World, url: str | None, content_type: str, outcomes: list[int], now: int) -> None:
    push, store = world.settings.push, world.store
    if not url or (push.only_loopback and urlsplit(url).hostname not in LOOPBACK):
        store.count("reports_not_pushed", len(outcomes))
        return
    numbers = draw(world.settings.seed, f"push {outcomes[0]}")
    if push.disorder:
        outcomes.reverse()
    times = [now + int(numbers.delay * _DISORDER_MS) if push.disorder else now]
    if numbers.fate < push.duplicate_share:
        later = int(numbers.sample * _DISORDER_MS)
        times += [times[0] + later * copy for copy in range(1, push.duplicate_copies + 1)]
    for at in times:
        store.run(
            "INSERT INTO pushes (url, content_type, outcomes, attempts, next_at) VALUES (?, ?, ?, 0, ?)",
            (url, content_type, orjson.dumps(outcomes), at),
        )


def due(world: World, now: int, *, busy: Iterable[int] = (), limit: int = 10) -> list[Post]:
    """The posts to make now, but for those under way."""
    found = world.store.rows(
        "SELECT id, url, content_type, outcomes FROM pushes WHERE next_at IS NOT NULL AND next_at <= ?"
        " AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY next_at, id LIMIT ?",
        (now, orjson.dumps(list(busy)).decode(), limit),
    )
    return [_post(world, *row) for row in found]


def next_at(world: World) -> int | None:
    """When the next post is due."""
    moment: int | None = world.store.value("SELECT min(next_at) FROM pushes WHERE next_at IS NOT NULL")
    return moment


def record(world: World, post: int, status: int | None, now: int) -> None:
    """Notes the answer to a post (None: there was none): done, to be tried again, or lost in the end."""
    push, store = world.settings.push, world.store
    row = store.rows("SELECT attempts, outcomes FROM pushes WHERE id = ? AND next_at IS NOT NULL", (post,))
    if not row:
        return
    attempts, raw = row[0]
    outcomes = orjson.loads(raw)
    with store.write():
        store.count("pushes")
        if status in push.accepts:
            store.run("UPDATE pushes SET attempts = attempts + 1, next_at = NULL WHERE id = ?", (post,))
            store.count("reports_pushed", len(outcomes))
            store.run_many(
                "UPDATE outcomes SET reported = reported + 1 WHERE id = ?", [(each,) for each in outcomes]
            )
        elif attempts >= push.retries:
            store.run("UPDATE pushes SET attempts = attempts + 1, next_at = NULL WHERE id = ?", (post,))
            store.count("reports_lost", len(outcomes))
        else:
            again = now + _MINUTE_MS * (1 + attempts * attempts)
            store.run("UPDATE pushes SET attempts = attempts + 1, next_at = ? WHERE id = ?", (again, post))


def _post(world: World, number: int, url: str, content_type: str, raw: bytes) -> Post:
    push = world.settings.push
    order = {outcome: place for place, outcome in enumerate(orjson.loads(raw))}
    found = world.store.rows(
        f"SELECT {rows.REPORT_COLUMNS} FROM outcomes o JOIN messages m ON m.seq = o.message"  # noqa: S608 - our own text
        " WHERE o.id IN (SELECT value FROM json_each(?))",
        (raw.decode(),),
    )
    reports = [
        rows.report(row, world.settings.currency) for row in sorted(found, key=lambda row: order[row[0]])
    ]
    if push.omit_optional:
        reports = [{name: value for name, value in each.items() if name not in _OPTIONAL} for each in reports]
    if push.unknown_status_share:
        reports = [_unknown(each) if _picked(world, each) else each for each in reports]
    if push.extra_fields:
        reports = [each | {"newField": "unannounced", "platform": {"entityId": "e"}} for each in reports]
    body = to_xml(reports) if content_type == "application/xml" else orjson.dumps({"results": reports})
    signed = body
    if draw(world.settings.seed, f"signature {number}").fate < push.bad_signature_share:
        signed = body + b" "
    headers = (("content-type", content_type), *_security(push, signed))
    return Post(number, url, headers, body, push.timeout_ms)


def _picked(world: World, report: dict[str, Any]) -> bool:
    point = draw(world.settings.seed, f"status {report['messageId']}").fate
    return point < world.settings.push.unknown_status_share


def _unknown(report: dict[str, Any]) -> dict[str, Any]:
    """The same report with a status nobody knows yet."""
    status = {
        "groupId": 3,
        "groupName": "DELIVERED",
        "id": 906,
        "name": "DELIVERED_NEW",
        "description": "New",
    }
    return report | {"status": status}


def _security(push: Push, body: bytes) -> list[tuple[str, str]]:
    if push.security == "basic":
        return [("authorization", "Basic " + b64encode(f"{push.user}:{push.secret}".encode()).decode())]
    if push.security == "hmac":
        digest = hmac.new(push.secret.encode(), body, getattr(hashlib, push.hmac_algorithm)).digest()
        written = digest.hex() if push.hmac_encoding == "hex" else b64encode(digest).decode()
        return [(push.hmac_header, push.hmac_prefix + written)]
    return []


def to_xml(reports: list[dict[str, Any]]) -> bytes:
    """Reports in the contract's XML: a wrapper `results` around one `results` for each row."""
    inner = "".join(f"<results>{_elements(each)}</results>" for each in reports)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<ZaloReportRequest><results>{inner}</results></ZaloReportRequest>"
    ).encode()


def _elements(record: dict[str, Any]) -> str:
    parts = []
    for name, value in record.items():
        if isinstance(value, dict):
            written = _elements(value)
        elif isinstance(value, bool):
            written = "true" if value else "false"
        else:
            written = escape(str(value))
        parts.append(f"<{name}>{written}</{name}>")
    return "".join(parts)
