"""From what came of a request to what the ledger is told; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from zalosync.apply.batch import Batch
from zalosync.apply.breaker import FIRST, Tries
from zalosync.apply.classify import After, Outcome, Verdict, classify
from zalosync.apply.seal import Order
from zalosync.compose.message import Cause, Status
from zalosync.errors import ExitCode
from zalosync.ledger.chain import EVIDENCE_BYTES
from zalosync.ledger.records import Move, Recorded, Standing
from zalosync.provider import Exchange


@dataclass(frozen=True, slots=True)
class Flying:
    """One request in the air: its batch, its body, its intents as the ledger took them, and earlier tries."""

    batch: Batch[Order]
    body: bytes
    records: Sequence[Recorded]
    tries: Tries = FIRST


def judge(flown: Flying, exchange: Exchange | None) -> Verdict:
    """What came of a request; None: the fence refused right before the wire, and nothing left (O19)."""
    if exchange is None:
        outcomes = (Outcome(Status.RELEASED, Cause.FENCED),) * len(flown.records)
        return Verdict(
            outcomes, After.STOP, ExitCode.STOPPED, "this process was held up too long to send safely"
        )
    return classify(flown.batch.sent, exchange)


def interrupted(flown: Flying) -> Verdict:
    """A signal ended the wait for the answer (O16)."""
    outcomes = (Outcome(Status.UNKNOWN, Cause.INTERRUPTED),) * len(flown.records)
    return Verdict(
        outcomes, After.STOP, ExitCode.INTERRUPTED, "no answer came before this process had to end"
    )


def moves(flown: Flying, verdict: Verdict, digest: bytes | None) -> list[Move]:
    """What the ledger is told about each message of a request.

    Args:
        flown: the request.
        verdict: what it proved.
        digest: keyed, of a raw body that is not one of the provider's answers; kept as evidence.
    """
    told: list[Move] = []
    last: Outcome | None = None
    standing: Standing | None = None
    for record, outcome in zip(flown.records, verdict.outcomes, strict=True):
        # Most messages of a request end alike, in one and the same outcome.
        if outcome is not last or standing is None:
            last, standing = outcome, _standing(outcome, digest)
        told.append(Move(record, standing))
    return told


def _standing(outcome: Outcome, digest: bytes | None) -> Standing:
    status = outcome.status
    return Standing(
        outcome.state,
        outcome.cause,
        status.group_id if status else 0,
        status.id if status else 0,
        evidence=digest[:EVIDENCE_BYTES] if digest and outcome.cause is Cause.MALFORMED else None,
        refused=status.id if status and outcome.state is Status.REJECTED else 0,
    )


def duplicates(flown: Flying, verdict: Verdict) -> list[bytes]:
    """Ids that the provider says it knew, and that we held for fresh: each intent is posted once (O7)."""
    return [
        record.message_id
        for record, outcome in zip(flown.records, verdict.outcomes, strict=True)
        if outcome.cause is Cause.DUPLICATE
    ]


def released(flown: Flying, verdict: Verdict) -> list[Recorded]:
    """The intents of a request that was proven not sent, as the ledger has them now."""
    return [
        record._replace(state=outcome.state, cause=outcome.cause)
        for record, outcome in zip(flown.records, verdict.outcomes, strict=True)
    ]
