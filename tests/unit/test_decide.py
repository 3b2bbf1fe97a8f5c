"""What is to be done about each message: desired against recorded, state by state."""

from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.books import IDENTITY, WAYS, Book, claim_of, memory_book, standing
from zalosync.audience.screen import Reason
from zalosync.compose.digests import halves
from zalosync.compose.message import MAYBE_SENT, Status
from zalosync.ledger.records import Kind, Standing, Standings
from zalosync.plan.decide import Action, RetryRule, decide, recorded_frame
from zalosync.provider import RETRIABLE

HOUR = 3600
RULE = RetryRule(frozenset({(4, 15), (5, 8), (2, 9)}), 3, 6 * HOUR)
LATER = 10**10


def desired(*keys: str, text: str = "", reason: Reason = Reason.KEPT) -> pl.DataFrame:
    """The wish for messages of these keys; another `text` is another content."""
    messages = [IDENTITY.message(key) for key in keys]
    fingerprints = [IDENTITY.fingerprint(1, {"name": text or key}, None) for key in keys]
    frame = pl.DataFrame({**halves("m", messages), **halves("f", fingerprints)})
    return frame.with_columns(pl.lit(int(reason), pl.UInt8).alias("reason")).sort("m0", "m1")


def decided(
    book: Book, frame: pl.DataFrame, retry: RetryRule | None = None, now: int = LATER
) -> list[tuple[Action, int]]:
    """What is done, and under which attempt, in the order of the wish."""
    standings = book.ledger.standings(sorted(IDENTITY.message(key) for key in ("a", "b", "c")))
    found = decide(frame, recorded_frame(standings), retry, now)
    assert found.height == frame.height
    assert found.select(frame.columns).equals(frame)
    pairs = zip(found["action"], found["attempt"], strict=True)
    return [(Action(action), attempt) for action, attempt in pairs]


ACTIONS = {
    Status.INTENT: Action.UNKNOWN,
    Status.UNKNOWN: Action.UNKNOWN,
    Status.ABANDONED: Action.UNKNOWN,
    Status.ACCEPTED: Action.UNCHANGED,
    Status.DELIVERED: Action.UNCHANGED,
    Status.HELD: Action.HELD,
    Status.RELEASED: Action.SEND,
    Status.CANCELLED: Action.FAILED,
    Status.REJECTED: Action.FAILED,
    Status.UNDELIVERABLE: Action.FAILED,
    Status.EXPIRED: Action.FAILED,
}


@pytest.mark.parametrize("state", Status, ids=lambda state: state.word)
def test_every_state(state: Status) -> None:
    """Each state of the ledger leads to one action; without a rule for it, nothing is tried again."""
    book = memory_book()
    book.put("a", state)
    assert decided(book, desired("a")) == [(ACTIONS[state], 1)]
    assert state not in MAYBE_SENT or ACTIONS[state] not in (Action.SEND, Action.RETRY)
    book.ledger.close()


def test_not_in_the_ledger() -> None:
    """What the ledger does not know is to be sent, as a first attempt; also where it is empty."""
    book = memory_book()
    assert decided(book, desired("a", "b")) == [(Action.SEND, 1)] * 2
    assert decide(desired(), recorded_frame(Standings()), None, 0).height == 0
    book.ledger.close()


@pytest.mark.parametrize("state", Status, ids=lambda state: state.word)
def test_changed_content_is_never_sent_again(state: Status) -> None:
    """Another text makes `unchanged` into `changed`, and nothing else into anything."""
    book = memory_book()
    book.put("a", state)
    expected = Action.CHANGED if ACTIONS[state] is Action.UNCHANGED else ACTIONS[state]
    assert decided(book, desired("a", text="another text")) == [(expected, 1)]
    book.ledger.close()


def test_suppressed_is_suppressed() -> None:
    """Who must not be messaged is not, whatever the ledger says."""
    for state in (None, *WAYS):
        book = memory_book()
        if state is not None:
            book.put("a", state)
        assert decided(book, desired("a", reason=Reason.SUPPRESSED))[0][0] is Action.SUPPRESSED
        book.ledger.close()


@pytest.mark.parametrize(
    ("state", "pair", "retried"),
    [
        (Status.EXPIRED, (4, 15), True),
        (Status.UNDELIVERABLE, (2, 9), True),
        (Status.UNDELIVERABLE, (2, 4), False),  # not named
        (Status.EXPIRED, (4, 87), False),
        (Status.REJECTED, (5, 8), True),
        (Status.REJECTED, (5, 15), False),  # the id of another group
        (Status.EXPIRED, (5, 8), False),
    ],
)
def test_retry_names(state: Status, pair: tuple[int, int], retried: bool) -> None:  # noqa: FBT001 - a table
    """Only named failures, by group and id, open a next attempt."""
    book = memory_book()
    refused = pair[1] if state is Status.REJECTED else 0
    (record,) = book.claim(["a"])
    book.move([record], Standing(state, status_group=pair[0], status_id=pair[1], refused=refused))
    rule = RetryRule(RULE.on - {(5, 8)} if state is Status.EXPIRED else RULE.on, 3, 0)
    assert decided(book, desired("a"), rule) == [(Action.RETRY, 2) if retried else (Action.FAILED, 1)]
    book.ledger.close()


