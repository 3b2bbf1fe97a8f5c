"""What people decide: written down with name and reason, about exactly the messages that were meant."""

from collections.abc import Iterator

import pytest

from tests.support.books import CAMPAIGN, Book, claim_of, memory_book, standing
from zalosync.apply.decisions import cancel_held, resolve_unknown
from zalosync.compose.message import Cause, Status
from zalosync.errors import UsageError
from zalosync.ledger.records import Kind

DECISIONS = {"sent": Status.ACCEPTED, "not-sent": Status.RELEASED, "abandon": Status.ABANDONED}


@pytest.fixture
def book() -> Iterator[Book]:
    """A ledger in memory, whole at the end of every test."""
    made = memory_book()
    yield made
    assert made.verified()
    made.ledger.close()


def last_event(book: Book) -> tuple[str, bytes]:
    """Kind and body of the newest event."""
    *_, event = book.ledger.events()
    return event[2], bytes(event[6])


@pytest.mark.parametrize(("decision", "state"), DECISIONS.items())
def test_all_unknown(book: Book, decision: str, state: Status) -> None:
    """All unknown messages of a campaign go where the person says; others stay; who and why is kept."""
    unknown = [book.put(key, Status.UNKNOWN) for key in "abc"]
    others = [book.put(f"other {each}", each) for each in Status if each is not Status.UNKNOWN]
    count = resolve_unknown(book.ledger, CAMPAIGN, None, decision, "lan", "asked the provider", book.tick())
    assert count == 3
    decided = book.again(unknown)
    assert {(each.state, each.cause) for each in decided} == {(state, Cause.DECIDED)}
    assert book.again(others) == others
    kind, body = last_event(book)
    assert kind == Kind.RESOLVE
    assert b'"by":"lan"' in body
    assert b'"reason":"asked the provider"' in body


def test_named_messages(book: Book) -> None:
    """Only the named ones are decided about; a repeated name counts once."""
    one, two = book.put("a", Status.UNKNOWN), book.put("b", Status.UNKNOWN)
    ids = [one.message_id, one.message_id]
    assert resolve_unknown(book.ledger, CAMPAIGN, ids, "sent", "lan", "why", book.tick()) == 1
    assert [each.state for each in book.again([one, two])] == [Status.ACCEPTED, Status.UNKNOWN]


@pytest.mark.parametrize("state", [state for state in Status if state is not Status.UNKNOWN])
def test_not_unknown(book: Book, state: Status) -> None:
    """A message that is not unknown (any more) refuses the whole decision: evidence beats opinion."""
    unknown, other = book.put("a", Status.UNKNOWN), book.put("b", state)
    head = book.ledger.head()
    ids = [unknown.message_id, other.message_id]
    with pytest.raises(UsageError, match="1 of these messages"):
        resolve_unknown(book.ledger, CAMPAIGN, ids, "not-sent", "lan", "why", book.tick())
    assert book.ledger.head() == head


def test_unknown_to_the_ledger(book: Book) -> None:
    """An id that the ledger does not know refuses the decision too."""
    with pytest.raises(UsageError):
        resolve_unknown(book.ledger, CAMPAIGN, [b"x" * 20], "sent", "lan", "why", book.tick())


def test_other_campaigns(book: Book) -> None:
    """Messages of another campaign are nobody's to decide about here."""
    unknown = book.put("a", Status.UNKNOWN)
    assert resolve_unknown(book.ledger, "other", None, "sent", "lan", "why", book.tick()) == 0
    with pytest.raises(UsageError):
        resolve_unknown(book.ledger, "other", [unknown.message_id], "sent", "lan", "why", book.tick())
    assert book.again([unknown]) == [unknown]


def test_not_sent_keeps_attempt_and_id(book: Book) -> None:
    """What a person calls not sent is claimed again as the same attempt under the same id."""
    unknown = book.put("a", Status.UNKNOWN)
    resolve_unknown(book.ledger, CAMPAIGN, None, "not-sent", "lan", "why", book.tick())
    (released,) = book.again([unknown])
    with book.ledger.change(Kind.CLAIM, book.tick(), run=book.run) as change:
        (again,) = change.claim([claim_of(book.campaign, "a", before=released)])
    assert (again.message_id, again.attempt, again.row) == (unknown.message_id, 1, unknown.row)


def test_later_evidence_beats_a_decision(book: Book) -> None:
    """What a person abandoned or called not sent is still raised by evidence that it arrived."""
    for key, decision in (("a", "abandon"), ("b", "not-sent")):
        unknown = book.put(key, Status.UNKNOWN)
        resolve_unknown(book.ledger, CAMPAIGN, None, decision, "lan", "why", book.tick())
        (delivered,) = book.move(book.again([unknown]), standing(Status.DELIVERED), Kind.EVIDENCE)
        assert delivered.state is Status.DELIVERED


def test_cancel(book: Book) -> None:
    """Held messages of the campaign are ended, and only they; what is cancelled is never sent by itself."""
    held = [book.put(key, Status.HELD) for key in "ab"]
    sent = book.put("c", Status.ACCEPTED)
    assert cancel_held(book.ledger, "other", "lan", "why", book.tick()) == 0
    assert cancel_held(book.ledger, CAMPAIGN, "lan", "wrong text", book.tick()) == 2
    assert {each.state for each in book.again(held)} == {Status.CANCELLED}
    assert book.again([sent]) == [sent]
    kind, body = last_event(book)
    assert kind == Kind.CANCEL
    assert b"wrong text" in body
    head = book.ledger.head()
    assert cancel_held(book.ledger, CAMPAIGN, "lan", "again", book.tick()) == 0
    assert book.ledger.head() == head
