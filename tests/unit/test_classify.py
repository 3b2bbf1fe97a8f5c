"""What one POST proves: every row of the table O1 to O15, every status code, every published status."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from zalosync.apply.classify import AMBIGUOUS, REFUSALS, After, Outcome, Sent, Verdict, classify
from zalosync.compose.message import Cause, Status
from zalosync.errors import ExitCode
from zalosync.provider import (
    GROUP_BY_ID,
    STATUSES,
    AnswerRow,
    Exchange,
    Failure,
    Malformed,
    ProviderError,
    ProviderStatus,
)

SENT = (Sent("zs1-A", "84900000001"), Sent("zs1-B", "84900000002"), Sent("zs1-C", "84900000003"))
REFUSED = ProviderError("E400", "Bad request", ("messages[0].to: pattern",))
PENDING = ProviderStatus(1, "PENDING", 7, "PENDING_ENROUTE")


def answer(*statuses: ProviderStatus, code: int = 200) -> Exchange:
    """A well-formed success with one status for each message sent, the last one repeated."""
    padded = [*statuses, *[statuses[-1]] * (len(SENT) - len(statuses))]
    rows = tuple(
        AnswerRow(sent.message_id, sent.destination, status)
        for sent, status in zip(SENT, padded, strict=True)
    )
    return Exchange(http_status=code, rows=rows)


def status(group: int, number: int) -> ProviderStatus:
    """A status of a group by numbers."""
    return ProviderStatus(group, str(GROUP_BY_ID.get(group, "ODD")), number, f"STATUS_{number}")


def states(verdict: Verdict) -> list[Status]:
    """Where the messages go."""
    return [outcome.state for outcome in verdict.outcomes]


def assert_all(verdict: Verdict, state: Status, cause: Cause, after: After, code: ExitCode) -> None:
    """Every message of the request shares one fate."""
    assert verdict.outcomes == (Outcome(state, cause),) * len(SENT)
    assert (verdict.after, verdict.code) == (after, code)
    assert verdict.reason


@pytest.mark.parametrize("failure", Failure)
def test_o1_nothing_left(failure: Failure) -> None:
    """O1: where the trace proves that nothing left, the messages are released, whatever the exception."""
    verdict = classify(SENT, Exchange(failure=failure, may_have_left=False))
    assert_all(verdict, Status.RELEASED, Cause.NOT_CONNECTED, After.RECONNECT, ExitCode.STOPPED)


@pytest.mark.parametrize(
    ("failure", "cause", "after"),
    [
        (Failure.CONNECT, Cause.NOANSWER, After.STOP),  # O2
        (Failure.WRITE, Cause.WRITE, After.STOP),  # O3
        (Failure.READ, Cause.NOANSWER, After.SETTLE),  # O4
    ],
)
def test_o2_to_o4_bytes_may_have_left(failure: Failure, cause: Cause, after: After) -> None:
    """O2, O3, O4: without such proof a failure proves nothing."""
    assert_all(classify(SENT, Exchange(failure=failure)), Status.UNKNOWN, cause, after, ExitCode.UNKNOWN)


@pytest.mark.parametrize("code", [200, 201, 202, 299])
def test_o5_accepted(code: int) -> None:
    """O5: a success that names exactly our ids with a pending status: the provider has them."""
    verdict = classify(SENT, answer(PENDING, code=code))
    assert states(verdict) == [Status.ACCEPTED] * 3
    assert (verdict.after, verdict.code, verdict.reason) == (After.GO_ON, ExitCode.DONE, "")
    assert {outcome.status for outcome in verdict.outcomes} == {PENDING}


def test_o5_needs_no_destination_nor_order() -> None:
    """O5: rows may come in any order, without a destination, or with a plus before it."""
    exchange = answer(PENDING)
    assert exchange.rows is not None
    shuffled = tuple(reversed([row._replace(destination=None) for row in exchange.rows]))
    assert states(classify(SENT, replace(exchange, rows=shuffled))) == [Status.ACCEPTED] * 3
    signed = tuple(row._replace(destination=f"+{row.destination}") for row in exchange.rows)
    assert states(classify(SENT, replace(exchange, rows=signed))) == [Status.ACCEPTED] * 3


def test_o6_refused_in_the_answer() -> None:
    """O6: a refusal counts for its own message only; the run goes on."""
    verdict = classify(SENT, answer(PENDING, status(5, 8), PENDING))
    assert states(verdict) == [Status.ACCEPTED, Status.REJECTED, Status.ACCEPTED]
    assert verdict.outcomes[1].status == status(5, 8)
    assert verdict.after is After.GO_ON


def test_o7_duplicate_id() -> None:
    """O7: a refusal of our own id as a duplicate proves that the provider had it: accepted, warned."""
    verdict = classify(SENT, answer(PENDING, status(5, 23), PENDING))
    assert states(verdict) == [Status.ACCEPTED] * 3
    assert verdict.outcomes[1].cause is Cause.DUPLICATE
    assert verdict.after is After.WARN


@pytest.mark.parametrize(("pair", "proven"), STATUSES.items())
def test_o8_every_published_status(pair: tuple[int, int], proven: Status) -> None:
    """O5, O6, O8: each status of the published table proves what the table says, by group and id."""
    verdict = classify(SENT, answer(status(*pair)))
    assert states(verdict) == [proven] * 3
    assert verdict.after in (After.GO_ON, After.WARN)


def test_group_delivered_is_not_delivered() -> None:
    """Handed over to the operator (2) stands in the group DELIVERED and is an acceptance, no delivery."""
    verdict = classify(SENT, answer(status(3, 2)))
    assert verdict.outcomes[0].state is Status.ACCEPTED
    assert verdict.outcomes[0].cause is Cause.HANDED_OVER


@pytest.mark.parametrize("group", [0, 1])
def test_o9_new_status_of_a_pending_group(group: int) -> None:
    """O9: an unpublished id in a group that does not end was answered for our id: accepted, warned."""
    verdict = classify(SENT, answer(status(group, 4711)))
    assert {outcome.cause for outcome in verdict.outcomes} == {Cause.RAW}
    assert states(verdict) == [Status.ACCEPTED] * 3
    assert verdict.after is After.WARN


@pytest.mark.parametrize("group", [2, 3, 4, 5])
def test_o9_new_status_of_a_final_group(group: int) -> None:
    """O9: an unpublished id in a group that ends proves nothing, and stops the run after this batch."""
    verdict = classify(SENT, answer(PENDING, status(group, 4711), PENDING))
    assert states(verdict) == [Status.ACCEPTED, Status.UNKNOWN, Status.ACCEPTED]
    assert verdict.outcomes[1].cause is Cause.UNRECOGNISED
    assert (verdict.after, verdict.code) == (After.STOP, ExitCode.UNKNOWN)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_o10_missing_ids(kept: int) -> None:
    """O10: what the answer leaves out is unknown, never unsent; what it names counts."""
    exchange = answer(PENDING)
    assert exchange.rows is not None
    verdict = classify(SENT, replace(exchange, rows=exchange.rows[:kept]))
    assert states(verdict) == [Status.ACCEPTED] * kept + [Status.UNKNOWN] * (3 - kept)
    assert {outcome.cause for outcome in verdict.outcomes[kept:]} == {Cause.MISSING}
    assert (verdict.after, verdict.code) == (After.STOP, ExitCode.UNKNOWN)


def _spoiled() -> dict[str, Sequence[AnswerRow]]:
    rows = answer(PENDING).rows
    assert rows is not None
    first, *rest = rows
    return {
        "foreign id": [first._replace(message_id="zs1-Z"), *rest],
        "one id too many": [*rows, first._replace(message_id="zs1-Z")],
        "repeated id": [first, *rows],
        "another destination": [first._replace(destination="84900000009"), *rest],
        "swapped destinations": [first._replace(destination=rest[0].destination), *rest],
        "unknown group": [first._replace(status=ProviderStatus(9, "ODD", 7, "ODD")), *rest],
    }


@pytest.mark.parametrize("spoiled", _spoiled().values(), ids=_spoiled())
def test_o11_rows_that_are_not_ours(spoiled: Sequence[AnswerRow]) -> None:
    """O11: one row that cannot be an answer to this request spoils the whole answer."""
    verdict = classify(SENT, Exchange(http_status=200, rows=tuple(spoiled)))
    assert_all(verdict, Status.UNKNOWN, Cause.MALFORMED, After.STOP, ExitCode.UNKNOWN)


@pytest.mark.parametrize("malformed", Malformed)
def test_o11_malformed(malformed: Malformed) -> None:
    """O11: a success that is not one of the provider's answers proves nothing."""
    verdict = classify(SENT, Exchange(http_status=200, malformed=malformed))
    assert_all(verdict, Status.UNKNOWN, Cause.MALFORMED, After.STOP, ExitCode.UNKNOWN)
    assert str(malformed) in verdict.reason


