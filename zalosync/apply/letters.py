"""A plan's messages as letters: planned, still allowed by the ledger, and still given by the inputs."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import polars as pl

from zalosync.apply.batch import CANARY, Batch, Letter, cut
from zalosync.apply.seal import Order
from zalosync.audience.screen import PHONE_COLUMN
from zalosync.compose.message import Identity, Keys, Status
from zalosync.compose.recipe import FAILOVER, VALUE_PREFIX, whole
from zalosync.errors import PlanRefused
from zalosync.ledger.read import LedgerReader
from zalosync.ledger.records import Claim, Recorded
from zalosync.plan.decide import Action
from zalosync.plan.shape import CampaignPlan

_SENDING = (Action.SEND, Action.RETRY)


class Letters:
    """The letters of one campaign, in the plan's order.

    Args:
        plan: the campaign's plan, with its composed content open.
        number: of the campaign in the ledger.
        reader: what became of the messages since the plan.
        keys: the project's.
    """

    def __init__(self, plan: CampaignPlan, number: int, reader: LedgerReader, keys: Keys) -> None:
        self._plan = plan
        self._number = number
        self._reader = reader
        spec = plan.loaded.campaign.spec
        self._occurrence = spec.occurrence
        self._identity = Identity(keys, plan.loaded.first_name, spec.occurrence)
        self._names = list(spec.template_data)
        self.shrunk = 0  # planned to be sent, and no longer to be

    def __iter__(self) -> Iterator[list[Letter]]:
        """Give letters part by part.

        Raises:
            PlanRefused: the inputs do not compose to the planned messages.
        """
        cursor = self._plan.messages.cursor()
        for messages in self._plan.prepared.desired.messages():
            planned = cursor.take(messages.height)
            _check_same(self._plan.name, messages, planned)
            sending = planned["action"].is_in([int(action) for action in _SENDING])
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
            values.iter_rows(),
            strict=True,
        )
        for message, fingerprint, action, phone, failover, row in rows:
            before = known.get(message)
            attempt = _next_attempt(Action(action), before)
            if attempt is None:
                self.shrunk += 1
                continue
            claim = Claim(
                message,
                self._identity.message_id(message, attempt),
                self._number,
                self._occurrence,
                attempt,
                fingerprint,
                self._identity.recipient(phone),
                before,
            )
            yield Letter(claim, phone, dict(zip(self._names, row, strict=True)), failover)


def _next_attempt(action: Action, before: Recorded | None) -> int | None:
    """The attempt to claim, or None where the ledger no longer allows what was planned."""
    if before is None:
        return 1 if action is Action.SEND else None
    if before.state is Status.RELEASED:
        return before.attempt
    failed = (Status.REJECTED, Status.UNDELIVERABLE, Status.EXPIRED)
    if action is Action.RETRY and before.state in failed:
        return before.attempt + 1
    return None


def batches(
    orders: Sequence[tuple[Order, Letters, datetime | None]], *, size: int, limit: int | None
) -> Iterator[Batch[Order]]:
    """All requests of a run, campaign after campaign; the first is a small one.

    Args:
        orders: how each campaign's requests are made, its letters, and the provider's `sendAt`.
        size: messages per request.
        limit: no more than this many messages in all.
    """
    first, left = CANARY, limit
    for order, letters, send_at in orders:
        waiting: list[Letter] = []
        for part in letters:
            waiting.extend(part if left is None else part[: max(0, left)])
            if left is not None:
                left -= len(part)
            full = len(waiting) - len(waiting) % size if len(waiting) > 2 * size else 0
            for group in cut(waiting[:full], first, size):
                first = 0
                yield Batch(order, group, send_at)
            waiting = waiting[full:]
        for group in cut(waiting, first, size):
            first = 0
            yield Batch(order, group, send_at)


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