def test_doubtful_expiry_is_never_retried() -> None:
    """EXPIRED_DLR_UNKNOWN may have been seen: not even a rule that names it sends again."""
    book = memory_book()
    (record,) = book.claim(["a"])
    book.move([record], Standing(Status.EXPIRED, status_group=4, status_id=29))
    rule = RetryRule(frozenset({(4, 29), (4, 15)}), 9, 0)
    assert decided(book, desired("a"), rule) == [(Action.FAILED, 1)]
    assert (4, 29) not in RETRIABLE.values()
    book.ledger.close()


def test_a_reported_rejection_is_not_retried() -> None:
    """A rejection that came by a report could be forged: only one in the answer itself opens an attempt."""
    book = memory_book()
    reported = book.put("a", Status.ACCEPTED)
    book.move(
        [reported], Standing(Status.REJECTED, status_group=5, status_id=8, evidence=b"e" * 8), Kind.EVIDENCE
    )
    assert decided(book, desired("a"), RULE) == [(Action.FAILED, 1)]
    book.ledger.close()


SMS_ENDS = [
    ((0, 0), False),  # nobody has heard of it
    ((1, 7), False),  # on its way
    ((3, 2), False),  # at the operator
    ((4, 29), False),  # may have been seen
    ((2, 999), False),  # in no table
    ((3, 5), False),
    ((5, 23), False),  # a second one with its id: the first one was taken
    ((2, 9), True),
    ((4, 15), True),
    ((5, 8), True),
]


@pytest.mark.parametrize(("sms", "failed"), SMS_ENDS)
def test_retry_with_an_sms(sms: tuple[int, int], failed: bool) -> None:  # noqa: FBT001 - a table
    """Whom an SMS may have reached instead gets nothing again; whom it certainly did not, may."""
    book = memory_book()
    (record,) = book.claim(["a"], failover=True)
    (record,) = book.move([record], standing(Status.ACCEPTED))
    (record,) = book.move([record], standing(Status.UNDELIVERABLE)._replace(sms_group=sms[0], sms_id=sms[1]))
    assert decided(book, desired("a"), RULE) == [(Action.RETRY, 2) if failed else (Action.FAILED, 1)]
    assert RULE.allows(record) is failed
    book.ledger.close()


def test_retry_after_an_sms_was_delivered() -> None:
    """Whom the SMS reached has the message."""
    book = memory_book()
    (record,) = book.claim(["a"], failover=True)
    book.move([record], Standing(Status.DELIVERED, status_group=2, status_id=9, sms_group=3, sms_id=5))
    assert decided(book, desired("a"), RULE) == [(Action.UNCHANGED, 1)]
    book.ledger.close()


def test_a_refusal_may_have_brought_an_sms() -> None:
    """Whether a message that was refused at once still brought its SMS is documented nowhere: no retry."""
    for failover in (False, True):
        book = memory_book()
        (record,) = book.claim(["a"], failover=failover)
        (record,) = book.move([record], standing(Status.REJECTED)._replace(refused=8))
        assert decided(book, desired("a"), RULE) == [(Action.FAILED, 1) if failover else (Action.RETRY, 2)]
        assert RULE.allows(record) is not failover
        book.ledger.close()


STANDINGS = st.builds(
    Standing,
    state=st.sampled_from([Status.REJECTED, Status.UNDELIVERABLE, Status.EXPIRED]),
    status_group=st.sampled_from([2, 4, 5]),
    status_id=st.sampled_from([8, 9, 15, 29]),
    refused=st.sampled_from([0, 8, 15]),
    sms_group=st.sampled_from([0, 1, 2, 4, 5]),
    sms_id=st.sampled_from([0, 7, 9, 15, 29]),
    price=st.none(),
    done_at=st.none(),
    error_id=st.just(0),
    sms_error=st.just(0),
    sms_done_at=st.none(),
    sms_price=st.none(),
)


@settings(max_examples=60)
@given(STANDINGS, st.booleans(), st.integers(1, 2))
def test_both_spellings_of_the_rule(to: Standing, failover: bool, most: int) -> None:  # noqa: FBT001 - drawn
    """What a plan proposes of a column of messages is what a run allows of each of them."""
    book = memory_book()
    (record,) = book.claim(["a"], failover=failover)
    (record,) = book.move([record], to)
    rule = RetryRule(RULE.on | {(4, 29)}, most, 0)
    proposed = decided(book, desired("a"), rule) == [(Action.RETRY, 2)]
    assert rule.allows(record) is proposed
    book.ledger.close()


