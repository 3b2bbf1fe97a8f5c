"""GET /zalo/1/logs: the last 48 hours by any filter, in the old error shape, ten calls a minute."""

from typing import Any, Final

import orjson

from zalosync.sandbox import answers, codes
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.message import MICRO
from zalosync.sandbox.query import Query
from zalosync.sandbox.rows import mcc_mnc
from zalosync.sandbox.schedule import stamp
from zalosync.sandbox.settings import Settings
from zalosync.sandbox.world import World

STATUSES: Final = ("ACCEPTED", "PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED")
_SELECT: Final = (
    "SELECT m.bulk_id, m.message_id, m.recipient, m.sender, m.accepted_at, m.content,"
    " o.sent_at, o.done_at, o.count, o.price, o.status_group, o.status, o.error FROM messages m"
    " LEFT JOIN outcomes o ON o.message = m.seq AND o.channel = 0 AND o.id ="
    " (SELECT max(id) FROM outcomes x WHERE x.message = m.seq AND x.channel = 0 AND x.done_at <= ?)"
    " WHERE (m.accepted = 1 OR o.id IS NOT NULL) AND m.accepted_at <= ? AND m.accepted_at > ?"
)
_GROUPS: Final = {name: number for number, name in codes.GROUPS.items()}


def read(world: World, query: Query, now: int) -> Reply:
    """The rows that fit the filters, newest first unless switched."""
    settings = world.settings
    limit = query.integer("limit", 50, 1, settings.log_rows)
    wanted = query.one_of("generalStatus", STATUSES)
    since, until = query.date("sentSince"), query.date("sentUntil")
    ids = query.names("messageId", settings.log_message_ids, settings.log_ids_length)
    filters = {"m.sender = ?": query.text("from"), "m.recipient = ?": query.text("to")}
    if query.problems:
        return answers.api_exception(400, query.problems)
    equal = "=" if settings.log_edges == "inclusive" else ""
    # A row is there from its acceptance on; its status is the last that has happened by now.
    arguments: list[object] = [now, now - settings.log_lag_ms, now - settings.log_window_ms]
    sql = [_SELECT]
    for clause, value in filters.items():
        if value is not None:
            sql.append(f"AND {clause}")
            arguments.append(value)
    if ids:
        sql.append("AND m.message_id IN (SELECT value FROM json_each(?))")
        arguments.append(orjson.dumps(ids).decode())
    for moment, sign in ((since, ">"), (until, "<")):
        if moment is not None:
            sql.append(f"AND coalesce(o.sent_at, m.accepted_at) {sign}{equal} ?")
            arguments.append(moment)
    if wanted is not None:
        pending = wanted in ("PENDING", "ACCEPTED")
        sql.append("AND (o.id IS NULL OR o.status_group = 1)" if pending else "AND o.status_group = ?")
        if not pending:
            arguments.append(_GROUPS[wanted])
    sql.append(f"ORDER BY m.seq {'DESC' if settings.log_order == 'newest' else 'ASC'} LIMIT ?")
    found = world.store.rows(" ".join(sql), [*arguments, limit])
    return answers.ok({"results": [_row(row, settings) for row in found]})


def _row(row: tuple[Any, ...], settings: Settings) -> dict[str, Any]:
    (
        bulk_id,
        message_id,
        to,
        sender,
        accepted_at,
        content,
        sent_at,
        done_at,
        count,
        price,
        group,
        status,
        error,
    ) = row
    if status is None:
        sent_at, count, price, group, status, error = accepted_at, 1, 0, 1, settings.accepted_status, 0
    found = {
        "bulkId": bulk_id,
        "messageId": message_id,
        "to": to,
        "from": sender,
        "text": content.decode() if settings.log_text and content else None,
        "sentAt": stamp(sent_at),
        "doneAt": stamp(done_at) if done_at is not None else None,
        "smsCount": count,
        "mccMnc": mcc_mnc(to),
        "price": {"pricePerMessage": price / MICRO, "currency": settings.currency},
        "status": codes.STATUSES[(group, status)].status(),
        "error": codes.ERRORS[error].error(),
    }
    return {name: value for name, value in found.items() if value is not None}
