"""What one transaction of the ledger does, verb by verb, and the event that says so.

Every update is guarded by the state it expects; a changed row count other than expected rolls everything
back and raises, so that a bug or a second writer cannot send twice.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from zalosync.clock import milliseconds
from zalosync.errors import LedgerError
from zalosync.ledger.chain import SALT_BYTES, canonical, link, ranges, shortest
from zalosync.ledger.claimed import Claimed
from zalosync.ledger.dialect import Dialect, statement
from zalosync.ledger.records import AFFECTS_SENDING, Alike, Claim, Kind, Move, Recorded, Step
from zalosync.ledger.told import CELL, Cell, Told


class Change:
    """What one transaction does. Made by `Ledger.change`.

    Attributes:
        sealed: number and hash of its event, once that is written.
    """

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
        self.sealed: tuple[int, bytes] | None = None

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
            # It need not be there.
            self._cursor.execute(statement(self._dialect, "drop_note").sql, (name,))
        else:
            self._one("set_note", {"name": name, "value": value})
        self._body.setdefault("notes", []).append([name, value])

    def claim(self, claims: Sequence[Claim]) -> list[Recorded]:
        """Take messages: from here on they count as maybe sent, until proof says otherwise.

        Raises:
            LedgerError: another writer took one of them meanwhile; nothing is taken.
        """
        assert self._run is not None
        taken = Claimed(
            claims,
            first=int(self._rows("last_row", {})[0][0]) + 1,
            salts=self._entropy(SALT_BYTES * len(claims)),
            run=self._run,
            at=self._at // 1000,
        )
        self._many("close_attempt", taken.ended)
        self._many("reclaim_attempt", taken.again)
        self._many("insert_attempt", taken.new)
        rows = [record.row for record in taken.records]
        self._body.setdefault("claims", []).append(
            [int(claims[0].state) if claims else 0, rows if taken.again else ranges(rows)]
        )
        if taken.ended:
            self._body.setdefault("closed", []).extend(ranges(row for row, _ in taken.ended))
        self._commitments.extend(taken.commitments)
        self._cells.update(taken.cells)
        self._prices.update(taken.prices)
        return taken.records

    def move(self, moves: Sequence[Move], *, own: bool = False) -> None:
        """Write down where messages stand now; with `own`, only intents of this change's run.

        Raises:
            LedgerError: a message no longer stands where this change thinks; nothing is written.
            InternalError: a move that the table of legal moves does not have.
        """
        self.tell([move.step for move in moves], own=own)

    def tell(self, steps: Sequence[Step], alike: Sequence[Alike] = (), *, own: bool = False) -> None:
        """The same for moves with no more of an attempt than is needed: for reports by the million."""
        if not steps and not alike:
            return
        told = Told(steps, alike, self._at // 1000)
        if own:
            self._many("move_own_intents", told.spans(self._run), len(steps))
        else:
            self._many("move_attempt", told.values())
        self._many("move_alike", told.values_alike())
        self._body.setdefault("moves", []).extend(told.groups())
        self._evidence.extend(told.digests)
        self._cells.update(told.cells)
        self._prices.update(told.prices)

    def absent(self, rows: Sequence[int], moment: int) -> None:
        """Note that the provider's logs had nothing of these unknown messages at that moment (Unix seconds).

        Raises:
            LedgerError: one of them is not unknown any more; nothing is written.
        """
        self._many("absent", [(moment, row) for row in rows])
        self._body.setdefault("absent", []).append([moment, shortest(rows)])

    def say(self, name: str, value: object) -> None:
        """Put a fact about this change into its event: who decided, for what reason."""
        self._body[name] = value

    def seal(self) -> None:
        """Write the tallies and the event; the last step before the commit."""
        for cell, count in self._cells.items():
            if count or self._prices[cell]:
                values = dict(zip(CELL, cell, strict=True)) | {"count": count, "price": self._prices[cell]}
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
        linked = link(bytes(previous), **event)
        self._one("insert_event", event | {"hash": linked})
        self.sealed = int(event["seq"]), linked

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

    def _many(self, name: str, given: Sequence[tuple[Any, ...]], due: int | None = None) -> None:
        """One statement for many values, each in its own order.

        Args:
            name: of the statement.
            given: the values.
            due: how many rows have to change; None: one for each.
        """
        if not given:
            return
        self._cursor.executemany(statement(self._dialect, name).sql, given)
        changed = self._cursor.rowcount
        due = len(given) if due is None else due
        if changed != due:
            raise LedgerError(
                f"{due - changed:,} of {due:,} messages no longer stand where this run"
                " thinks (another writer changed them); nothing of this step was stored",
                fix="run `zalosync refresh`, then plan again",
                code="ZS605",
            )
