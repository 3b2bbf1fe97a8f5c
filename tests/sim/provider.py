"""The simulated provider: who really got what. Its own count of acceptances is the oracle.

Kept apart from the product and from the sandbox: a few dictionaries, fast enough for a million schedules.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

from zalosync.provider import AnswerRow, Channel, ProviderStatus, Report

PENDING = ProviderStatus(1, "PENDING", 7, "PENDING_ENROUTE")
REJECTED = ProviderStatus(5, "REJECTED", 52, "REJECTED_DESTINATION")
DUPLICATE = ProviderStatus(5, "REJECTED", 23, "REJECTED_DUPLICATE_MESSAGE_ID")
DELIVERED = ProviderStatus(3, "DELIVERED", 5, "DELIVERED_TO_HANDSET")
OPERATOR = ProviderStatus(3, "DELIVERED", 2, "DELIVERED_TO_OPERATOR")
UNDELIVERABLE = ProviderStatus(2, "UNDELIVERABLE", 9, "UNDELIVERABLE_NOT_DELIVERED")
EXPIRED = ProviderStatus(4, "EXPIRED", 15, "EXPIRED_EXPIRED")
NEW_PENDING = ProviderStatus(1, "PENDING", 404, "PENDING_SOMETHING_NEW")
NEW_FINAL = ProviderStatus(2, "UNDELIVERABLE", 405, "UNDELIVERABLE_SOMETHING_NEW")
LOG_HOURS = 48


class Duplicates(Enum):
    """What the provider does with an id that it has seen."""

    REJECT = auto()
    REJECT_LATER = auto()
    ACCEPT_TWICE = auto()


@dataclass(slots=True)
class Entry:
    """One accepted message."""

    accepted_at: datetime
    visible_at: datetime  # in the logs
    final: ProviderStatus
    final_at: datetime
    reported: bool = False
    lost: bool = False


@dataclass(slots=True)
class Provider:
    """The provider's truth."""

    rng: random.Random
    duplicates: Duplicates
    entries: dict[str, Entry] = field(default_factory=dict)
    acceptances: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    requests: int = 0

    def accept(self, message_ids: list[str], now: datetime, *, reject: float = 0.0) -> list[AnswerRow]:
        """Take a request, now; gives the rows of an honest answer."""
        self.requests += 1
        return [AnswerRow(each, None, self._one(each, now, reject)) for each in message_ids]

    def _one(self, message_id: str, now: datetime, reject: float) -> ProviderStatus:
        if message_id in self.entries:
            if self.duplicates is Duplicates.ACCEPT_TWICE:
                self.acceptances[message_id] += 1
                return PENDING
            return DUPLICATE if self.duplicates is Duplicates.REJECT else PENDING
        if self.rng.random() < reject:
            self.refused[message_id] += 1
            return REJECTED
        self.acceptances[message_id] += 1
        final = self.rng.choices((DELIVERED, UNDELIVERABLE, EXPIRED), (8, 1, 1))[0]
        lag = self.rng.choice((0, 0, 1, 30, 600))
        self.entries[message_id] = Entry(
            now,
            now + timedelta(seconds=lag),
            final,
            now + timedelta(seconds=self.rng.choice((1, 5, 60, 7200))),
        )
        return self.rng.choice((PENDING, PENDING, PENDING, OPERATOR, NEW_PENDING))

    def logs(self, message_ids: list[str], now: datetime) -> list[Report]:
        """Rows of the last 48 hours; what is too fresh is not there yet."""
        found = []
        for message_id in message_ids:
            entry = self.entries.get(message_id)
            if entry is None or entry.visible_at > now:
                continue
            if now - entry.accepted_at < timedelta(hours=LOG_HOURS):
                found.append(self._report(message_id, entry, now))
        return found

    def reports(self, now: datetime, *, lose: bool) -> list[Report]:
        """Reports that are due and were not handed out; `lose`: they are handed out and never arrive."""
        due = [
            (key, entry)
            for key, entry in self.entries.items()
            if entry.final_at <= now and not entry.reported
        ]
        for _, entry in due:
            entry.reported = entry.lost = True  # until somebody has stored it
        if lose:
            return []
        rows = [self._report(key, entry, now) for key, entry in due]
        rows += self.rng.sample(rows, len(rows) // 3)
        # Old news: a report that was pushed late, about a time before the end.
        rows += [
            self._report(key, entry, entry.accepted_at)
            for key, entry in self.entries.items()
            if self.rng.random() < 0.3
        ]
        self.rng.shuffle(rows)
        return rows

    def stored(self, rows: list[Report]) -> None:
        """These reports have arrived for good."""
        for row in rows:
            entry = self.entries[row.message_id]
            entry.lost = entry.lost and row.status is not entry.final

    def _report(self, message_id: str, entry: Entry, now: datetime) -> Report:
        final = entry.final_at <= now
        status = entry.final if final else PENDING
        return Report(
            message_id,
            Channel.ZALO,
            status,
            0,
            entry.accepted_at,
            entry.final_at if final else None,
            12_000,
            "EUR",
            None,
            f"{message_id}{status.id}".encode()[-16:],
        )
