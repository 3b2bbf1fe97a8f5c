"""GET of one-time delivery reports: each is handed out once, as a rule whether the answer arrives or not."""

from hashlib import blake2b
from typing import Final

import orjson

from zalosync.sandbox import answers, rows
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.query import Query
from zalosync.sandbox.world import World

_BY_READER: Final = frozenset({"credential", "filter"})
_SELECT: Final = (
    f"SELECT {rows.REPORT_COLUMNS} FROM outcomes o JOIN messages m ON m.seq = o.message"  # noqa: S608 - our own text
    " WHERE o.report_due IS NOT NULL AND o.report_due <= ? AND o.report_due > ?"
)


def pull(world: World, query: Query, now: int, *, reader: str) -> Reply:
    """The next unread reports; `reader` is the credential, for the switch that counts "once" by it."""
    limit = query.integer("limit", 50, 1, 1000)
    bulk_id, ids = query.text("bulkId"), query.names("messageId")
    if query.problems:
        return answers.api_error(
            "E400", [(name, said) for name, texts in query.problems.items() for said in texts]
        )
    settings = world.settings
    sql = [_SELECT]
    arguments: list[object] = [now, now - settings.reports_window_ms]
    if settings.reports_once == "filter":
        reader = blake2b(repr((bulk_id, sorted(ids))).encode(), digest_size=8).hexdigest()
    if settings.reports_once in _BY_READER:
        sql.append("AND NOT EXISTS (SELECT 1 FROM handed_out h WHERE h.outcome = o.id AND h.reader = ?)")
        arguments.append(reader)
    if settings.push_consumes_pull:
        sql.append("AND o.pushed IS NULL")
    if bulk_id:
        sql.append("AND m.bulk_id = ?")
        arguments.append(bulk_id)
    if ids:
        sql.append("AND m.message_id IN (SELECT value FROM json_each(?))")
        arguments.append(orjson.dumps(ids).decode())
    order = "DESC" if settings.reports_order == "latest" else "ASC"
    sql.append(f"ORDER BY o.report_due {order}, o.id {order} LIMIT ?")
    found = world.store.rows(" ".join(sql), [*arguments, limit])
    world.handed_out = ([row[0] for row in found], reader)
    if settings.reports_mark == "read":
        mark(world)
    return answers.ok({"results": [rows.report(row, settings.currency) for row in found]})


def mark(world: World) -> None:
    """Notes what the last pull read as handed out."""
    outcomes, reader = world.handed_out
    world.handed_out = ([], "")
    if not outcomes:
        return
    with world.store.write():
        world.store.count("reports_handed_out", len(outcomes))
        read = "report_due = NULL, " if world.settings.reports_once == "account" else ""
        world.store.run_many(
            f"UPDATE outcomes SET {read}reported = reported + 1 WHERE id = ?",  # noqa: S608 - our own text
            [(each,) for each in outcomes],
        )
        if world.settings.reports_once in _BY_READER:
            world.store.run_many(
                "INSERT OR IGNORE INTO handed_out VALUES (?, ?)", [(each, reader) for each in outcomes]
            )
