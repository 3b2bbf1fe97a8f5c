"""From a plan to requests: who may still be sent to, and how requests are cut."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.books import IDENTITY, NOON, WAYS, claim_of, memory_book
from tests.support.scripted import ORDER
from zalosync.apply.batch import Batch, Letter
from zalosync.apply.letters import Consignment, Letters, batches, next_attempt
from zalosync.compose.message import Status, message_id_text
from zalosync.plan.decide import Action, RetryRule
from zalosync.plan.pace import Slots

FINGERPRINT = IDENTITY.fingerprint(1, {"name": "a"}, None)
RULE = RetryRule(frozenset({(5, 8), (2, 9), (4, 15)}), 3, 0)
FAILED = (Status.REJECTED, Status.UNDELIVERABLE, Status.EXPIRED)


@pytest.mark.parametrize("state", [None, *WAYS], ids=lambda state: state.word if state else "new")
@pytest.mark.parametrize("action", Action, ids=lambda action: action.word)
def test_next_attempt(action: Action, state: Status | None) -> None:
    """A plan only shrinks: what the ledger no longer allows is not sent, whatever the plan says."""
    book = memory_book()
    before = None if state is None else book.put("a", state)
    if state is Status.REJECTED and before is not None:
        before = before._replace(refused=before.status_id)
    recipient = before.recipient if before else b""
    found = next_attempt(action, before, FINGERPRINT, recipient, RULE)
    without = next_attempt(action, before, FINGERPRINT, recipient, None)
    assert without in (None, 1), "without a rule nothing is tried again"
    allowed: dict[tuple[Action, Status | None], int] = {
        (Action.SEND, None): 1,
        (Action.HELD, Status.HELD): 1,
        **{(Action.RETRY, failed): 2 for failed in FAILED},
    }
    if state is Status.RELEASED and action is not Action.HELD:
        assert found == 1
    else:
        assert found == allowed.get((action, state))
    book.ledger.close()


def test_a_retry_that_is_no_longer_allowed() -> None:
    """What came since the plan stops a retry: a doubtful end, an open SMS, tries that are used up."""
    book = memory_book()
    failed = book.put("a", Status.UNDELIVERABLE)
    with_sms = failed._replace(failover=True)
    assert next_attempt(Action.RETRY, failed, FINGERPRINT, b"", RULE) == 2
    assert next_attempt(Action.RETRY, with_sms._replace(sms_group=2, sms_id=9), FINGERPRINT, b"", RULE) == 2
    stopped = [
        with_sms,
        with_sms._replace(sms_group=1, sms_id=7),
        failed._replace(state=Status.EXPIRED, status_group=4, status_id=29),
        failed._replace(status_id=4),
        failed._replace(attempt=3),
        failed._replace(state=Status.REJECTED, status_group=5, status_id=8),
    ]
    assert {next_attempt(Action.RETRY, each, FINGERPRINT, b"", RULE) for each in stopped} == {None}
    book.ledger.close()


def test_held_with_another_content() -> None:
    """What is held goes out only as it was approved: another content stays where it is."""
    book = memory_book()
    held = book.put("a", Status.HELD)
    assert next_attempt(Action.HELD, held, FINGERPRINT, held.recipient) == 1
    assert next_attempt(Action.HELD, held, b"x" * 16, held.recipient) is None
    assert next_attempt(Action.HELD, held, FINGERPRINT, b"x" * 16) is None
    assert next_attempt(Action.HELD, None, FINGERPRINT, held.recipient) is None
    book.ledger.close()


@dataclass(slots=True)
class Given:
    """Letters as a campaign gives them: in parts."""

    parts: list[list[Letter]]

    def __iter__(self) -> Iterator[list[Letter]]:
        yield from self.parts


def letter(key: int) -> Letter:
    """One letter."""
    return Letter(claim_of(1, str(key)), f"8490{key:07d}", {})


def consignment(parts: list[list[Letter]], **more: Any) -> Consignment:
    """A campaign's share, made of these letters."""
    return Consignment(ORDER, cast("Letters", Given(parts)), NOON, **more)


def keys(cut: list[Batch[Any]]) -> list[list[str]]:
    """The phones of each request."""
    return [[each.phone for each in batch.letters] for batch in cut]


