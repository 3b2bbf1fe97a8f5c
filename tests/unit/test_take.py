"""Evidence into the ledger: each report once, in any order; what should not be is alarming, and stored."""

import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.books import IDENTITY, KEYS, NOON, Book, memory_book, standing
from tests.support.reports import DELIVERED, EXPIRED, MAKER, PENDING, REJECTED, report
from zalosync.clock import milliseconds
from zalosync.compose.message import Identity, Keys, Status, message_id_text
from zalosync.errors import ExitCode, LedgerError
from zalosync.events import Event, Warned
from zalosync.ledger import alarms
from zalosync.provider import Channel, Report
from zalosync.refresh.sift import Aside, sift
from zalosync.refresh.take import ALARM_NOTE, CURRENCY_NOTE, UNEXPECTED, Taken, take

STRANGER = Keys(b"another key of 32 bytes, made up")


@pytest.fixture
def book() -> Iterator[Book]:
    """A ledger in memory, whole at the end of every test."""
    made = memory_book()
    yield made
    assert made.verified()
    made.ledger.close()


def taken(book: Book, reports: Sequence[Report], heard: list[Event] | None = None) -> Taken:
    """Merge reports."""
    events = [] if heard is None else heard
    return take(book.ledger, reports, book.tick(), events.append, MAKER.made)


def test_states_move(book: Book) -> None:
    """What was reported stands in the ledger, with times, prices and what it was counted under."""
    one, two, three = (book.put(key, Status.ACCEPTED) for key in "abc")
    reports = [
        report(one.message_id),
        report(two.message_id, EXPIRED, seconds=5),
        report(three.message_id, REJECTED),
    ]
    found = taken(book, reports)
    assert (found.moved, found.settled, found.unexpected, found.rogues) == (3, 0, 0, [])
    states = [each.state for each in book.again([one, two, three])]
    assert states == [Status.DELIVERED, Status.EXPIRED, Status.REJECTED]
    assert sum(tally.price for tally in book.ledger.tallies()) == 30_000
    assert book.ledger.notes()[CURRENCY_NOTE] == "EUR"


def test_unknown_is_settled(book: Book) -> None:
    """Evidence about an unknown message is counted as that."""
    unknown = book.put("a", Status.UNKNOWN)
    found = taken(book, [report(unknown.message_id, PENDING)])
    assert (found.moved, found.settled) == (1, 1)
    assert book.again([unknown])[0].state is Status.ACCEPTED


def test_one_event_for_many(book: Book) -> None:
    """All reports of a page are one change; reports that say nothing new are none."""
    records = book.move(book.claim(range(200)), standing(Status.ACCEPTED))
    before = book.ledger.head()
    reports = [report(each.message_id) for each in records]
    assert taken(book, reports).moved == 200
    after = book.ledger.head()
    assert (after.seq, after.status_serial) == (before.seq + 1, before.status_serial + 1)
    assert after.intent_serial == before.intent_serial
    assert taken(book, reports * 3).moved == 0
    assert taken(book, []).moved == 0
    assert book.ledger.head() == after


def test_many_with_an_sms_before(book: Book) -> None:
    """Where the SMS was reported first, without a time, Zalo's reports of many leave it as it stands."""
    records = book.move(book.claim(range(20), failover=True), standing(Status.ACCEPTED))
    sms = [report(each.message_id, PENDING, sms=True, price=30_000) for each in records]
    assert taken(book, [each._replace(done_at=None) for each in sms]).moved == 20
    zalo = [report(each.message_id, EXPIRED, seconds=n) for n, each in enumerate(records)]
    assert taken(book, zalo).moved == 20
    for n, found in enumerate(book.again(records)):
        assert (found.state, found.status_id, found.price) == (Status.EXPIRED, 15, 10_000)
        assert (found.sms_group, found.sms_id, found.sms_done_at, found.sms_price) == (1, 7, None, 30_000)
        assert found.done_at == milliseconds(NOON) + n * 1000
    assert sum(tally.price for tally in book.ledger.tallies()) == 20 * 40_000


def test_foreign(book: Book) -> None:
    """Reports of others on the same account are counted and change nothing."""
    theirs = Identity(STRANGER, "x", 1).message_id(b"m" * 16, 1)
    head = book.ledger.head()
    found = taken(book, [report("their-own-id"), report(theirs)])
    assert (found.foreign, found.moved, found.alarming) == (2, 0, 0)
    assert book.ledger.head() == head


def test_rogue(book: Book) -> None:
    """An id of our own key that this ledger does not know: somebody sends with our key; alarm, and stop."""
    ours = IDENTITY.message_id(IDENTITY.message("never claimed"), 1)
    heard: list[Event] = []
    found = taken(book, [report(ours)], heard)
    assert found.rogues == [ours]
    assert [event.code for event in heard if isinstance(event, Warned)] == [UNEXPECTED]
    assert json.loads(book.ledger.notes()[ALARM_NOTE])["count"] == 1
    with pytest.raises(LedgerError) as caught:
        found.check()
    assert (caught.value.code, caught.value.exit_code) == (UNEXPECTED, ExitCode.LEDGER)
    Taken().check()


