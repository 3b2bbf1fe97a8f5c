"""When a run stops by itself, and how long it waits before it tries again."""

import pytest

from zalosync.apply.breaker import (
    CONNECTS,
    REFUSED_FOR_NOW,
    REJECTED_FROM,
    RETRY_AFTER_MAX,
    Breaker,
    Decision,
    Tries,
)
from zalosync.apply.classify import After, Outcome, Verdict
from zalosync.compose.message import Status
from zalosync.errors import ExitCode


def verdict(
    after: After,
    *,
    accepted: int = 0,
    rejected: int = 0,
    unknown: int = 0,
    released: int = 0,
    code: ExitCode = ExitCode.STOPPED,
    retry_after: float | None = None,
) -> Verdict:
    """A verdict by its counts."""
    counts = {
        Status.ACCEPTED: accepted,
        Status.REJECTED: rejected,
        Status.UNKNOWN: unknown,
        Status.RELEASED: released,
    }
    outcomes = tuple(Outcome(state) for state, count in counts.items() for _ in range(count))
    return Verdict(outcomes, after, code, "because", retry_after)


GOOD = verdict(After.GO_ON, accepted=50)
DOUBT = verdict(After.SETTLE, unknown=50, code=ExitCode.UNKNOWN)
BUSY = verdict(After.BACK_OFF, released=50)
GONE = verdict(After.RECONNECT, released=50)


def test_goes_on() -> None:
    """Good answers change nothing."""
    breaker = Breaker()
    assert [breaker.decide(GOOD, 0.5) for _ in range(5)] == [Decision()] * 5


def test_stop_is_passed_on() -> None:
    """A verdict that stops, stops, with its code and reason."""
    stop = verdict(After.STOP, released=1, code=ExitCode.PROVIDER)
    assert Breaker().decide(stop, 0.5) == Decision(stop=ExitCode.PROVIDER, reason="because")


def test_first_doubt_settles_second_stops() -> None:
    """One doubt: look for evidence and go on. Two in a row: look for evidence and stop, exit 6."""
    breaker = Breaker()
    first = breaker.decide(DOUBT, 0.5)
    assert (first.settle, first.stop) == (True, None)
    second = breaker.decide(DOUBT, 0.5)
    assert (second.settle, second.stop) == (True, ExitCode.UNKNOWN)


def test_a_good_answer_between_doubts() -> None:
    """Doubts count in a row only."""
    breaker = Breaker()
    for _ in range(10):
        assert breaker.decide(DOUBT, 0.5).stop is None
        assert breaker.decide(GOOD, 0.5).stop is None


def tried(breaker: Breaker, again: Verdict, times: int, jitter: float = 0.0) -> list[Decision]:
    """What is decided about one request that ends the same way, time after time."""
    found: list[Decision] = []
    tries = Tries()
    for _ in range(times):
        found.append(breaker.decide(again, jitter, tries))
        tries = found[-1].tries
    return found


@pytest.mark.parametrize("jitter", [0.0, 0.25, 0.999])
def test_waits_grow(jitter: float) -> None:
    """Each refusal for now waits twice as long as the one before, within half and whole of the second."""
    *waiting, last = tried(Breaker(), BUSY, REFUSED_FOR_NOW, jitter)
    factor = 0.5 + jitter / 2
    assert [decision.again_after for decision in waiting] == [
        pytest.approx(factor * 2**n) for n in range(REFUSED_FOR_NOW - 1)
    ]
    assert (last.again_after, last.stop) == (None, ExitCode.STOPPED)


def test_connections_are_tried_three_times() -> None:
    """A provider that cannot be reached stops the run at the third time, exit 5."""
    decisions = tried(Breaker(), GONE, CONNECTS)
    assert [decision.stop for decision in decisions] == [None, None, ExitCode.STOPPED]
    assert [decision.again_after for decision in decisions] == [0.5, 1.0, None]


def test_each_request_counts_for_itself() -> None:
    """Several requests in the air that end in the same moment are one try of each."""
    breaker = Breaker()
    for again in (BUSY, GONE):
        decisions = [breaker.decide(again, 0.0) for _ in range(10)]
        assert {decision.again_after for decision in decisions} == {0.5}
        assert {decision.stop for decision in decisions} == {None}


