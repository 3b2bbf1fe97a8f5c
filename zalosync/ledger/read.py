"""What may be asked of a ledger. `plan` and the read-only commands get this type, which cannot write."""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from zalosync.compose.message import Status
from zalosync.errors import LedgerError
from zalosync.ledger.dialect import Database, Dialect, statement
from zalosync.ledger.records import TAKEN_BYTES, Head, Recorded, Run, SmsOpen, Some, Standings, Tally

# Placeholders per statement: SQLite allows 32,766; beyond some hundreds nothing is gained.
KEYS_PER_QUERY = 512
ID_BYTES_INDEXED = 10  # as in `sql/` and the migration that says why
MOST_COUNTED = 100_000  # of what is counted row by row while a person waits
_BY_ROW = itemgetter(1)  # of what `evidenced` gives
ROWS_PER_CHUNK = 100_000  # of what is put into columns
# Attempts read for each that is asked for: one that is looked up by its key costs as much as five in a row.
MOST_BETWEEN = 3
MESSAGES_AT_ONCE = 100_000  # of which is told in one answer: it passes through memory as text


class LedgerReader:
    """The recorded side of every question. Each method is one read transaction.

    Args:
        database: of the present schema.
        dialect: which one.
        place: its name for people.
    """

    def __init__(self, database: Database, dialect: Dialect, place: str) -> None:
        self._database = database
        self._dialect = dialect
        self.place = place
        self._driver = database.connection

    def close(self) -> None:
        """Give the database back."""
        self._database.close()

    def head(self) -> Head:
        """The newest event."""
        rows = self._all("head", {})
        return Head(*rows[0]) if rows else Head(0, 0, 0, 0, bytes(32))

    def hash_at(self, seq: int) -> bytes | None:
        """The hash of an earlier event, or None where the ledger has no such event."""
        rows = self._all("hash_at", {"seq": seq})
        return bytes(rows[0][0]) if rows else None

    def sending_events_since(self, seq: int, own: Collection[int]) -> int:
        """How many events after `seq` affect sending, those of the runs `own` left out."""
        return sum(count for run, count in self._all("sending_since", {"seq": seq}) if run not in own)

    def notes(self) -> dict[str, str]:
        """The small settled facts: lineage, key fingerprint, pauses, last slots."""
        return dict(self._all("notes", {}))

    def schema_versions(self) -> list[str]:
        """What the migrations wrote down: one version, that of the tables."""
        return [str(row[0]) for row in self._all("schema_versions", {})]

    def campaigns(self) -> dict[str, int]:
        """Number of each campaign by its first name."""
        return {name: number for number, name in self._all("campaigns", {})}

    def tallies(self) -> list[Tally]:
        """Counts of attempts that stand alike; a few rows whatever the number of messages."""
        return [Tally(row[0], row[1], row[2], Status(row[3]), *row[4:12]) for row in self._all("tally", {})]

    def waiting(self) -> dict[tuple[int, Status], tuple[int, int]]:
        """By campaign and state (intent, unknown, held): how many, and the oldest's Unix seconds."""
        rows = self._all("waiting", {})
        return {(row[0], Status(row[1])): (int(row[2]), int(row[3] or 0)) for row in rows}

    def runs(self) -> list[Run]:
        """All runs, oldest first."""
        return [
            Run(
                row[0],
                row[1],
                row[2],
                row[3],
                json.loads(row[4]),
                row[5],
                json.loads(row[6]) if row[6] is not None else None,
            )
            for row in self._all("runs", {})
        ]

    def recorded(self, messages: Sequence[bytes]) -> dict[bytes, Recorded]:
        """The open attempt of each message the ledger knows. Sorted input reads fastest."""
        return {found.message: found for found in self._by_keys("open_by_messages", messages)}

    def standings(self, messages: Sequence[bytes]) -> Standings:
        """What `plan` needs of the open attempts of these messages, which are sorted."""
        taken, others = bytearray(), list[tuple[Any, ...]]()
        for start in range(0, len(messages), MESSAGES_AT_ONCE):
            found = self._standings(messages[start : start + MESSAGES_AT_ONCE])
            taken += found.taken
            others += found.others
        return Standings(bytes(taken), others)

    def _standings(self, messages: Sequence[bytes]) -> Standings:
        """Messages are digests, evenly spread: how many the ledger has between two of them can be foretold.

        Where few others lie between, all between are read in one go, in columns made by the database.
        """
        first, last = messages[0], messages[-1]
        span = (int.from_bytes(last) - int.from_bytes(first)) / 256 ** len(first)
        if self._all("last_row", {})[0][0] * span > MOST_BETWEEN * len(messages):
            return Standings(others=list(self._in_parts("standings", messages)))
        between = {"first": first, "last": last}
        with self._one_moment():  # a message that moves meanwhile is told of once
            count, digests = self._all("taken_between", between)[0]
            taken = bytes.fromhex(digests or "")
            others = self._all("standings_between", between) if len(taken) < count * TAKEN_BYTES else ()
        return Standings(taken, others)

    @contextmanager
    def _one_moment(self) -> Iterator[None]:
        """Several questions of one state of the ledger, whatever others write meanwhile."""
        with self._asking() as cursor:
            cursor.execute("BEGIN")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")

    def by_message_ids(self, message_ids: Sequence[bytes]) -> dict[bytes, Recorded]:
        """Attempts by the ids the provider knows them by."""
        wanted = set(message_ids)
        found = self._by_keys("by_message_ids", _beginnings(message_ids))
        return {each.message_id: each for each in found if each.message_id in wanted}

    def evidenced(self, message_ids: Sequence[bytes]) -> list[tuple[Any, ...]]:
        """What evidence about these is merged with, in order of rows. Sorted input reads fastest.

        Rows are found first, and read in their order: each page of the table once, however many there are.

        Returns:
            What `Known` has, as plain tuples: there are many.
        """
        wanted = set(message_ids)
        rows = sorted(found[0] for found in self._in_parts("rows_of", _beginnings(message_ids)))
        found = self._in_parts("evidenced", rows)
        return sorted((each for each in found if each[0] in wanted), key=_BY_ROW)

    def accepted_before(self, campaign: int, moment: int) -> tuple[int, int] | None:
        """How many attempts of a campaign are accepted and no more, since before a moment (Unix seconds).

        Returns:
            Their count and the oldest one's moment, or None where there is none.
        """
        rows = self._all("accepted_before", {"campaign": campaign, "before": moment})
        return (rows[0][1], rows[0][2]) if rows else None

    def late_some(self, campaign: int, before: int) -> Some | None:
        """The same, quickly: beyond `MOST_COUNTED` it is not counted on."""
        given = {"campaign": campaign, "before": before, "limit": MOST_COUNTED + 1}
        count, oldest = self._all("late_some", given)[0]
        return Some(min(count, MOST_COUNTED), count > MOST_COUNTED, oldest) if count else None

    def accepted_after(self, campaign: int, since: int) -> bool:
        """Whether any attempt since a moment (Unix seconds) is accepted and no more."""
        return bool(self._all("accepted_after", {"campaign": campaign, "since": since}))

    def sms_open(self, campaign: int, occurrence: int, since: int, before: int) -> SmsOpen | None:
        """Attempts that were claimed between two moments (Unix seconds), and of whose SMS no end is known."""
        given = {"campaign": campaign, "occurrence": occurrence, "since": since, "before": before}
        rows = self._all("sms_open", given)
        return SmsOpen({row[:-2]: row[-2] for row in rows}, min(row[-1] for row in rows)) if rows else None

    def late(self, campaign: int, since: int, before: int, chunk: int = 10_000) -> Iterator[list[Recorded]]:
        """Attempts that were accepted between two moments (Unix seconds) and are so still, oldest first."""
        at, row = since - 1, 0
        while True:
            given = {"campaign": campaign, "since": since, "before": before, "after": at, "row": row}
            rows = self._all("late", {**given, "limit": chunk})
            if not rows:
                return
            found = [Recorded.of(values) for values in rows]
            at, row = found[-1].created_at, found[-1].row
            yield found

    def in_state(self, state: Status, chunk: int = 10_000) -> Iterator[list[Recorded]]:
        """Attempts in one of the waiting states (intent, unknown, held), in chunks, in order of claiming."""
        after = 0
        while True:
            rows = self._all("by_state", {"after": after, "limit": chunk}, int(state))
            if not rows:
                return
            found = [Recorded.of(row) for row in rows]
            after = found[-1].row
            yield found

    def held(self, campaign: int) -> Iterator[list[tuple[Any, ...]]]:
        """The held messages of a campaign in chunks of (message, fingerprint, recipient), in no order."""
        return self._chunks("held", {"campaign": campaign})

    def contacts(self, first_run: int) -> Iterator[list[tuple[Any, ...]]]:
        """Who was messaged, or may have been, or is to be, by runs from this one on, in chunks.

        Returns:
            (recipient, run, campaign, state, Unix seconds at which the attempt was first written down).
        """
        return self._chunks("contacts", {"first": first_run})

    def messaged(self, first_run: int, since: int, among: Sequence[bytes] | None) -> Iterator[bytes]:
        """Whom `contacts` would tell of since a moment (Unix seconds), and nothing but that.

        Where few are asked about, the database picks them out; else all are told, in columns it makes.

        Args:
            first_run: from this run on.
            since: when an attempt was first written down, at the earliest.
            among: who is asked about; None: all.

        Returns:
            Pseudonyms one after the other, in chunks; the same one may come again.
        """
        if among is not None and len(among) <= KEYS_PER_QUERY:
            keys = _padded(tuple(among))
            asked = statement(self._dialect, "messaged_among", len(keys))
            with self._asking() as cursor:
                cursor.execute(asked.sql, (first_run, since, *keys))
                yield b"".join(row[0] for row in cursor.fetchall())
            return
        last = self._all("last_row", {})[0][0]
        for row in range(1, last + 1, ROWS_PER_CHUNK):
            given = {"from": row, "to": row + ROWS_PER_CHUNK - 1, "first": first_run, "since": since}
            yield bytes.fromhex(self._all("messaged", given)[0][0] or "")

    def handed(self, first_run: int) -> dict[tuple[int, int], int]:
        """How many messages each run from this one on has or may have handed over, by run and campaign."""
        return {(row[0], row[1]): int(row[2]) for row in self._all("handed", {"first": first_run})}

    def owns(self, run: int, rows: Sequence[int]) -> bool:
        """Whether all these attempts are still intents of this run."""
        keys = _padded(tuple(rows))
        asked = statement(self._dialect, "owned_intents", len(keys))
        with self._asking() as cursor:
            cursor.execute(asked.sql, (run, *keys))
            return bool(cursor.fetchone()[0] == len(rows))

    def events(self) -> Iterator[tuple[Any, ...]]:
        """The whole history in order, streamed, in the columns of `events`."""
        return self._stream("events")

    def attempts(self) -> Iterator[tuple[Any, ...]]:
        """Every attempt in order of rows, streamed, in the columns of `all_attempts`."""
        return self._stream("all_attempts")

    def damage(self) -> list[str]:
        """What the database itself finds wrong with its file."""
        return self._wrong(self._dialect.integrity)

    def unsound(self) -> list[str]:
        """The same, much sooner, and less: whether its pages fit one another."""
        return self._wrong(self._dialect.soundness)

    def _wrong(self, asked: str) -> list[str]:
        with self._asking() as cursor:
            cursor.execute(asked)
            found = [str(row[0]) for row in cursor]
        return [] if found == ["ok"] else found

    def _stream(self, name: str) -> Iterator[tuple[Any, ...]]:
        with self._asking() as cursor:
            cursor.execute(statement(self._dialect, name).sql)
            while rows := cursor.fetchmany(10_000):
                yield from rows

    def _chunks(self, name: str, given: dict[str, Any]) -> Iterator[list[tuple[Any, ...]]]:
        asked = statement(self._dialect, name)
        with self._asking() as cursor:
            cursor.execute(asked.sql, asked.values(given))
            while rows := cursor.fetchmany(ROWS_PER_CHUNK):
                yield rows

    def _all(self, name: str, given: dict[str, Any], state: int | None = None) -> list[Any]:
        asked = statement(self._dialect, name, state=state)
        with self._asking() as cursor:
            cursor.execute(asked.sql, asked.values(given))
            return list(cursor.fetchall())

    def _by_keys(self, name: str, keys: Sequence[bytes]) -> Iterator[Recorded]:
        return (Recorded.of(row) for row in self._in_parts(name, keys))

    def _in_parts(self, name: str, keys: Sequence[bytes] | Sequence[int]) -> Iterator[tuple[Any, ...]]:
        with self._asking() as cursor:
            for start in range(0, len(keys), KEYS_PER_QUERY):
                part = _padded(tuple(keys[start : start + KEYS_PER_QUERY]))
                cursor.execute(statement(self._dialect, name, len(part)).sql, part)
                yield from cursor.fetchall()

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        """A cursor of the driver, whose failures are the ledger's."""
        cursor = self._driver.cursor()
        try:
            yield cursor
        except (self._dialect.error, UnicodeDecodeError) as error:
            raise LedgerError(
                f"{self.place} cannot be read: {reason_of(error)}",
                fix="`zalosync audit verify` says more; restore the newest copy if it is damaged",
                code="ZS628",
            ) from error
        finally:
            cursor.close()


def _padded(keys: tuple[Any, ...]) -> tuple[Any, ...]:
    """The keys, the last of them repeated: a statement for each power of two, so that few are prepared."""
    return keys + keys[-1:] * ((1 << (len(keys) - 1).bit_length()) - len(keys))


def _beginnings(message_ids: Sequence[bytes]) -> list[bytes]:
    """What the index of message ids holds of each."""
    return [message_id[:ID_BYTES_INDEXED] for message_id in message_ids]


def reason_of(error: BaseException) -> str:
    """The driver's own words ("database or disk is full"): never the statement, nor its parameters."""
    if isinstance(error, UnicodeDecodeError):  # the driver stumbled over its own words, which quoted damage
        return "the file is damaged"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
