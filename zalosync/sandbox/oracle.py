"""Who really got what: the sandbox's own count, from its file alone, with or without the server.

Balance, at every moment: `accepted = pending + delivered + undeliverable + expired + rejected` (by Zalo's
outcome), and `deliveries = delivered to Zalo + delivered by failover SMS + arrived though no report came`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from zalosync.sandbox.message import CHANNELS, MICRO
from zalosync.sandbox.store import FILE

END: Final = 2**62  # past the end of every story
_STATES: Final = {1: "pending", 2: "undeliverable", 3: "delivered", 4: "expired", 5: "rejected"}


def read(state_dir: Path, *, at: int | None = None) -> dict[str, Any]:
    """The totals in a state folder; `at` is a moment in milliseconds, default the end of every story."""
    with closing(_open(state_dir)) as connection:
        return totals(connection, END if at is None else at)


def read_messages(state_dir: Path, *, at: int | None = None) -> list[dict[str, Any]]:
    """One entry for each message id in a state folder, as `messages` gives them."""
    with closing(_open(state_dir)) as connection:
        return list(messages(connection, END if at is None else at))


def read_phones(state_dir: Path, *, at: int | None = None) -> dict[str, int]:
    """How many messages each recipient really got, failover SMS included."""
    with closing(_open(state_dir)) as connection:
        return phones(connection, END if at is None else at)


def _open(state_dir: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{(state_dir / FILE).absolute()}?mode=ro", uri=True)


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A second connection to the same file, to read from while the first goes on."""
    path = next(row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main")
    with closing(_open(Path(path).parent)) as second:
        yield second


def totals(connection: sqlite3.Connection, now: int) -> dict[str, Any]:
    """All counts at a moment."""
    counters = dict(connection.execute("SELECT name, n FROM counters"))
    accepted, held = connection.execute(
        "SELECT count(*), coalesce(sum(due IS NOT NULL), 0) FROM messages WHERE accepted = 1"
    ).fetchone()
    states = dict.fromkeys(_STATES.values(), 0)
    failover = {"sent": 0, "delivered": 0, "price": 0.0}
    charged, price = counters.get("duplicates_charged", 0), counters.get("duplicates_price", 0)
    deliveries = 0
    query = (
        "SELECT o.channel, o.status_group, count(*), sum(o.price > 0), sum(o.price), sum(o.got)"
        " FROM outcomes o JOIN messages m ON m.seq = o.message"
        " WHERE o.final = 1 AND o.done_at <= ? AND m.accepted = 1 GROUP BY 1, 2"
    )
    for channel, group, count, priced, cost, got in connection.execute(query, (now,)):
        charged, price, deliveries = charged + priced, price + cost, deliveries + got
        if channel == 0:
            states[_STATES[group]] += count
        else:
            failover["sent"] += count
            failover["delivered"] += got
            failover["price"] += cost / MICRO
    states["pending"] = accepted - sum(states.values())
    checked = counters.get("values_checked", 0)
    readable = counters.get("values_read", 0)
    return {
        "requests": counters.get("requests", 0),
        "accepted": accepted,
        "waiting": held,
        "duplicates": counters.get("duplicates", 0),
        "refused": counters.get("refused_in_answer", 0),
        **states,
        "deliveries": deliveries,
        "failover": failover,
        "reported": counters.get("reports_handed_out", 0),
        "pushed": counters.get("reports_pushed", 0),
        "charged": {"messages": charged, "amount": price / MICRO},
        "decrypted": {
            "checked": checked,
            "ok": readable,
            "failed": checked - readable,
            "messages": counters.get("messages_read", 0) + counters.get("messages_unreadable", 0),
            "waiting": connection.execute("SELECT count(*) FROM checks WHERE state = 0").fetchone()[0],
            "mgf1": dict(connection.execute("SELECT mgf1, count(*) FROM checks WHERE state = 1 GROUP BY 1")),
        },
        "faults": {name[6:]: n for name, n in sorted(counters.items()) if name.startswith("fault:")},
    }


def messages(connection: sqlite3.Connection, now: int) -> Iterator[dict[str, Any]]:
    """One entry for each message id, in the order of the ids.

    `accepted` how often it was taken, `seen` how often it was sent to us, `deliveries` what really arrived,
    `state` of the last acceptance, `values` the plain values where the sandbox knows them (never encrypted,
    or opened), `rows` the outcomes.
    """
    query = (
        "SELECT m.message_id, m.seq, m.recipient, m.accepted, m.content, m.bulk_id, m.sender,"
        " c.state, c.mgf1, c.plain,"
        " o.channel, o.final, o.status_group, o.status, o.error, o.got, o.reported, o.done_at"
        " FROM messages m LEFT JOIN checks c ON c.message = m.seq"
        " LEFT JOIN outcomes o ON o.message = m.seq AND o.done_at <= ? ORDER BY m.message_id, m.seq, o.id"
    )
    entry: dict[str, Any] = {}
    last = -1
    for row in connection.execute(query, (now,)):
        message_id, seq, to, accepted, content, bulk_id, sender, state, mgf1, plain, *outcome = row
        if entry.get("messageId") != message_id:
            if entry:
                yield entry
            entry = {"messageId": message_id, "to": to, "sender": sender, "bulkId": bulk_id, "accepted": 0}
            entry |= {
                "seen": 0,
                "deliveries": 0,
                "state": "refused",
                "values": None,
                "mgf1": None,
                "rows": [],
            }
        if seq != last:
            last = seq
            _count(entry, accepted, content, state, mgf1, plain)
        if outcome[0] is not None:
            _outcome(entry, accepted, outcome)
    if entry:
        yield entry


def _count(
    entry: dict[str, Any], accepted: int, content: bytes | None, state: int | None, mgf1: str, plain: bytes
) -> None:
    entry["seen"] += 1
    if not accepted:
        return
    entry["accepted"] += 1
    entry["state"] = "pending"
    if state:
        entry |= {"values": orjson.loads(plain), "mgf1": mgf1 or None, "readable": state == 1}
    elif content and state is None:
        entry["values"] = orjson.loads(content).get("templateData")


def _outcome(entry: dict[str, Any], accepted: int, outcome: list[Any]) -> None:
    channel, final, group, status, error, got, reported, done_at = outcome
    entry["deliveries"] += got
    if final and channel == 0 and accepted:
        entry["state"] = _STATES[group]
    entry["rows"].append(
        {
            "channel": CHANNELS[channel],
            "final": bool(final),
            "status": status,
            "error": error,
            "reported": reported,
            "doneAt": done_at,
        }
    )


def phones(connection: sqlite3.Connection, now: int) -> dict[str, int]:
    """Deliveries by recipient; a recipient who got nothing is there with 0."""
    query = (
        "SELECT m.recipient, coalesce(sum(o.got), 0) FROM messages m"
        " LEFT JOIN outcomes o ON o.message = m.seq AND o.done_at <= ? GROUP BY 1"
    )
    return dict(connection.execute(query, (now,)))
