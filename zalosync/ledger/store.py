"""The verbs that write. One verb is one transaction, with its event of the chain inside it.

Every update is guarded by the state it expects; a changed row count other than expected rolls everything
back and raises, so that a bug or a second writer cannot send twice.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zalosync.clock import milliseconds
from zalosync.compose.message import MOVES, Status
from zalosync.errors import InternalError, LedgerError
from zalosync.ledger.chain import NO_EVIDENCE, SALT_BYTES, canonical, commitment, link, ranges
from zalosync.ledger.dialect import Dialect, statement
from zalosync.ledger.read import LedgerReader, reason_of
from zalosync.ledger.records import AFFECTS_SENDING, Claim, Kind, Move, Recorded, Standing

Cell = tuple[int, int, int, int, int, int, int]


class Ledger(LedgerReader):
    """A ledger that this process may write; it holds the lock as long as this object lives.

    Args:
        engine: an open database of the present schema.
        dialect: which one.
        place: its name for people.
        entropy: gives n unguessable bytes, for salts.
    """

    def __init__(
        self, engine: sa.Engine, dialect: Dialect, place: str, entropy: Callable[[int], bytes] = os.urandom
    ) -> None:
        super().__init__(engine, dialect, place)
        self._entropy = entropy

    @contextmanager
    def change(self, kind: Kind, now: datetime, *, run: int | None = None) -> Iterator["Change"]:
        """One transaction and its event; what is asked of the `Change` is all done or not at all.

        Raises:
            LedgerError: the database is busy, full, read-only or gone; nothing of the change is stored,
                except where the error says that the commit itself was unclear.
        """
        cursor = self._driver.cursor()
        try:
            cursor.execute(self._dialect.begin_write)
            try:
                change = Change(cursor, self._dialect, kind, now, run, self._entropy)
                yield change
                change.seal()
                cursor.execute("COMMIT")
            except BaseException:
                self._roll_back(cursor)
                raise
        except self._dialect.error as error:
            raise LedgerError(
                f"{self.place}: {reason_of(error)}; nothing of this step was stored",
                fix="mend it (space, permissions, another process) and run the command again",
                code="ZS603",
            ) from error
        finally:
            cursor.close()

    def _roll_back(self, cursor: Any) -> None:
        """End an open transaction; SQLite has ended it already after some failures."""
        if getattr(self._driver.driver_connection, "in_transaction", True):
            cursor.execute("ROLLBACK")


class Change:
    """What one transaction does. Made by `Ledger.change`."""

    def __init__(
        self,
        cursor: Any,
        dialect: Dialect,
        kind: Kind,
        now: datetime,
        run: int | None,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._cursor = cursor
        self._dialect = dialect
        self._kind = kind
        self._at = milliseconds(now)
        self._run = run
        self._entropy = entropy
        self._cells: Counter[Cell] = Counter()
        self._prices: Counter[Cell] = Counter()
        self._body: dict[str, Any] = {}
        # In the order in which the body names the rows; the event has commitments first.
        self._commitments: list[bytes] = []
        self._evidence: list[bytes] = []

    def campaign(self, name: str) -> int:
        """The number of a campaign, given on first use."""
        known = {known_name: number for number, known_name in self._rows("campaigns", {})}
        if name not in known:
            known[name] = len(known) + 1
            self._one("insert_campaign", {"id": known[name], "name": name})
            self._body.setdefault("campaigns", []).append([known[name], name])
        return int(known[name])

    def next_run(self) -> int:
        """The number that the next started run gets."""
        return int(self._rows("last_run", {})[0][0]) + 1

    def start_run(self, run_id: str, command: str, started: Mapping[str, Any]) -> int:
        """Write down who runs what, before anything else is done. Gives the run's number."""
        number = self.next_run()
        document = canonical(started)
        values = {"id": number, "run_id": run_id, "command": command, "at": self._at, "started": document}
        self._one("insert_run", values)
        self._body["run"] = [number, run_id, command, self._at, dict(started)]
        return number

    def end_run(self, number: int, ended: Mapping[str, Any]) -> None:
        """Write down how a run ended: totals, exit code, reason."""
        self._one("end_run", {"id": number, "at": self._at, "ended": canonical(ended)})
        self._body["ended"] = [number, self._at, dict(ended)]

    def note(self, name: str, value: str | None) -> None:
        """Set a settled fact, or drop it."""
        if value is None:
            self._execute("drop_note", [{"name": name}])
        else:
            self._one("set_note", {"name": name, "value": value})
        self._body.setdefault("notes", []).append([name, value])

    def claim(self, claims: Sequence[Claim]) -> list[Recorded]:
        """Take messages: from here on they count as maybe sent, until proof says otherwise.

        Raises:
            LedgerError: another writer took one of them meanwhile; nothing is taken.
        """
        assert self._run is not None
        first = int(self._rows("last_row", {})[0][0]) + 1
        fresh = [entry for entry in claims if not _continues(entry)]
        numbers = iter(range(first, first + len(fresh)))
        rows = [entry.before.row if _continues(entry) and entry.before else next(numbers) for entry in claims]
        values = [self._claim_values(entry, row) for entry, row in zip(claims, rows, strict=True)]
        again = [value for entry, value in zip(claims, values, strict=True) if _continues(entry)]
        new = [value for entry, value in zip(claims, values, strict=True) if not _continues(entry)]
        ended = [entry.before for entry in fresh if entry.before is not None]
        self._execute("close_attempt", [{"row": e.row, "expected": int(e.state)} for e in ended])
        self._execute("reclaim_attempt", again)
        self._execute("insert_attempt", new)
        self._body.setdefault("claims", []).append(
            [int(claims[0].state) if claims else 0, rows if again else ranges(rows)]
        )
        if ended:
            self._body.setdefault("closed", []).extend(ranges(e.row for e in ended))
        return [self._taken(entry, row) for entry, row in zip(claims, rows, strict=True)]

    def move(self, moves: Sequence[Move], *, own: bool = False) -> None:
        """Write down where messages stand now; with `own`, only intents of this change's run.

        Raises:
            LedgerError: a message no longer stands where this change thinks; nothing is written.
            InternalError: a move that the table of legal moves does not have.
        """
        groups: dict[tuple[int, ...], list[Move]] = {}
        values = []
        for step in moves:
            before, to = step.before, step.to
            if to.state not in MOVES[before.state] and to.state is not before.state:
                raise InternalError(f"no move leads from {before.state.word} to {to.state.word}")
            self._count(before, to)
            price = -1 if to.price is None else to.price
            key = (int(to.state), to.cause, to.status_group, to.status_id, to.error_id, to.channel, price)
            groups.setdefault(key, []).append(step)
            values.append(
                asdict(to)
                | {"row": before.row, "expected": int(before.state), "at": self._at // 1000, "run": self._run}
            )
        self._execute("move_own_intent" if own else "move_attempt", values)
        self._body.setdefault("moves", []).extend(
            [*key, *self._details(steps)] for key, steps in groups.items()
        )

    def say(self, name: str, value: object) -> None:
        """Put a fact about this change into its event: who decided, for what reason."""
        self._body[name] = value

    def seal(self) -> None:
        """Write the tallies and the event; the last step before the commit."""
        for cell, count in self._cells.items():
            names = ("campaign", "occurrence", "state", "channel", "status_group", "status_id", "error_id")
            if count or self._prices[cell]:
                values = dict(zip(names, cell, strict=True)) | {"count": count, "price": self._prices[cell]}
                self._one("tally_add", values)
        heads = self._rows("head", {})
        seq, _, intent_serial, status_serial, previous = heads[0] if heads else (0, 0, 0, 0, bytes(32))
        event: dict[str, Any] = {
            "seq": seq + 1,
            "at": self._at,
            "kind": str(self._kind),
            "run": self._run,
            "intent_serial": intent_serial + (self._kind in AFFECTS_SENDING),
            "status_serial": status_serial + (self._kind is Kind.EVIDENCE),
            "body": canonical(self._body),
            "commitments": b"".join(self._commitments + self._evidence),
        }
        self._one("insert_event", event | {"hash": link(bytes(previous), **event)})

    def _details(self, steps: list[Move]) -> tuple[list[list[int]], list[int], int]:
        """The rows of moves that are alike, and what still differs: times, and whether digests follow."""
        steps.sort(key=lambda step: step.before.row)
        timed = any(step.to.done_at is not None for step in steps)
        proven = any(step.to.evidence is not None for step in steps)
        if proven:
            self._evidence.extend(step.to.evidence or NO_EVIDENCE for step in steps)
        times = [step.to.done_at or 0 for step in steps] if timed else []
        return ranges(step.before.row for step in steps), times, int(proven)

    def _claim_values(self, entry: Claim, row: int) -> dict[str, Any]:
        lasting = {
            "row": row,
            "message": entry.message,
            "message_id": entry.message_id,
            "campaign": entry.campaign,
            "occurrence": entry.occurrence,
            "attempt": entry.attempt,
            "fingerprint": entry.fingerprint,
            "recipient": entry.recipient,
        }
        salt = self._entropy(SALT_BYTES)
        self._commitments.append(commitment(salt=salt, **lasting))  # type: ignore[arg-type]
        return lasting | {
            "salt": salt,
            "run": self._run,
            "state": int(entry.state),
            "expected": int(entry.before.state) if entry.before else 0,
            "at": self._at // 1000,
        }

    def _taken(self, entry: Claim, row: int) -> Recorded:
        if _continues(entry) and entry.before is not None:
            self._cells[_cell(entry.before)] -= 1
        found = Recorded(
            row,
            entry.message,
            entry.message_id,
            entry.campaign,
            entry.occurrence,
            entry.attempt,
            entry.fingerprint,
            self._run or 0,
            entry.state,
            created_at=self._at // 1000,
            changed_at=self._at // 1000,
        )
        self._cells[_cell(found)] += 1
        return found

    def _count(self, before: Recorded, to: Standing) -> None:
        old = _cell(before)
        new = (*old[:2], int(to.state), to.channel, to.status_group, to.status_id, to.error_id)
        self._cells[old] -= 1
        self._cells[new] += 1
        self._prices[old] -= before.price or 0
        self._prices[new] += to.price or 0

    def _rows(self, name: str, given: Mapping[str, Any]) -> list[Any]:
        asked = statement(self._dialect, name)
        self._cursor.execute(asked.sql, asked.values(given))
        return list(self._cursor.fetchall())

    def _one(self, name: str, given: Mapping[str, Any]) -> None:
        asked = statement(self._dialect, name)
        self._cursor.execute(asked.sql, asked.values(given))
        changed = self._cursor.rowcount
        if changed != 1:
            raise LedgerError(
                f"`{name}` changed {changed} rows where 1 was due; nothing was stored", code="ZS604"
            )

    def _execute(self, name: str, given: Sequence[Mapping[str, Any]]) -> None:
        if not given:
            return
        asked = statement(self._dialect, name)
        self._cursor.executemany(asked.sql, [asked.values(values) for values in given])
        changed = self._cursor.rowcount
        if name != "drop_note" and changed != len(given):
            raise LedgerError(
                f"{len(given) - changed:,} of {len(given):,} messages no longer stand where this run"
                " thinks (another writer changed them); nothing of this step was stored",
                fix="run `zalosync refresh`, then plan again",
                code="ZS605",
            )


def _continues(entry: Claim) -> bool:
    """Whether a claim takes up the same attempt again, rather than open one."""
    return entry.before is not None and entry.before.state in (Status.RELEASED, Status.HELD)


def _cell(of: Recorded) -> Cell:
    return (of.campaign, of.occurrence, int(of.state), of.channel, of.status_group, of.status_id, of.error_id)
