"""Holds a ledger against the server's own count: nobody twice, nobody lost, nothing said that is not so."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.support.server import Server
from tests.support.shop import Shop
from zalosync.audit.verify import verify
from zalosync.compose.message import MAYBE_SENT, Status, message_id_text
from zalosync.ledger.dialect import SQLITE, sqlite_database
from zalosync.ledger.read import LedgerReader

HAS_IT = frozenset({Status.ACCEPTED, Status.DELIVERED, Status.UNDELIVERABLE, Status.EXPIRED})


@dataclass(frozen=True, slots=True)
class Truth:
    """What ledger and server say, side by side.

    Attributes:
        states: where each message id stands in the ledger.
        taken: how often the server took each message id.
        seen: how often it was sent each.
        phones: how many messages each recipient was taken for.
    """

    states: dict[str, Status]
    taken: dict[str, int]
    seen: dict[str, int]
    phones: Counter[str]

    @property
    def lost(self) -> set[str]:
        """Ids that the ledger calls sent and the server never had."""
        return {each for each, state in self.states.items() if state in HAS_IT and not self.taken.get(each)}

    @property
    def unexpected(self) -> set[str]:
        """Ids that the server has, and the ledger calls not sent or does not know."""
        return {
            each
            for each, count in self.taken.items()
            if count and self.states.get(each) not in MAYBE_SENT | {Status.REJECTED}
        }

    @property
    def duplicated(self) -> set[str]:
        """Ids that the server took more than once."""
        return {each for each, count in self.taken.items() if count > 1}

    def count(self, *states: Status) -> int:
        """How many messages stand in one of these states."""
        return sum(state in states for state in self.states.values())


def truth(path: Path, server: Server) -> Truth:
    """Read both sides."""
    messages = server.messages()
    phones: Counter[str] = Counter()
    for entry in messages:
        phones[entry["to"]] += entry["accepted"]
    return Truth(
        ledger_states(path),
        {entry["messageId"]: entry["accepted"] for entry in messages},
        {entry["messageId"]: entry["seen"] for entry in messages},
        phones,
    )


def ledger_states(path: Path) -> dict[str, Status]:
    """Where each message id stands."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT message_id, state FROM attempt").fetchall()
    return {message_id_text(message_id): Status(state) for message_id, state in rows}


def assert_verified(path: Path) -> None:
    """The history fits every table."""
    reader = LedgerReader(sqlite_database(path, read_only=True), SQLITE, path.name)
    try:
        assert verify(reader).problems == ()
    finally:
        reader.close()


def assert_at_most_once(shop: Shop, path: Path, server: Server) -> Truth:
    """The promise, at any moment at which nothing is in flight."""
    found = truth(path, server)
    assert not found.duplicated
    assert not found.lost
    assert not found.unexpected
    assert max(found.phones.values(), default=0) <= 1, "a recipient was sent to twice"
    assert found.phones.keys() <= shop.valid.keys(), "somebody was sent to who should not be"
    assert_verified(path)
    return found


def assert_nobody_missing(shop: Shop, found: Truth) -> None:
    """At the end everybody valid was sent to, but for those whose fate is named as unknown."""
    missing = sum(not found.phones[phone] for phone in shop.valid)
    assert missing == found.count(Status.UNKNOWN, Status.REJECTED)
    assert not found.count(Status.INTENT)
