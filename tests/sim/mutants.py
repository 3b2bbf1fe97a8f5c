"""Small bugs put into the product on purpose; the simulator must find each of them.

A mutant replaces one function, as a careless change would. The numbers are those of the list of mutants
that must die; those of rooms that the simulator does not drive are killed by the tests of those rooms.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from zalosync.apply import classify as classify_room
from zalosync.apply import conduct, landing, letters, recorder, run
from zalosync.apply.classify import After, Outcome, Verdict
from zalosync.compose.message import Cause, Identity, Status
from zalosync.errors import ExitCode
from zalosync.ledger.records import Kind, Move, Recorded, Standing
from zalosync.ledger.store import Change, Ledger
from zalosync.provider import STATUSES, Failure
from zalosync.refresh import merge as merge_room

Patch = tuple[object, str, object]


def _judged(change: Callable[[Any, Verdict], Verdict]) -> list[Patch]:
    honest = classify_room.classify

    def classify(sent: Sequence[Any], exchange: Any) -> Verdict:
        return change(exchange, honest(sent, exchange))

    return [(landing, "classify", classify)]


def _again(verdict: Verdict) -> Verdict:
    outcomes = tuple(Outcome(Status.RELEASED, Cause.REFUSED) for _ in verdict.outcomes)
    return Verdict(outcomes, After.BACK_OFF, ExitCode.STOPPED)


def no_intent() -> list[Patch]:
    """1: the bytes leave, and nothing was written down."""

    def write(self: Any, told: Any, batches: Any) -> Any:
        if told:
            honest(self, told, [])
        return [[_record(claim, self._number) for claim in batch.claims] for batch in batches]

    honest = recorder.Recorder.write
    return [(recorder.Recorder, "write", write), (Ledger, "owns", lambda *_: True)]


def _record(claim: Any, number: int) -> Recorded:
    lasting = (claim.message, claim.message_id, claim.campaign, claim.occurrence, claim.attempt)
    return Recorded(0, *lasting, claim.fingerprint, number, Status.INTENT)


def intent_after_send() -> list[Patch]:
    """2: the bytes leave before the intents are durable."""

    def commit(self: Any, landed: Any, starting: Any) -> Any:
        for ready in starting:
            body = "\n".join(sent.message_id for sent in ready.batch.sent).encode()
            self._ports.flight.post(10_000 + self._state.tickets, body, lambda: True)
            self._ports.flight.landed(0)
        return honest(self, landed, starting)

    honest = run.Run._commit
    return [(run.Run, "_commit", commit)]


def recovery_releases() -> list[Patch]:
    """3: intents of a dead run are taken for not sent."""

    def orphans(ledger: Ledger, clock: Any, _emit: Any) -> None:
        for chunk in ledger.in_state(Status.INTENT):
            with ledger.change(Kind.ORPHAN, clock.now()) as change:
                change.move([Move(each, Standing(Status.RELEASED)) for each in chunk])

    return [(conduct, "orphans", orphans)]


def retry_on_timeout() -> list[Patch]:
    """4: a time-out is tried again."""
    return _judged(lambda exchange, verdict: _again(verdict) if exchange.failure is Failure.READ else verdict)


def retry_on_5xx() -> list[Patch]:
    """5: a server error is tried again."""
    return _judged(
        lambda exchange, verdict: _again(verdict) if (exchange.http_status or 0) >= 500 else verdict
    )


def intents_are_sent() -> list[Patch]:
    """7: intents of another run are sent."""
    return [(letters, "next_attempt", _attempts({Status.INTENT: 0, Status.UNKNOWN: 0, Status.RELEASED: 0}))]


def missing_is_unsent() -> list[Patch]:
    """8: a message that the answer leaves out is taken for not sent."""

    def change(_exchange: Any, verdict: Verdict) -> Verdict:
        outcomes = tuple(
            Outcome(Status.RELEASED) if outcome.cause is Cause.MISSING else outcome
            for outcome in verdict.outcomes
        )
        return replace(verdict, outcomes=outcomes)

    return _judged(change)


def last_report_wins() -> list[Patch]:
    """10: the last report wins, whatever it says."""
    return [(merge_room, "stronger", lambda _one, other: other)]


def group_decides() -> list[Patch]:
    """11: the group of a status is believed over its id."""
    by_group = {1: Status.ACCEPTED, 2: Status.UNDELIVERABLE, 3: Status.DELIVERED, 4: Status.EXPIRED}

    def evidence_of(status: Any) -> Status:
        return by_group.get(status.group_id, Status.REJECTED)

    return [(classify_room, "evidence_of", evidence_of), (merge_room, "evidence_of", evidence_of)]


def no_deadline() -> list[Patch]:
    """14: the fence does not look at the time."""

    def fly(self: Any, flying: Any) -> None:
        post = self._ports.flight.post
        guarded = replace(self._ports, flight=_Unfenced(post, self._ports.flight))
        kept, self._ports = self._ports, guarded
        try:
            honest(self, flying)
        finally:
            self._ports = kept

    honest = run.Run._fly
    return [(run.Run, "_fly", fly)]


class _Unfenced:
    def __init__(self, post: Any, flight: Any) -> None:
        self._post = post
        self.landed = flight.landed

    def post(self, ticket: int, body: bytes, _fence: Any) -> None:
        self._post(ticket, body, lambda: True)


def fence_ignores_the_timeout() -> list[Patch]:
    """36: the fence asks whether the intent lives, not whether it outlives the request."""
    return [(run, "REQUEST_SECONDS", 0.0)]


def random_id() -> list[Patch]:
    """15: ids are not derived."""
    counter = iter(range(10**9))

    def message_id(_self: Identity, _message: bytes, _attempt: int) -> bytes:
        return next(counter).to_bytes(20, "big")

    return [(Identity, "message_id", message_id)]


def new_id_after_not_sent() -> list[Patch]:
    """16: a released message gets a new attempt."""
    return [(letters, "next_attempt", _attempts({Status.RELEASED: 1}))]


def attempt_on_unknown() -> list[Patch]:
    """17: doubt opens the next attempt."""
    return [(letters, "next_attempt", _attempts({Status.UNKNOWN: 1, Status.RELEASED: 0}))]


def _attempts(more: Mapping[Status, int]) -> Callable[..., int | None]:
    def next_attempt(_action: Any, before: Any, *_given: Any) -> int | None:
        if before is None:
            return 1
        return before.attempt + more[before.state] if before.state in more else None

    return next_attempt


def canary_skipped() -> list[Patch]:
    """32: the first answer is not waited for."""

    def init(self: Any, *arguments: Any) -> None:
        honest(self, *arguments)
        self._state.proven = True

    honest = run.Run.__init__
    return [(run.Run, "__init__", init)]


def event_outside_the_transaction() -> list[Patch]:
    """33: the event is written after the commit."""

    @contextmanager
    def change(self: Ledger, kind: Kind, now: datetime, *, run: int | None = None) -> Iterator[Change]:
        cursor = self._driver.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        change = Change(cursor, self._dialect, kind, now, run, self._entropy)
        try:
            yield change
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")
        cursor.execute("BEGIN IMMEDIATE")
        try:
            self._world.step("between")  # type: ignore[attr-defined]
            change.seal()
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")

    return [(Ledger, "change", change)]


def duplicate_is_rejected() -> list[Patch]:
    """34: a refusal as duplicate is stored as rejected."""

    class Statuses(dict[Any, Any]):
        pass

    wrong = Statuses({**STATUSES, (5, 23): Status.REJECTED})

    def evidence_of(status: Any) -> Status | None:
        found: Status | None = wrong.get((status.group_id, status.id))
        return found

    return [(classify_room, "evidence_of", evidence_of), (merge_room, "evidence_of", evidence_of)]


def second_commit_swallowed() -> list[Patch]:
    """18: an outcome that cannot be stored is forgotten."""

    def write(self: Any, told: Any, batches: Any) -> Any:
        try:
            return honest(self, told, batches)
        except Exception:  # noqa: BLE001 - the mutant is that it swallows
            return [[] for _ in batches]

    honest = recorder.Recorder.write
    return [(recorder.Recorder, "write", write)]


MUTANTS: Mapping[int, Callable[[], list[Patch]]] = {
    1: no_intent,
    2: intent_after_send,
    3: recovery_releases,
    4: retry_on_timeout,
    5: retry_on_5xx,
    7: intents_are_sent,
    8: missing_is_unsent,
    10: last_report_wins,
    11: group_decides,
    14: no_deadline,
    15: random_id,
    16: new_id_after_not_sent,
    17: attempt_on_unknown,
    18: second_commit_swallowed,
    32: canary_skipped,
    33: event_outside_the_transaction,
    34: duplicate_is_rejected,
    36: fence_ignores_the_timeout,
}


@contextmanager
def mutated(number: int) -> Iterator[None]:
    """The product with one of its bugs."""
    patches = MUTANTS[number]()
    kept = [(place, name, getattr(place, name)) for place, name, _ in patches]
    try:
        for place, name, wrong in patches:
            setattr(place, name, wrong)
        _forget()
        yield
    finally:
        for place, name, right in kept:
            setattr(place, name, right)
        _forget()


def _forget() -> None:
    """What merging has looked up once it does not look up again."""
    merge_room._proven.cache_clear()
    merge_room.what_of.cache_clear()
    merge_room._answered.cache_clear()