@given(
    st.lists(st.integers(0, 30), max_size=5),
    st.integers(1, 12),
    st.integers(1, 12),
    st.none() | st.integers(1, 60),
)
def test_cut(parts: list[int], size: int, canary: int, limit: int | None) -> None:
    """Every letter in its order in one request; the first small, the others full; within the limit."""
    letters = [letter(number) for number in range(sum(parts))]
    edges = [sum(parts[:place]) for place in range(len(parts) + 1)]
    given_parts = [letters[start:end] for start, end in pairwise(edges)]
    cut = list(batches([consignment(given_parts)], size=size, canary=canary, limit=limit))
    assert [phone for group in keys(cut) for phone in group] == [each.phone for each in letters][:limit]
    sizes = [len(batch.letters) for batch in cut]
    if sizes:
        assert sizes[0] <= min(size, canary)
        assert all(width == size for width in sizes[1:-1])
        assert sizes[-1] <= size


@given(st.lists(st.integers(0, 15), min_size=1, max_size=4), st.none() | st.integers(1, 40))
def test_several_campaigns(counts: list[int], limit: int | None) -> None:
    """Campaigns follow one another, none shares a request; one small request and one limit for all."""
    starts = [sum(counts[:place]) for place in range(len(counts))]
    shares = [
        consignment([[letter(start + number) for number in range(count)]])
        for start, count in zip(starts, counts, strict=True)
    ]
    cut = list(batches(shares, size=5, canary=2, limit=limit))
    found = [phone for group in keys(cut) for phone in group]
    assert found == [letter(number).phone for number in range(sum(counts))][:limit]
    assert all(len(batch.letters) <= (5 if place else 2) for place, batch in enumerate(cut))


def test_ids_of_a_request() -> None:
    """A request's bulk id and what its answer is held against come from its letters alone."""
    (one,) = batches([consignment([[letter(1), letter(2)]])], size=5, canary=5, limit=None)
    (two,) = batches([consignment([[letter(1)], [letter(2)]])], size=5, canary=5, limit=None)
    assert one.bulk == two.bulk
    assert [sent.message_id for sent in one.sent] == [
        message_id_text(each.claim.message_id) for each in one.letters
    ]
    assert [sent.destination for sent in one.sent] == ["84900000001", "84900000002"]
    assert one.claims == [each.claim for each in one.letters]


def test_again() -> None:
    """A request that is tried again has the same messages, attempts, ids and bulk id."""
    book = memory_book()
    (batch,) = batches([consignment([[letter(1), letter(2)]])], size=5, canary=5, limit=None)
    released = [book.put(str(number), Status.RELEASED) for number in (1, 2)]
    again = batch.again(released)
    assert again.bulk == batch.bulk
    assert again.sent == batch.sent
    assert [claim.before for claim in again.claims] == released
    with pytest.raises(ValueError, match="argument 2"):
        batch.again(released[:1])
    book.ledger.close()


def test_slots_of_the_provider() -> None:
    """With a speed limit each request but the first has its own `sendAt`, and takes up its time."""
    slots = Slots(NOON, per_second=5 / 60)
    cut = list(
        batches([consignment([[letter(n) for n in range(15)]], slots=slots)], size=5, canary=5, limit=None)
    )
    assert [batch.send_at for batch in cut] == [
        None,
        NOON + timedelta(minutes=1),
        NOON + timedelta(minutes=2),
    ]
    assert {batch.earliest for batch in cut} == {None}
    assert slots.free == NOON + timedelta(minutes=3)


def test_slots_that_we_keep() -> None:
    """In hold mode the requests go out without `sendAt`, each not before its time."""
    slots = Slots(NOON, per_second=5 / 60)
    share = consignment([[letter(n) for n in range(10)]], slots=slots, ours=True)
    cut = list(batches([share], size=5, canary=5, limit=None))
    assert [(batch.send_at, batch.earliest) for batch in cut] == [
        (None, NOON),
        (None, NOON + timedelta(minutes=1)),
    ]


def test_no_slot_left() -> None:
    """A campaign that would end too late sends what fits; the next campaign is not held up by it."""
    slots = Slots(NOON, per_second=5 / 60, expires=NOON + timedelta(seconds=90))
    first = consignment([[letter(n) for n in range(20)]], slots=slots)
    second = consignment([[letter(100)]])
    cut = list(batches([first, second], size=5, canary=5, limit=None))
    assert [len(batch.letters) for batch in cut] == [5, 1]


def test_a_schedule_without_a_limit() -> None:
    """All requests of a campaign with `sendAt` and no limit carry it."""
    at = NOON + timedelta(days=1)
    cut = list(batches([consignment([[letter(1)], [letter(2)]], send_at=at)], size=1, canary=1, limit=None))
    assert {batch.send_at for batch in cut} == {at}


def test_nothing_personal_in_a_letters_repr() -> None:
    """A letter that is shown shows no phone, no value and no failover text."""
    shown = repr(letter(1)._replace(values={"a": "Lan"}, failover="Don hang"))
    assert "84900000001" not in shown
    assert "Lan" not in shown
    assert "Don hang" not in shown
