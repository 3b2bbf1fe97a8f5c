"""Writes down what a run does: outcomes and intents in one transaction, beside the ledger where it fails."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from zalosync.apply.batch import Batch
from zalosync.apply.seal import Order
from zalosync.clock import Clock
from zalosync.compose.message import Cause, Status
from zalosync.errors import CommitUnclear, LedgerError
from zalosync.events import Emit, Warned
from zalosync.ledger import alarms
from zalosync.ledger.alarms import Contradiction
from zalosync.ledger.records import Kind, Move, Recorded, Standing
from zalosync.ledger.rescue import write_rescue
from zalosync.ledger.store import Change, Ledger
from zalosync.plan.pace import SLOT_NOTE


class Recorder:
    """The pen of one run.

    Args:
        ledger: that takes what is written.
        clock: of the run.
        emit: hears of alarms, and of what the ledger did not take.
        number: of the run, as the ledger gave it.
        rescue: where outcomes go that the ledger cannot take.

    Attributes:
        seconds: that the last transaction took.
        aside: outcomes that the ledger did not take.
        duplicates: ids that the provider knew before we sent them, to be written down as an alarm.
    """

    def __init__(self, ledger: Ledger, clock: Clock, emit: Emit, number: int, rescue: Path) -> None:
        self._ledger = ledger
        self._clock = clock
        self._emit = emit
        self._number = number
        self._rescue = rescue
        self._slots: dict[str, datetime] = {}  # the last one given out, by campaign
        self.seconds = 0.0
        self.aside = 0
        self.duplicates: list[bytes] = []

    def write(self, told: Sequence[Move], batches: Sequence[Batch[Order]]) -> list[list[Recorded]]:
        """Outcomes, and the intents of batches that start next, durably; gives these as they stand.

        Raises:
            LedgerError: nothing of it is stored, or nobody knows; the outcomes are beside the ledger then.
        """
        ledger, clock, known = self._ledger, self._clock, self.duplicates
        now, began = clock.now(), clock.monotonic()
        alarm: alarms.Alarm | None = None
        try:
            with ledger.change(Kind.CLAIM if batches else Kind.OUTCOME, now, run=self._number) as change:
                change.move(told, own=True)
                if known:
                    noted = ledger.notes().get(alarms.NOTE)
                    alarm = alarms.contradicted(change, noted, Contradiction.DUPLICATE, known, now)
                for batch in batches:
                    self._note_slot(change, batch)
                records = [change.claim(batch.claims) for batch in batches]
        except BaseException as error:
            if told:
                self.rescue(told)
            if isinstance(error, CommitUnclear):
                self._take_back(batches)
            raise
        if alarm is not None:
            self._emit(Warned(alarms.CODE, alarm.words))
            known.clear()
        self.seconds = clock.monotonic() - began
        return records

    def rescue(self, told: Sequence[Move]) -> None:
        """The answers are known and the ledger will not take them: keep them beside it."""
        path = self._rescue
        self.aside += len(told)
        try:
            write_rescue(path, told)
        except OSError:
            text = f"{len(told)} outcomes could not be stored anywhere: those messages stay unknown"
            self._emit(Warned("ZS651", text))
            return
        text = f"{len(told)} outcomes are in {path.name}, beside the ledger; `zalosync refresh` merges it"
        self._emit(Warned("ZS650", text))

    def _note_slot(self, change: Change, batch: Batch[Order]) -> None:
        """Write down the last slot given out; one that is tried again may lie before it."""
        if batch.slot is None:
            return
        name, last = batch.order.first_name, self._slots
        if name not in last or last[name] < batch.slot.end:
            last[name] = batch.slot.end
            change.note(SLOT_NOTE + name, batch.slot.end.isoformat())

    def _take_back(self, batches: Sequence[Batch[Order]]) -> None:
        """Of batches that will not fly: intents that are stored all the same are proven not sent (O20)."""
        messages = sorted(claim.message for batch in batches for claim in batch.claims)
        with suppress(LedgerError):  # then the next run calls them unknown
            mine = [
                found
                for found in self._ledger.recorded(messages).values()
                if found.run == self._number and found.state is Status.INTENT
            ]
            if mine:
                released = Standing(Status.RELEASED, Cause.FENCED)
                with self._ledger.change(Kind.OUTCOME, self._clock.now(), run=self._number) as change:
                    change.move([Move(each, released) for each in mine], own=True)