@pytest.mark.parametrize(("age", "retried"), [(6 * HOUR - 1, False), (6 * HOUR, True), (6 * HOUR + 1, True)])
def test_retry_after(age: int, retried: bool) -> None:  # noqa: FBT001 - a table
    """A next attempt waits for the rule's `after`, to the second."""
    book = memory_book()
    record = book.put("a", Status.EXPIRED)
    found = decided(book, desired("a"), RULE, record.changed_at + age)
    assert found == [(Action.RETRY, 2) if retried else (Action.FAILED, 1)]
    book.ledger.close()


def test_retry_attempts() -> None:
    """There are no more attempts than the rule says."""
    book = memory_book()
    record = book.put("a", Status.EXPIRED)
    for attempt in (2, 3):
        assert decided(book, desired("a"), RULE) == [(Action.RETRY, attempt)]

        claim = claim_of(book.campaign, "a", attempt=attempt, before=record)
        with book.ledger.change(Kind.CLAIM, book.tick(), run=book.run) as change:
            (taken,) = change.claim([claim])
        assert decided(book, desired("a"), RULE) == [(Action.UNKNOWN, attempt)]
        (record,) = book.move([taken], standing(Status.EXPIRED))
    assert decided(book, desired("a"), RULE) == [(Action.FAILED, 3)]
    book.ledger.close()


def test_released_attempt_goes_on() -> None:
    """A second attempt that was proven not sent is sent as the second, under its own id."""
    book = memory_book()
    first = book.put("a", Status.EXPIRED)
    with book.ledger.change(Kind.CLAIM, book.tick(), run=book.run) as change:
        (second,) = change.claim([claim_of(book.campaign, "a", attempt=2, before=first)])
    book.move([second], standing(Status.RELEASED))
    assert decided(book, desired("a"), RULE) == [(Action.SEND, 2)]
    book.ledger.close()


@settings(max_examples=25)
@given(st.lists(st.sampled_from([None, *WAYS]), min_size=3, max_size=3), st.booleans())
def test_each_for_itself(states: list[Status | None], changed: bool) -> None:  # noqa: FBT001 - drawn
    """What is done about a message does not depend on the others, nor on their order."""
    book = memory_book()
    for key, state in zip("abc", states, strict=True):
        if state is not None:
            book.put(key, state)
    text = "another" if changed else ""
    frames = [desired(*keys, text=text) for keys in ("abc", "cba", "bac")]
    together = [dict(zip(frame["m0"], decided(book, frame, RULE), strict=True)) for frame in frames]
    assert together[0] == together[1] == together[2]
    for key, found in product("abc", together):
        frame = desired(key, text=text)
        assert [found[frame["m0"][0]]] == decided(book, frame, RULE)
    book.ledger.close()


@settings(max_examples=25)
@given(st.lists(st.sampled_from([None, Status.RELEASED, *WAYS]), min_size=3, max_size=3))
def test_planned_again_after_sending(states: list[Status | None]) -> None:
    """Once everything that was to be sent is accepted, there is nothing to send."""
    book = memory_book()
    for key, state in zip("abc", states, strict=True):
        if state is not None:
            book.put(key, state)
    frame = desired("a", "b", "c")
    by_message = {IDENTITY.message(key): key for key in "abc"}
    todo = decided(book, frame)
    for message, (action, _) in zip(sorted(by_message), todo, strict=True):
        if action is Action.SEND:
            known = book.ledger.recorded([message]).get(message)

            claim = claim_of(book.campaign, by_message[message], before=known)
            with book.ledger.change(Kind.CLAIM, book.tick(), run=book.run) as change:
                taken = change.claim([claim])
            book.move(taken, standing(Status.ACCEPTED))
    assert Action.SEND not in [action for action, _ in decided(book, frame)]
    book.ledger.close()


def test_messages_that_share_a_half() -> None:
    """Messages are told apart by all of their bytes, though half of them is looked at first."""
    one, two, three = (bytes([number]) * 8 for number in (1, 2, 3))
    wanted = desired("a", "b").with_columns(**halves("m", [one + one, one + three]))
    content = halves("f", [IDENTITY.fingerprint(1, {"name": "a"}, None)] * 2)
    wanted = wanted.with_columns(**content)
    said = IDENTITY.fingerprint(1, {"name": "a"}, None)
    for known, actions in (
        ([one + one], [Action.UNCHANGED, Action.SEND]),
        ([one + two], [Action.SEND, Action.SEND]),
        ([one + one, one + two], [Action.UNCHANGED, Action.SEND]),
        ([one + one, one + three], [Action.UNCHANGED, Action.UNCHANGED]),
        ([two + one], [Action.SEND, Action.SEND]),
    ):
        taken = b"".join(message + said for message in known)
        found = decide(wanted, recorded_frame(Standings(taken)), None, LATER)
        assert found["action"].to_list() == actions, known
        assert found.select(wanted.columns).equals(wanted)
