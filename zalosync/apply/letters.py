"""A plan's messages as letters: planned, still allowed by the ledger, and still given by the inputs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain, islice, repeat

import polars as pl

from zalosync.apply.batch import Batch, Letter
from zalosync.apply.seal import Order
from zalosync.audience.screen import PHONE_COLUMN
from zalosync.compose.digests import whole
from zalosync.compose.message import Identity, Keys, Status
from zalosync.compose.recipe import FAILOVER, VALUE_PREFIX
from zalosync.errors import PlanRefused
from zalosync.ledger.read import LedgerReader
from zalosync.ledger.records import Claim, Recorded
from zalosync.plan.decide import Action, RetryRule
from zalosync.plan.pace import Slots
from zalosync.plan.shape import CampaignPlan


class Left(StrEnum):
    """Why a run leaves out a message that its plan names."""

    SUPPRESSED = "suppressed"  # on a list by now
    CAPPED = "frequency-cap"  # other messages have used a cap up since
    LEDGER = "ledger"  # what the ledger learned since does not allow it
    TOO_LATE = "too-late"  # at its speed limit and in its window it cannot leave in time
    CHANGED = "changed"  # held, and of another text or phone than was approved
    GONE = "gone"  # held, and its row or campaign is gone


Leave = Callable[[Left, int], None]


class Letters:
    """The letters of one campaign, in the plan's order.

    Args:
        plan: the campaign's plan, with its composed content open.
        number: of the campaign in the ledger.
        reader: what became of the messages since the plan.
        keys: the project's.
        due: give the held messages instead: they were planned and applied before, and their time has come.
        leave: is told of messages that were planned and are left out: why, and how many.

    Attributes:
        shrunk: how many that are so far.
    """

    def __init__(
        self,
        plan: CampaignPlan,
        number: int,
        reader: LedgerReader,
        keys: Keys,
        *,
        due: bool = False,
        leave: Leave = lambda *_: None,
    ) -> None:
        self._plan = plan
        self._number = number
        self._reader = reader
        spec = plan.loaded.campaign.spec
        self._occurrence = spec.occurrence
        self._identity = Identity(keys, plan.loaded.first_name, spec.occurrence)
        self._names = list(spec.template_data)
        self._retry = plan.retry
        self._actions = (Action.HELD,) if due else (Action.SEND, Action.RETRY)
        self._leave = leave
        self.shrunk = 0

    def __iter__(self) -> Iterator[list[Letter]]:
        """Give letters part by part.

        Raises:
            PlanRefused: the inputs do not compose to the planned messages.
        """
        cursor = self._plan.messages.cursor()
        for messages in self._plan.prepared.desired.messages():
            planned = cursor.take(messages.height)
            _check_same(self._plan.name, messages, planned)
            sending = planned["action"].is_in([int(action) for action in self._actions])
            for part in messages.with_columns(planned["action"]).filter(sending).iter_slices(5_000):
                yield list(self._letters(part))
        if cursor.left:
            raise _stale(self._plan.name)

    def _letters(self, part: pl.DataFrame) -> Iterator[Letter]:
        digests = whole(part["m0"], part["m1"])
        known = self._reader.recorded(digests)
        values = part.select(pl.col(VALUE_PREFIX + name) for name in self._names)
        rows = zip(
            digests,
            whole(part["f0"], part["f1"]),
            part["action"],
            part[PHONE_COLUMN],
            part[FAILOVER],
            values.iter_rows() if self._names else repeat((), part.height),
            strict=True,
        )
        for message, fingerprint, action, phone, failover, row in rows:
            before = known.get(message)
            recipient = self._identity.recipient(phone)
            attempt = next_attempt(Action(action), before, fingerprint, recipient, self._retry)
            if attempt is None:
                self.shrunk += 1
                held = Action(action) is Action.HELD and before is not None and before.state is Status.HELD
                self._leave(Left.CHANGED if held else Left.LEDGER, 1)
                continue
            # Who took back what may have been sent may have been wrong: its SMS is not forgotten.
            again = before is not None and before.attempt == attempt and before.failover
            claim = Claim(
                message,
                self._identity.message_id(message, attempt),
                self._number,
                self._occurrence,
                attempt,
                fingerprint,
                recipient,
                failover is not None or again,
                before,
            )
            yield Letter(claim, phone, dict(zip(self._names, row, strict=True)), failover)


def next_attempt(
    action: Action,
    before: Recorded | None,
    fingerprint: bytes,
    recipient: bytes,
    retry: RetryRule | None = None,
) -> int | None:
    """The attempt to claim, or None where the ledger no longer allows what was planned.

    Args:
        action: as planned.
        before: the message's open attempt, as the ledger has it now.
        fingerprint: of what would be sent.
        recipient: to whom.
        retry: of the campaign.
    """
    if action is Action.HELD:
        if before is None or before.state is not Status.HELD:
            return None
        # What was approved is this text for this person.
        same = (before.fingerprint, before.recipient) == (fingerprint, recipient)
        return before.attempt if same else None
    if before is None:
        return 1 if action is Action.SEND else None
    if before.state is Status.RELEASED:
        return before.attempt
    if action is Action.RETRY and retry is not None and retry.allows(before):
        return before.attempt + 1
    return None


@dataclass(frozen=True, slots=True)
class Consignment:
    """One campaign's share of a run.

    Attributes:
        order: how its requests are made.
        letters: what is sent.
        send_at: when the provider is to send, or None: at once.
        slots: of its speed limit, or None where it has none.
        ours: whether we keep the slots ourselves, or hand them to the provider as `sendAt`.
        began: when the run began.
        count: messages that the plan names.
        leave: is told how many of them cannot leave in time; None: nobody asks.
    """

    order: Order
    letters: Letters
    began: datetime
    send_at: datetime | None = None
    slots: Slots | None = None
    ours: bool = False
    count: int = 0
    leave: Leave | None = None

    def batch(self, group: tuple[Letter, ...]) -> Batch[Order] | None:
        """One request, or None where no slot is left before the campaign expires."""
        if self.slots is None:
            return Batch(self.order, group, self.send_at)
        slot = self.slots.next(len(group))
        if slot is None:
            return None
        if self.ours:
            return Batch(self.order, group, None, slot, slot.start, self.slots)
        # A slot that starts now is no `sendAt`.
        send_at = slot.start if slot.start > self.began else self.send_at
        return Batch(self.order, group, send_at, slot, slots=self.slots)

    def end(self, given: int) -> None:
        """No slot is left after so many messages: the others are too late."""
        if self.leave is not None:
            self.leave(Left.TOO_LATE, self.count - given - self.letters.shrunk)


def batches(
    consignments: Sequence[Consignment],
    *,
    size: int,
    canary: int,
    limit: int | None,
    proven: Callable[[], bool] | None = None,
    over: Callable[[str], bool] = lambda _: False,
) -> Iterator[Batch[Order]]:
    """All requests of a run, campaign after campaign; small ones until an answer was well-formed.

    Args:
        consignments: the campaigns.
        size: messages per request.
        canary: messages in the first request.
        limit: no more than this many messages in all.
        proven: whether one was; None: the first request alone is small.
        over: whether nothing more of a campaign, by its name, is wanted.
    """
    left, started = limit, False

    def width() -> int:
        return size if (started if proven is None else proven()) else min(canary, size) or size

    for consignment in consignments:
        given = 0
        for group in _groups(consignment.letters, width, left):
            batch = consignment.batch(group)
            if batch is None:
                consignment.end(given)
            if batch is None or over(consignment.order.name):
                break
            started = True
            given += len(group)
            if left is not None:
                left -= len(group)
            yield batch


def _groups(
    letters: Iterable[list[Letter]], width: Callable[[], int], limit: int | None
) -> Iterator[tuple[Letter, ...]]:
    one_by_one = islice(chain.from_iterable(letters), limit)
    while group := tuple(islice(one_by_one, width())):
        yield group


def check_inputs(plan: CampaignPlan) -> None:
    """Hold a campaign's inputs, composed again, against the plan before anything is sent.

    Raises:
        PlanRefused: one message more, one less, or one different.
    """
    cursor = plan.messages.cursor()
    for messages in plan.prepared.desired.messages():
        _check_same(plan.name, messages, cursor.take(messages.height))
    if cursor.left:
        raise _stale(plan.name)


def _check_same(name: str, messages: pl.DataFrame, planned: pl.DataFrame) -> None:
    columns = ["m0", "m1", "f0", "f1"]
    if planned.height != messages.height or not planned.select(columns).equals(messages.select(columns)):
        raise _stale(name)


def _stale(name: str) -> PlanRefused:
    return PlanRefused(
        f"campaign {name} composes to other messages than were planned (its audience or texts changed)",
        fix="plan again, and have that plan approved",
        code="ZS530",
    )
