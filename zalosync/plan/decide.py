"""Desired against recorded: what is to be done about each message. Pure, in columns.

Content is not identity: a changed text, template or schedule never sends again; it is shown as `changed`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import polars as pl

from zalosync.audience.screen import Reason
from zalosync.compose.digests import halves, split
from zalosync.compose.message import Status
from zalosync.ledger.records import Recorded, Standings
from zalosync.provider import EXPIRED_DLR_UNKNOWN, NOT_RECEIVED


class Action(IntEnum):
    """What a plan says about a message. The numbers are stored in plans."""

    SEND = 1
    RETRY = 2
    UNCHANGED = 3
    CHANGED = 4
    HELD = 5
    UNKNOWN = 6
    FAILED = 7
    SUPPRESSED = 8  # counts as skipped
    CAPPED = 9  # counts as skipped
    CANCEL = 10  # held, and its row or campaign is gone: no row of the audience, so in none of its counts

    @property
    def word(self) -> str:
        """The name used in output and JSON."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class RetryRule:
    """The campaign's `retry`: a new attempt only for final failures that are named, and never a doubtful one.

    A refusal counts only where the provider gave it in its answer: a reported one could be forged. Where an
    SMS was to take the message's place, that must have failed for certain too: one that nobody has heard of
    may have arrived. Also after a refusal in the answer: whether its SMS still went is nowhere documented.

    Attributes:
        on: (group id, status id) pairs.
        max_attempts: of one message, the first included.
        after_seconds: since the failure was learned.
    """

    on: frozenset[tuple[int, int]]
    max_attempts: int
    after_seconds: int

    def allows(self, before: Recorded) -> bool:
        """Whether what the ledger says of an attempt opens the next one, its age aside."""
        pair = before.status_group, before.status_id
        refused = before.state is Status.REJECTED and 0 != before.refused == before.status_id
        return (
            (refused or before.state in _REPORTED)
            and pair in self.on
            and before.status_id != EXPIRED_DLR_UNKNOWN
            and (not before.failover or (before.sms_group, before.sms_id) in NOT_RECEIVED)
            and before.attempt < self.max_attempts
        )


_REPORTED = (Status.UNDELIVERABLE, Status.EXPIRED)
_RECORDED = {
    "state": pl.UInt8,
    "attempt": pl.UInt16,
    "status_group": pl.UInt8,
    "status_id": pl.Int64,
    "changed_at": pl.Int64,
    "answered": pl.Boolean,
    "failover": pl.Boolean,
    "sms_group": pl.UInt8,
    "sms_id": pl.Int64,
}
# What is said of a message that was taken at the first attempt; only the state and the attempt are asked for.
_TAKEN = (Status.ACCEPTED, 1, 0, 0, 0, False, False, 0, 0)


def recorded_frame(standings: Standings) -> pl.DataFrame:
    """The ledger's side in columns: `m0`, `m1`, `rf0`, `rf1` and the standing."""
    taken = pl.DataFrame(split(standings.taken, "m", "rf")).with_columns(
        pl.lit(value, kind).alias(name) for (name, kind), value in zip(_RECORDED.items(), _TAKEN, strict=True)
    )
    if not standings.others:
        return taken
    columns = list(zip(*standings.others, strict=True))
    others = pl.DataFrame(
        {
            **halves("m", list(columns[0])),
            **halves("rf", list(columns[1])),
            **{
                name: pl.Series(
                    name, [bool(value) for value in values] if kind == pl.Boolean else values, dtype=kind
                )
                for (name, kind), values in zip(_RECORDED.items(), columns[2:], strict=True)
            },
        }
    )
    return pl.concat([taken, others], rechunk=False)


def decide(desired: pl.DataFrame, recorded: pl.DataFrame, retry: RetryRule | None, now: int) -> pl.DataFrame:
    """Add `action` (an `Action`), `attempt` (of the message that would be sent) and `known` (to the ledger).

    Args:
        desired: with `m0`, `m1`, `f0`, `f1`, `reason`, sorted by message; order and height stay.
        recorded: as `recorded_frame` gives it.
        retry: of the campaign, or None.
        now: Unix seconds, for the rule's `after`.
    """
    joined = _joined(desired, recorded)
    assert joined.height == desired.height, "a message has two standings"
    # What an adopted message said is not known, so nobody can say that it changed.
    adopted = (pl.col("rf0") == 0) & (pl.col("rf1") == 0)
    same = adopted | ((pl.col("f0") == pl.col("rf0")) & (pl.col("f1") == pl.col("rf1")))
    state = pl.col("state")
    again = _may_retry(retry, now)
    action = (
        pl.when(pl.col("reason") == Reason.SUPPRESSED)
        .then(Action.SUPPRESSED)
        .when(state.is_null() | (state == Status.RELEASED))
        .then(Action.SEND)
        .when(state.is_in([Status.INTENT, Status.UNKNOWN, Status.ABANDONED]))
        .then(Action.UNKNOWN)
        .when(state == Status.HELD)
        .then(Action.HELD)
        .when(state.is_in([Status.ACCEPTED, Status.DELIVERED]))
        .then(pl.when(same).then(Action.UNCHANGED).otherwise(Action.CHANGED))
        .otherwise(pl.when(again).then(Action.RETRY).otherwise(Action.FAILED))
        .cast(pl.UInt8)
    )
    attempt = pl.col("attempt").fill_null(1) + pl.when(action == Action.RETRY).then(1).otherwise(0)
    return joined.with_columns(
        action.alias("action"),
        attempt.cast(pl.UInt16).alias("attempt"),
        state.is_not_null().alias("known"),
    ).drop("rf0", "rf1", *(name for name in _RECORDED if name != "attempt"))


def _joined(desired: pl.DataFrame, recorded: pl.DataFrame) -> pl.DataFrame:
    """By both halves of a message: by one of them, in a tenth of the time, where that is the same."""
    half = desired.join(recorded.rename({"m1": "rm1"}), on="m0", how="left", maintain_order="left")
    if half.height == desired.height and not (half["rm1"] != half["m1"]).any():
        return half.drop("rm1")
    return desired.join(recorded, on=["m0", "m1"], how="left", maintain_order="left")


def _may_retry(retry: RetryRule | None, now: int) -> pl.Expr:
    """Which failures open a new attempt: those that `RetryRule.allows`, and old enough."""
    if retry is None:
        return pl.lit(value=False)
    named = (pair for pair in retry.on if pair[1] != EXPIRED_DLR_UNKNOWN)
    final = pl.col("state").is_in(_REPORTED) | ((pl.col("state") == Status.REJECTED) & pl.col("answered"))
    old_enough = pl.col("changed_at") <= now - retry.after_seconds
    no_sms = ~pl.col("failover") | _is_one_of("sms_group", "sms_id", NOT_RECEIVED)
    return (
        final
        & _is_one_of("status_group", "status_id", named)
        & no_sms
        & old_enough
        & (pl.col("attempt") < retry.max_attempts)
    )


def _is_one_of(group: str, status_id: str, pairs: Iterable[tuple[int, int]]) -> pl.Expr:
    """Whether two columns together are one of these statuses."""
    by_group: dict[int, list[int]] = {}
    for number, found in sorted(pairs):
        by_group.setdefault(number, []).append(found)
    return pl.any_horizontal(
        pl.lit(value=False),
        *((pl.col(group) == number) & pl.col(status_id).is_in(found) for number, found in by_group.items()),
    )