def test_kinds_count_apart() -> None:
    """A request that was refused for now twice may still be tried to connect three times."""
    breaker = Breaker()
    tries = tried(breaker, BUSY, 2)[-1].tries
    decision = breaker.decide(GONE, 0.0, tries)
    assert (decision.again_after, decision.tries) == (0.5, Tries(connects=1, refusals=2))


@pytest.mark.parametrize(
    ("asked", "waited"), [(0.0, 0.5), (0.1, 0.5), (30.0, 30.0), (RETRY_AFTER_MAX, RETRY_AFTER_MAX)]
)
def test_retry_after_is_honoured(asked: float, waited: float) -> None:
    """The provider's Retry-After is waited for, and never less than our own back-off."""
    decision = Breaker().decide(verdict(After.BACK_OFF, released=1, retry_after=asked), 0.0)
    assert decision.again_after == waited


def test_retry_after_too_long() -> None:
    """A provider that asks for more than five minutes is asked again by a later run."""
    decision = Breaker().decide(verdict(After.BACK_OFF, released=1, retry_after=RETRY_AFTER_MAX + 1), 0.0)
    assert (decision.again_after, decision.stop) == (None, ExitCode.STOPPED)


@pytest.mark.parametrize(
    ("accepted", "rejected", "stops"),
    [
        (95, 5, False),
        (94, 6, True),
        (14, 6, True),
        (15, 5, False),
        (1, 5, False),
        (0, 5, True),
        (0, 1, True),
        (0, REJECTED_FROM, True),
        (950, 50, False),
        (950, 51, True),
    ],
)
def test_too_many_rejected(accepted: int, rejected: int, stops: bool) -> None:  # noqa: FBT001 - a table
    """More than 5 % rejected stop the run, exit 5, and the numbers are named.

    Of fewer than a hundred answers: as many as a hundred may have no more of, or all of them.
    """
    decision = Breaker().decide(verdict(After.GO_ON, accepted=accepted, rejected=rejected), 0.0)
    assert decision.stop is (ExitCode.STOPPED if stops else None)
    assert (f"{rejected:,} of {accepted + rejected:,}" in decision.reason) is stops


def test_rejections_add_up_over_batches() -> None:
    """The share is of the whole run, not of a batch; unknown and released messages are no answers."""
    breaker = Breaker()
    assert breaker.decide(verdict(After.GO_ON, accepted=60, rejected=4, unknown=500), 0.0).stop is None
    assert breaker.decide(verdict(After.WARN, accepted=33, rejected=1, released=500), 0.0).stop is None
    assert breaker.decide(verdict(After.WARN, accepted=0, rejected=1), 0.0).stop is ExitCode.STOPPED


def test_rejections_count_when_the_run_waits() -> None:
    """Rejections in a batch that also raised doubt are counted with the rest."""
    breaker = Breaker()
    breaker.decide(verdict(After.SETTLE, rejected=10, accepted=90), 0.0)
    assert breaker.decide(GOOD, 0.0).stop is ExitCode.STOPPED


def test_each_campaign_has_its_own_rejections() -> None:
    """Rejections of one campaign say nothing of another; doubts in a row do, whose batches they ever were."""
    breaker = Breaker()
    mixed = verdict(After.GO_ON, accepted=10, rejected=3)
    assert breaker.decide(mixed, 0.0, campaign="a").stop is None
    assert breaker.decide(mixed, 0.0, campaign="b").stop is None
    assert breaker.decide(mixed, 0.0, campaign="a").stop is ExitCode.STOPPED
    assert breaker.decide(DOUBT, 0.0, campaign="c").stop is None
    assert breaker.decide(DOUBT, 0.0, campaign="d").stop is ExitCode.UNKNOWN


def test_share_is_the_campaigns() -> None:
    """Another share than 5 % can be asked for."""
    assert Breaker(share=0.5).decide(verdict(After.GO_ON, accepted=50, rejected=50), 0.0).stop is None
    assert Breaker(share=0.0).decide(verdict(After.GO_ON, accepted=99, rejected=1), 0.0).stop is not None
