"""What one POST proves: from the shape of an exchange to where each of its messages stands.

Pure. The rows O1 to O15 are those of the test programme's table; each branch names its row. The name of
an exception proves nothing, a group without its id proves nothing, and what is not proven is unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from zalosync.compose.message import Cause, Status
from zalosync.errors import ExitCode
from zalosync.provider import (
    DUPLICATE_MESSAGE_ID,
    GROUP_BY_ID,
    HANDED_OVER,
    PENDING_GROUPS,
    AnswerRow,
    Exchange,
    Failure,
    ProviderStatus,
    evidence_of,
)

# Refusals of the whole request, proven when the provider's own error body comes with them.
REFUSALS = frozenset({400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 422})
# Codes that intermediaries and overloaded servers use after the request may have been taken.
AMBIGUOUS = frozenset({408, 409, 425, 499})
TOO_MANY_REQUESTS = 429


class After(Enum):
    """What the run does next."""

    GO_ON = auto()
    WARN = auto()  # go on, and tell a person
    RECONNECT = auto()  # nothing left this machine: try the same ids again, soon, a few times
    BACK_OFF = auto()  # refused for now: try the same ids again, later
    SETTLE = auto()  # pause, look for evidence; two in a row stop the run
    STOP = auto()  # start nothing new


class Sent(NamedTuple):
    """One message of a request: its id on the wire and its destination (digits)."""

    message_id: str
    destination: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where one message goes, with the provider's status where it gave one."""

    state: Status
    cause: Cause = Cause.NONE
    status: ProviderStatus | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an exchange proves.

    Attributes:
        outcomes: one per message sent, in order.
        after: what the run does next.
        code: the exit code, where the run stops.
        reason: for people: enumerated words, status and error codes; nothing of the answer's text.
        retry_after: seconds that the provider asked for.
    """

    outcomes: tuple[Outcome, ...]
    after: After
    code: ExitCode = ExitCode.DONE
    reason: str = ""
    retry_after: float | None = None


def classify(sent: Sequence[Sent], exchange: Exchange) -> Verdict:
    """Say what an exchange proves about each message that was in it."""
    count = len(sent)
    if exchange.failure is not None:
        return _failed(count, exchange)
    code = exchange.http_status or 0
    if 200 <= code < 300:  # noqa: PLR2004 - the success class of HTTP
        return _answered(sent, exchange)
    return _refused(count, code, exchange)


def _all(count: int, state: Status, cause: Cause) -> tuple[Outcome, ...]:
    return (Outcome(state, cause),) * count


def _failed(count: int, exchange: Exchange) -> Verdict:
    if not exchange.may_have_left:  # O1
        released = _all(count, Status.RELEASED, Cause.NOT_CONNECTED)
        return Verdict(released, After.RECONNECT, ExitCode.STOPPED, "the provider cannot be reached")
    if exchange.failure is Failure.CONNECT:  # O2
        unknown = _all(count, Status.UNKNOWN, Cause.NOANSWER)
        return Verdict(unknown, After.STOP, ExitCode.UNKNOWN, "the connection failed, and nothing shows when")
    if exchange.failure is Failure.WRITE:  # O3
        unknown = _all(count, Status.UNKNOWN, Cause.WRITE)
        return Verdict(
            unknown, After.STOP, ExitCode.UNKNOWN, "the connection broke while a request was written"
        )
    unknown = _all(count, Status.UNKNOWN, Cause.NOANSWER)  # O4
    return Verdict(unknown, After.SETTLE, ExitCode.UNKNOWN, "no whole answer came")


def _refused(count: int, code: int, exchange: Exchange) -> Verdict:
    client_error = 400 <= code < 500  # noqa: PLR2004 - the client-error class of HTTP
    if client_error and code not in AMBIGUOUS and exchange.error is None:  # O14
        unknown = _all(count, Status.UNKNOWN, Cause.INTERMEDIARY)
        reason = f"HTTP {code} without the provider's error body: somebody between us answered"
        return Verdict(unknown, After.STOP, ExitCode.UNKNOWN, reason)
    released = _all(count, Status.RELEASED, Cause.REFUSED)
    if code == TOO_MANY_REQUESTS and exchange.error is not None:  # O13
        return Verdict(
            released, After.BACK_OFF, ExitCode.STOPPED, "too many requests (HTTP 429)", exchange.retry_after
        )
    if code in REFUSALS and exchange.error is not None:  # O12
        rules = f" ({', '.join(exchange.error.violations[:3])})" if exchange.error.violations else ""
        reason = f"the provider refused the request: HTTP {code} {exchange.error.code}{rules}"
        return Verdict(released, After.STOP, ExitCode.PROVIDER, reason)
    unknown = _all(count, Status.UNKNOWN, Cause.HTTP)  # O15
    return Verdict(unknown, After.SETTLE, ExitCode.UNKNOWN, f"HTTP {code} proves nothing")


def _answered(sent: Sequence[Sent], exchange: Exchange) -> Verdict:
    rows = exchange.rows
    if exchange.malformed is not None or rows is None or not _is_ours(sent, rows):  # O11
        why = exchange.malformed or "ids, destinations or status groups that are not ours"
        unknown = _all(len(sent), Status.UNKNOWN, Cause.MALFORMED)
        return Verdict(unknown, After.STOP, ExitCode.UNKNOWN, f"an answer that is not the provider's: {why}")
    by_id = {row.message_id: row.status for row in rows}
    # A hundred rows have a status or two: each is judged once.
    judged = {status: _outcome(status) for status in {None, *by_id.values()}}
    outcomes = tuple(judged[by_id.get(message.message_id)] for message in sent)
    causes = {outcome.cause for outcome in outcomes}
    if Cause.MISSING in causes:  # O10
        return Verdict(outcomes, After.STOP, ExitCode.UNKNOWN, "the answer left messages out")
    if Cause.UNRECOGNISED in causes:  # O9, a group that ends
        return Verdict(outcomes, After.STOP, ExitCode.UNKNOWN, "a status that is in no published table")
    if causes & {Cause.DUPLICATE, Cause.RAW}:  # O7, O9 pending
        return Verdict(
            outcomes, After.WARN, reason="ids that the provider knew already, or statuses it added"
        )
    return Verdict(outcomes, After.GO_ON)


def _is_ours(sent: Sequence[Sent], rows: Sequence[AnswerRow]) -> bool:
    destinations = {message.message_id: message.destination for message in sent}
    seen = set()
    for row in rows:
        if row.message_id not in destinations or row.message_id in seen:
            return False
        if row.destination is not None and row.destination.lstrip("+") != destinations[row.message_id]:
            return False
        if row.status.group_id not in GROUP_BY_ID:
            return False
        seen.add(row.message_id)
    return True


def _outcome(status: ProviderStatus | None) -> Outcome:
    if status is None:
        return Outcome(Status.UNKNOWN, Cause.MISSING)
    proven = evidence_of(status)
    if proven is None:
        if status.group_id in PENDING_GROUPS:
            return Outcome(Status.ACCEPTED, Cause.RAW, status)
        return Outcome(Status.UNKNOWN, Cause.UNRECOGNISED, status)
    return Outcome(proven, cause_of(status), status)


def cause_of(status: ProviderStatus) -> Cause:
    """What is special about an acceptance that a status proves."""
    if status.id == DUPLICATE_MESSAGE_ID:
        return Cause.DUPLICATE
    if status.id == HANDED_OVER:
        return Cause.HANDED_OVER
    return Cause.NONE