@pytest.mark.parametrize("state", [Status.HELD, Status.CANCELLED, Status.RELEASED])
def test_evidence_of_what_was_not_sent(book: Book, state: Status) -> None:
    """Evidence about a message that was proven not sent sets its state, and is alarming."""
    record = book.put("a", state)
    heard: list[Event] = []
    found = taken(book, [report(record.message_id)], heard)
    assert (found.moved, found.unexpected) == (1, 1)
    assert book.again([record])[0].state is Status.DELIVERED
    assert UNEXPECTED in [event.code for event in heard if isinstance(event, Warned)]
    with pytest.raises(LedgerError):
        found.check()


def test_several_currencies(book: Book) -> None:
    """An account has one currency; another one is told, and the first one stays."""
    one, two = book.put("a", Status.ACCEPTED), book.put("b", Status.ACCEPTED)
    heard: list[Event] = []
    taken(book, [report(one.message_id)], heard)
    assert heard == []
    taken(book, [report(two.message_id, currency="VND")], heard)
    assert [event.code for event in heard if isinstance(event, Warned)] == ["ZS662"]
    assert book.ledger.notes()[CURRENCY_NOTE] == "EUR"


def test_counts_add_up() -> None:
    """Counts of several pages are summed."""
    one, two = Taken(1, 2, 3, 4, [b"a"], 5), Taken(10, 20, 30, 40, [b"b"], 50)
    one.add(two)
    assert one == Taken(11, 22, 33, 44, [b"a", b"b"], 55)
    assert one.alarming == 35


STATUSES = st.sampled_from([DELIVERED, EXPIRED, REJECTED, PENDING, None])


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 2), STATUSES, st.booleans(), st.integers(0, 3)), max_size=8), st.data()
)
def test_any_order_any_pages(drawn: list[tuple[int, object, bool, int]], data: st.DataObject) -> None:
    """The same reports in any order, in pages of any size, any of them twice, end in the same ledger."""
    ends = []
    for _ in range(2):
        book = memory_book()
        records = [book.put(key, Status.ACCEPTED) for key in "abc"]
        reports = [
            report(records[which].message_id, status, sms=sms, seconds=seconds)  # type: ignore[arg-type]
            for which, status, sms, seconds in drawn
        ]
        repeated = data.draw(st.permutations(reports + reports[: len(reports) // 2]))
        size = data.draw(st.integers(1, 5))
        for start in range(0, len(repeated), size):
            taken(book, repeated[start : start + size])
        ends.append([each._replace(changed_at=0) for each in book.again(records)])
        assert book.verified()
        book.ledger.close()
    assert ends[0] == ends[1]


def test_sifted() -> None:
    """Ours are known by their mark; a wrong proof is never believed, a missing one only where we asked."""
    message_id = IDENTITY.message_id(IDENTITY.message("a"), 1)
    good, bare = report(message_id), report(message_id, proof="")
    forged, foreign = report(message_id, proof="A" * 22), report("an-id-of-theirs")
    asked = sift([good, bare, forged, foreign], MAKER, trusted=True)
    assert [each for _, each in asked.ours] == [good, bare]
    assert asked.aside == [(Aside.FORGED, forged), (Aside.FOREIGN, foreign)]
    assert asked.proven == 1
    pushed = sift([good, bare, forged, foreign], MAKER, trusted=False)
    assert [each for _, each in pushed.ours] == [good]
    assert [why for why, _ in pushed.aside] == [Aside.FORGED, Aside.FORGED, Aside.FOREIGN]
    assert KEYS.fingerprint != STRANGER.fingerprint


def test_refused_and_delivered(book: Book) -> None:
    """I5: a refusal that is followed by a delivery is told, and stays an alarm until somebody answers."""
    first, second = book.put("a", Status.REJECTED), book.put("b", Status.REJECTED)
    heard: list[Event] = []
    found = taken(book, [report(first.message_id)], heard)
    assert (found.moved, found.contradicted, found.alarming) == (1, 1, 0)
    assert book.again([first])[0].state is Status.DELIVERED
    (warned,) = [event for event in heard if isinstance(event, Warned)]
    assert warned.code == alarms.CODE
    assert message_id_text(first.message_id) in warned.message
    assert taken(book, [report(first.message_id)], heard).contradicted == 0
    taken(book, [report(second.message_id)], heard)
    (alarm,) = alarms.open_alarms(book.ledger.notes())
    assert (alarm.what, alarm.count) == (alarms.Contradiction.DELIVERED, 2)
    assert alarm.some == tuple(message_id_text(each.message_id) for each in (first, second))
    said = [json.loads(event[6]) for event in book.ledger.events()]
    assert [message_id_text(first.message_id)] in [each.get("refused-then-delivered") for each in said]


def test_what_contradicts_nothing(book: Book) -> None:
    """An SMS that arrives after Zalo refused, and a failure after a refusal, are no alarm."""
    with_sms, failed = book.put("a", Status.REJECTED), book.put("b", Status.REJECTED)
    sms = report(with_sms.message_id)._replace(channel=Channel.SMS)
    found = taken(book, [sms, report(failed.message_id, EXPIRED)])
    assert found.contradicted == 0
    assert alarms.open_alarms(book.ledger.notes()) == []
    assert book.again([with_sms])[0].state is Status.DELIVERED
    assert taken(book, [report(with_sms.message_id)]).contradicted == 1
