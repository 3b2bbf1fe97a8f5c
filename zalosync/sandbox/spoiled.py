"""Faults that take everything and answer 200 with something that is not the whole truth."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from functools import partial
from typing import Any, Final

import orjson

from zalosync.sandbox.answers import Reply
from zalosync.sandbox.query import Query
from zalosync.sandbox.turn import ALL, HONEST, LISTS, SEND, Behaviour, Turn

Row = dict[str, Any]
_BOTH: Final = (*SEND, *LISTS)
_HUGE: Final = 11_000_000  # bytes; a careful client stops reading at 10 MB


def _body(spoil: Callable[[bytes], bytes], turn: Turn) -> Reply:
    reply = turn.ask(HONEST)
    return replace(reply, body=spoil(reply.body))


def _header(name: str, value: str, turn: Turn) -> Reply:
    reply = turn.ask(HONEST)
    return replace(reply, headers=(*((n, v) for n, v in reply.headers if n != name), (name, value)))


def _gzip_bomb(turn: Turn) -> Reply:
    reply = _header("content-encoding", "gzip", turn)
    return replace(reply, body=gzip.compress(_padded(reply.body), 9, mtime=0))


def _padded(body: bytes) -> bytes:
    return body[:-1] + b" " * _HUGE + body[-1:]


def _double_keys(body: bytes) -> bytes:
    return body[:-1] + b',"messages":[],"results":[]}'


def _no_bulk_id(body: bytes) -> bytes:
    parsed = orjson.loads(body)
    parsed.pop("bulkId", None)
    return orjson.dumps(parsed)


def _clock_skew(turn: Turn) -> Reply:
    return _header("date", formatdate((turn.now + turn.takes.skew_ms) / 1000, usegmt=True), turn)


def _full_page(turn: Turn) -> Reply:
    """As many rows as were asked for, so that nobody can tell whether there are more."""
    reply = turn.ask(HONEST)
    limit = Query(turn.query).integer("limit", 50, 1, 1000)
    if reply.status != 200:  # noqa: PLR2004 - a refusal has no rows
        return reply
    rows = orjson.loads(reply.body)["results"]
    status = {
        "groupId": 1,
        "groupName": "PENDING",
        "id": 7,
        "name": "PENDING_ENROUTE",
        "description": "Message sent",
    }
    more = [
        {"messageId": f"other-{n}", "to": "84999999999", "status": status} for n in range(limit - len(rows))
    ]
    return replace(reply, body=orjson.dumps({"results": rows + more}))


def _rows(change: Callable[[list[Row], set[int]], list[Row]], turn: Turn) -> Reply:
    """The honest answer with other rows; an answer without rows stays as it is."""
    reply = turn.ask(HONEST)
    try:
        body = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return reply
    key = "messages" if "messages" in body else "results"
    if not body.get(key):
        return reply
    places = turn.some([str(row.get("messageId")) for row in body[key]])
    return replace(reply, body=orjson.dumps(body | {key: change(body[key], places)}))


def _each(change: Callable[[Row], Row], rows: list[Row], places: set[int]) -> list[Row]:
    return [change(row) if n in places else row for n, row in enumerate(rows)]


def _with(**fields: Any) -> Callable[[Turn], Reply]:
    return partial(_rows, partial(_each, lambda row: row | fields))


def _without(*names: str) -> Callable[[Turn], Reply]:
    return partial(_rows, partial(_each, lambda row: {k: v for k, v in row.items() if k not in names}))


def _status(group: int, group_name: str, number: int, name: str) -> Callable[[Turn], Reply]:
    return _with(
        status={"groupId": group, "groupName": group_name, "id": number, "name": name, "description": name}
    )


def _left_out(rows: list[Row], places: set[int]) -> list[Row]:
    return [row for n, row in enumerate(rows) if n not in places]


def _twice(rows: list[Row], places: set[int]) -> list[Row]:
    return [row for n, row in enumerate(rows) for _ in range(2 if n in places else 1)]


def _foreign(rows: list[Row], places: set[int]) -> list[Row]:
    return [row | {"messageId": f"foreign-{n}"} if n in places else row for n, row in enumerate(rows)]


def _swapped(rows: list[Row], _places: set[int]) -> list[Row]:
    return [row | {"messageId": rows[n - 1].get("messageId")} for n, row in enumerate(rows)]


def _elsewhere(row: Row) -> Row:
    return row | {"destination" if "destination" in row else "to": "84999999999"}


BODIES: Final[dict[str, Behaviour]] = {
    "empty-body": Behaviour(ALL, "200 with no body", partial(_body, lambda _: b"")),
    "half-body": Behaviour(
        ALL, "200 whose JSON ends in the middle", partial(_body, lambda b: b[: len(b) // 2])
    ),
    "no-json": Behaviour(ALL, "200 whose body is no JSON", partial(_body, lambda _: b"OK")),
    "json-array": Behaviour(ALL, "200 whose body is an array", partial(_body, lambda b: b"[" + b + b"]")),
    "double-keys": Behaviour(ALL, "200 whose JSON names keys twice", partial(_body, _double_keys)),
    "not-utf8": Behaviour(
        ALL, "200 whose JSON is not UTF-8", partial(_body, lambda b: b[:-1] + b',"x":"\xff\xfe"}')
    ),
    "huge-body": Behaviour(ALL, "200 with more than 10 MB", partial(_body, _padded)),
    "gzip-bomb": Behaviour(ALL, "200 whose small gzip body unpacks to more than 10 MB", _gzip_bomb),
    "text-type": Behaviour(
        ALL, "a right body sent as text/plain", partial(_header, "content-type", "text/plain")
    ),
    "clock-skew": Behaviour(ALL, "the Date header is off by `skew_ms`", _clock_skew, ("skew_ms",)),
    "no-bulk-id": Behaviour(SEND, "the answer has no bulkId", partial(_body, _no_bulk_id)),
    "full-page": Behaviour(("logs",), "the page is filled to its limit with rows of others", _full_page),
}

_ROWS: Final[dict[str, Behaviour]] = {
    "missing-rows": Behaviour(_BOTH, "some rows are left out", partial(_rows, _left_out)),
    "no-rows": Behaviour(_BOTH, "no rows at all", partial(_rows, lambda *_: [])),
    "foreign-ids": Behaviour(_BOTH, "some rows carry an id that was never sent", partial(_rows, _foreign)),
    "extra-rows": Behaviour(
        _BOTH,
        "a row with an id that was never sent comes on top",
        partial(_rows, lambda rows, _places: [*rows, rows[0] | {"messageId": "foreign-row"}]),
    ),
    "repeated-rows": Behaviour(_BOTH, "some rows come twice", partial(_rows, _twice)),
    "reversed-rows": Behaviour(
        _BOTH, "the rows come in reverse order", partial(_rows, lambda rows, _places: rows[::-1])
    ),
    "swapped-ids": Behaviour(SEND, "ids stand beside other messages' destinations", partial(_rows, _swapped)),
    "other-destination": Behaviour(
        _BOTH, "some rows name another destination", partial(_rows, partial(_each, _elsewhere))
    ),
    "no-ids": Behaviour(_BOTH, "some rows have no messageId", _without("messageId")),
    "no-status": Behaviour(_BOTH, "some rows have no status", _without("status")),
    "null-status": Behaviour(_BOTH, "some rows have null as status", _with(status=None)),
    "bare-rows": Behaviour(
        LISTS,
        "some rows lack what is optional",
        _without("sentAt", "doneAt", "messageCount", "smsCount", "mccMnc", "price", "error", "callbackData"),
    ),
    "extra-fields": Behaviour(
        _BOTH,
        "some rows have fields nobody announced",
        _with(newField={"a": [1, None]}, platform={"entityId": "e"}),
    ),
    "wrong-types": Behaviour(
        _BOTH, "some rows have values of the wrong type", _with(messageId=7, status="DELIVERED", price="0")
    ),
    "pending-26": Behaviour(
        SEND, "some rows say 26 PENDING_ACCEPTED", _status(1, "PENDING", 26, "PENDING_ACCEPTED")
    ),
    "unknown-pending": Behaviour(
        _BOTH, "a new status in group PENDING", _status(1, "PENDING", 904, "PENDING_NEW")
    ),
    "unknown-rejected": Behaviour(
        _BOTH, "a new status in group REJECTED", _status(5, "REJECTED", 905, "REJECTED_NEW")
    ),
    "unknown-delivered": Behaviour(
        _BOTH, "a new status in group DELIVERED", _status(3, "DELIVERED", 906, "DELIVERED_NEW")
    ),
    "unknown-group": Behaviour(_BOTH, "a status in a new group", _status(9, "NEW", 907, "NEW_STATUS")),
    "handed-over": Behaviour(
        _BOTH, "some rows say 2, which is not final", _status(3, "DELIVERED", 2, "DELIVERED_TO_OPERATOR")
    ),
    "delivered-at-once": Behaviour(
        SEND, "some rows say 5 at once", _status(3, "DELIVERED", 5, "DELIVERED_TO_HANDSET")
    ),
    "said-duplicate": Behaviour(
        SEND,
        "some rows say 23 for new ids, which were taken",
        _status(5, "REJECTED", 23, "REJECTED_DUPLICATE_MESSAGE_ID"),
    ),
    "said-rejected": Behaviour(
        SEND,
        "a lie: some rows say 52 for messages that were taken",
        _status(5, "REJECTED", 52, "REJECTED_DESTINATION"),
    ),
}
_WHOLE: Final = frozenset({"no-rows", "extra-rows", "reversed-rows", "swapped-ids"})  # every row is meant
ROWS: Final[dict[str, Behaviour]] = {
    name: each if name in _WHOLE else replace(each, takes=("share",)) for name, each in _ROWS.items()
}