def test_o11_success_without_rows() -> None:
    """O11: a success of which nothing was read proves nothing."""
    verdict = classify(SENT, Exchange(http_status=200))
    assert_all(verdict, Status.UNKNOWN, Cause.MALFORMED, After.STOP, ExitCode.UNKNOWN)


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_o12_refused_with_proof(code: int) -> None:
    """O12: the listed refusals with the provider's error body release the request and stop, exit 8."""
    verdict = classify(SENT, Exchange(http_status=code, error=REFUSED))
    assert_all(verdict, Status.RELEASED, Cause.REFUSED, After.STOP, ExitCode.PROVIDER)
    assert f"HTTP {code} E400" in verdict.reason
    assert "messages[0].to: pattern" in verdict.reason


def test_o12_reason_is_short() -> None:
    """O12: a request with many violations names three; one without names none."""
    many = replace(REFUSED, violations=tuple(f"messages[{n}].to: pattern" for n in range(100)))
    assert classify(SENT, Exchange(http_status=400, error=many)).reason.count("pattern") == 3
    none = replace(REFUSED, violations=())
    assert classify(SENT, Exchange(http_status=400, error=none)).reason.endswith("HTTP 400 E400")


@pytest.mark.parametrize("retry_after", [None, 0.0, 7.5, 900.0])
def test_o13_too_many_requests(retry_after: float | None) -> None:
    """O13: 429 with the provider's error body refuses the whole request; it says how long to wait."""
    verdict = classify(SENT, Exchange(http_status=429, error=REFUSED, retry_after=retry_after))
    assert_all(verdict, Status.RELEASED, Cause.REFUSED, After.BACK_OFF, ExitCode.STOPPED)
    assert verdict.retry_after == retry_after


@pytest.mark.parametrize("code", sorted(set(range(400, 500)) - AMBIGUOUS))
def test_o14_somebody_between_us(code: int) -> None:
    """O14: any refusal without that body, 429 included, may be anybody's and proves nothing."""
    verdict = classify(SENT, Exchange(http_status=code, retry_after=1.0))
    assert_all(verdict, Status.UNKNOWN, Cause.INTERMEDIARY, After.STOP, ExitCode.UNKNOWN)


_NOTHING_PROVEN = sorted(
    {*range(100, 200), *range(300, 400), *range(500, 600)}
    | AMBIGUOUS
    | (set(range(400, 500)) - REFUSALS - {429})
)


@pytest.mark.parametrize("code", _NOTHING_PROVEN)
def test_o15_proves_nothing(code: int) -> None:
    """O15: 1xx, 3xx, 5xx and the other 4xx prove nothing, not even with the provider's error body."""
    verdict = classify(SENT, Exchange(http_status=code, error=REFUSED))
    assert_all(verdict, Status.UNKNOWN, Cause.HTTP, After.SETTLE, ExitCode.UNKNOWN)


@pytest.mark.parametrize("code", [408, 409, 425, 499, 500, 502, 503, 504, 301, 307, 102])
def test_o15_without_a_body(code: int) -> None:
    """O15: nor do they without it; a redirect is not followed and not believed."""
    verdict = classify(SENT, Exchange(http_status=code))
    assert_all(verdict, Status.UNKNOWN, Cause.HTTP, After.SETTLE, ExitCode.UNKNOWN)


def test_an_exchange_that_says_nothing() -> None:
    """A record without failure and without status cannot come up, and would prove nothing."""
    verdict = classify(SENT, Exchange())
    assert_all(verdict, Status.UNKNOWN, Cause.HTTP, After.SETTLE, ExitCode.UNKNOWN)


def test_the_worst_row_decides_what_the_run_does() -> None:
    """Rows of all kinds at once: each message gets its own state, the most careful reaction wins."""
    sent = tuple(Sent(f"zs1-{n}", "84900000001") for n in range(5))
    kinds = [PENDING, status(5, 23), status(5, 8), status(3, 4711)]
    rows = tuple(AnswerRow(f"zs1-{n}", None, kind) for n, kind in enumerate(kinds))
    verdict = classify(sent, Exchange(http_status=200, rows=rows))
    assert [outcome.cause for outcome in verdict.outcomes] == [
        Cause.NONE,
        Cause.DUPLICATE,
        Cause.NONE,
        Cause.UNRECOGNISED,
        Cause.MISSING,
    ]
    assert verdict.after is After.STOP
