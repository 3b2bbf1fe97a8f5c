"""Pushed reports: only what is on the disk is answered with 200, and only what can be believed is kept."""

import json
import threading
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.books import Book, memory_book, standing
from tests.support.hook import JSON, SECRET, XML, Hook, basic, body, hook, ids, row, signed
from tests.support.reports import MAKER
from zalosync.compose.message import Identity, Keys, Maker, Status
from zalosync.errors import LedgerError
from zalosync.refresh import intake as intake_module
from zalosync.refresh import webhook as webhook_module
from zalosync.refresh.inbox import Inbox
from zalosync.refresh.pushed import MOST_BYTES, MOST_DEPTH, MOST_REPORTS
from zalosync.refresh.reports import drain
from zalosync.refresh.sift import Aside, Sifted

IDS = ids(20)
HMAC: dict[str, Any] = {"security": "hmac", "credential": SECRET}
BASIC: dict[str, Any] = {"security": "basic", "user": "infobip", "credential": SECRET}
OTHERS = Maker(Keys(b"o" * 32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the inbox is."""
    return tmp_path / "here.inbox.db"


@pytest.fixture
def plain(path: Path) -> Iterator[Hook]:
    """A receiver without a subscription's credentials: proofs decide."""
    with hook(path) as found:
        yield found


@pytest.fixture
def book() -> Iterator[Book]:
    """A ledger in which all of `IDS` were accepted; it is whole at the end."""
    found = memory_book()
    found.move(found.claim(range(len(IDS))), standing(Status.ACCEPTED))
    yield found
    assert found.verified()
    found.ledger.close()


def merge(path: Path, book: Book, found: Hook) -> int:
    """What `refresh` does with the inbox; gives how many attempts moved."""
    with Inbox(path) as inbox:
        return drain(inbox, book.ledger, MAKER, found.clock, lambda _: None).moved


def aside(path: Path) -> dict[Aside, int]:
    """What was put aside."""
    with Inbox(path) as inbox:
        return inbox.aside()


# --- taken


@pytest.mark.parametrize("kind", [JSON, XML, "text/json; charset=utf-8", "text/xml", None])
def test_stored_before_answered(plain: Hook, kind: str | None) -> None:
    """JSON and XML are taken; when 200 is said, the reports are on the disk."""
    form = XML if kind is not None and "xml" in kind else JSON
    answer = plain.push(body([row(each) for each in IDS], form), kind)
    assert (answer.status, answer.text) == (200, "")
    assert plain.stored == len(IDS)


def test_both_forms_are_the_same_report(plain: Hook) -> None:
    """A report that was pushed as JSON and as XML, its keys in another order, is stored once."""
    report = row(IDS[0])
    for data, kind in (
        (body([report]), JSON),
        (body([report], XML), XML),
        (body([dict(reversed(report.items()))]), JSON),
    ):
        assert plain.push(data, kind).status == 200
    assert plain.stored == 1
    assert plain.metric('zalosync_webhook_reports_total{fate="repeated"}') == 2


def test_a_hundred_times(plain: Hook, path: Path, book: Book) -> None:
    """A push that comes a hundred times, also at once, and again after it was merged, counts once."""
    data = body([row(each) for each in IDS])
    assert {answer.status for answer in plain.push_all([data] * 99)} == {200}
    assert plain.stored == len(IDS)
    assert merge(path, book, plain) == len(IDS)
    head = book.ledger.head()
    assert plain.push(data).status == 200
    assert merge(path, book, plain) == 0
    assert book.ledger.head() == head


def test_every_order(plain: Hook, path: Path, book: Book) -> None:
    """Five reports of a message, in each of their 120 orders and merged one by one: it ends delivered."""
    orders = list(permutations(("PENDING", "HANDED_OVER", "EXPIRED", "REJECTED", "DELIVERED")))
    records = book.claim(range(100, 100 + len(orders)))
    for step in range(5):
        rows = [row(each.message_id, order[step]) for each, order in zip(records, orders, strict=True)]
        assert plain.push(body(rows)).status == 200
        merge(path, book, plain)
    ends = {(each.state, each.status_id) for each in book.again(records)}
    assert ends == {(Status.DELIVERED, 5)}


def test_an_old_push_again(plain: Hook, path: Path, book: Book) -> None:
    """Whoever replays a push from before cannot move a message back."""
    old = body([row(each, "PENDING") for each in IDS] + [row(each, "UNDELIVERABLE") for each in IDS])
    plain.push(old)
    plain.push(body([row(each) for each in IDS]))
    merge(path, book, plain)
    head = book.ledger.head()
    plain.push(old)
    assert merge(path, book, plain) == 0
    assert book.ledger.head() == head


# --- forged


PROOFS = (None, "", "x", "A" * 22, MAKER.proof(IDS[1]), OTHERS.proof(IDS[0]), MAKER.proof(IDS[0]).lower())


@pytest.mark.parametrize(
    ("kind", "proof"),
    [
        *((kind, proof) for kind in (JSON, XML) for proof in PROOFS),
        # XML has texts only, and says nothing of white space at their ends.
        *((JSON, proof) for proof in (MAKER.proof(IDS[0]) + " ", ["a list"], 7)),
    ],
)
def test_without_its_proof(plain: Hook, path: Path, kind: str, proof: object) -> None:
    """A report without the proof that went out with its message is put aside, and its neighbours are kept."""
    forged = row(IDS[0], callbackData=proof)
    assert plain.push(body([forged, row(IDS[2])], kind), kind).status == 200
    assert plain.stored == 1
    assert aside(path) == {Aside.FORGED: 1}


def test_of_others(plain: Hook, path: Path) -> None:
    """Reports of ids that this project's key did not make are put aside, whatever they look like."""
    foreign = Identity(Keys(b"o" * 32), "order-shipped", 1)
    message_id = foreign.message_id(foreign.message("1"), 1)
    rows = [
        row(message_id, callbackData=""),
        row(message_id, callbackData=OTHERS.proof(message_id)),
        row(IDS[0], messageId="x"),
    ]
    assert plain.push(body(rows)).status == 200
    assert plain.stored == 0
    assert aside(path) == {Aside.FOREIGN: 3}


def test_of_a_message_nobody_sent(plain: Hook, path: Path, book: Book) -> None:
    """A proven report of an id that the ledger does not know is an alarm of the merge, not of a push."""
    (stray,) = ids(1, first=99)
    assert plain.push(body([row(stray)])).status == 200
    with Inbox(path) as inbox:
        taken = drain(inbox, book.ledger, MAKER, plain.clock, lambda _: None)
    assert (taken.alarming, taken.rogues) == (1, [stray])


@pytest.mark.parametrize("token", ["", "x", "t0ken-of-a-test-", "T0KEN-OF-A-TEST-" * 2, "é" * 32])
def test_another_path(plain: Hook, token: str) -> None:
    """Without the token nobody is answered, and nothing of the body is read."""
    answer = plain.push(body([row(IDS[0])]), token=token)
    assert (answer.status, plain.read, plain.stored) == (404, 0, 0)


@pytest.mark.parametrize("guarded", [HMAC, BASIC], ids=["hmac", "basic"])
def test_a_subscriptions_credentials(path: Path, guarded: dict[str, Any]) -> None:
    """With the subscription's credentials no proof is needed, and a wrong proof is not taken all the same."""
    data = body([row(IDS[0], callbackData=None), row(IDS[1], callbackData="x" * 22)])
    headers = signed(data) if guarded is HMAC else basic("infobip", SECRET)
    with hook(path, **guarded) as found:
        assert found.push(data, headers=headers).status == 200
        assert found.stored == 1
    assert aside(path) == {Aside.FORGED: 1}


@pytest.mark.parametrize(
    ("guarded", "make"),
    [
        (HMAC, lambda data: signed(data, "another secret")),
        (HMAC, lambda data: signed(data + b" ")),
        (
            HMAC,
            lambda data: {"x-hub-signature-256": signed(data)["x-hub-signature-256"].removeprefix("sha256=")},
        ),
        (HMAC, lambda data: {"x-hub-signature-256": signed(data)["x-hub-signature-256"][:-2]}),
        (HMAC, lambda _: {"x-hub-signature-256": "sha256=zz"}),
        (HMAC, lambda _: {"x-hub-signature-256": ""}),
        (BASIC, lambda _: basic("infobip", "another secret")),
        (BASIC, lambda _: basic("somebody", SECRET)),
        (BASIC, lambda _: {"authorization": "Basic ???"}),
        (BASIC, lambda _: {"authorization": "Bearer " + SECRET}),
    ],
)
def test_wrong_credentials(path: Path, guarded: dict[str, Any], make: Any) -> None:
    """Credentials that are not the subscription's are refused with 401, with proofs or without."""
    data = body([row(IDS[0])])
    with hook(path, **guarded) as found:
        assert found.push(data, headers=make(data)).status == 401
        assert found.stored == 0
    assert aside(path) == {}


def test_neither_credentials_nor_proofs(path: Path) -> None:
    """Where a push shows nothing, reports without proofs stay with the provider; proven ones are taken."""
    with hook(path, **HMAC) as found:
        assert found.push(body([row(IDS[0], callbackData=None)])).status == 401
        assert found.stored == 0
        assert found.push(body([row(IDS[0])])).status == 200
        assert found.stored == 1


# --- too much


def test_too_large(plain: Hook) -> None:
    """A body that says it is too large is not read; one that does not say so is read to the limit only."""
    said = plain.push(b"", headers={"content-length": str(MOST_BYTES + 1)})
    assert (said.status, plain.read) == (413, 0)
    part = b" " * 100_000
    assert plain.push(part for _ in range(1000)).status == 413
    assert plain.read <= MOST_BYTES // len(part) + 1
    assert plain.stored == 0


@pytest.mark.parametrize("kind", [JSON, XML])
@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 413)])
def test_too_many_reports(plain: Hook, kind: str, more: int, status: int) -> None:
    """A push holds so many reports at most; one more, and none is taken."""
    rows = [{"messageId": f"other-{number}"} for number in range(MOST_REPORTS - 1 + more)]
    assert plain.push(body([*rows, row(IDS[0])], kind), kind).status == status
    assert plain.stored == (status == 200)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"results":' + b"[" * (MOST_DEPTH + 1), JSON),
        (b'{"a":' * 200_000, JSON),
        (b"[" * 900_000, JSON),
        (b'{"results":[{"messageId":"a","x":' + b"[" * 400_000 + b"]" * 400_000 + b"}]}", JSON),
        (b"<a>" * 300_000, XML),
        (b"<a><results><results><b>" + b"<c>" * 9, XML),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', XML),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', XML),
        (b"<a><results>" + b"<results/>" * 90_000 + b"</results></a>", XML),
    ],
    ids=range(9),
)
def test_bombs(plain: Hook, data: bytes, kind: str) -> None:
    """What is nested, repeated or declared without end is refused."""
    assert plain.push(data, kind).status in (400, 413)
    assert plain.stored == 0


@pytest.mark.parametrize(
    ("kind", "headers", "status"),
    [
        ("text/plain", {}, 415),
        ("application/x-www-form-urlencoded", {}, 415),
        ("multipart/form-data; boundary=x", {}, 415),
        (JSON, {"content-encoding": "gzip"}, 415),
        (JSON, {"content-encoding": "br"}, 415),
        (JSON, {"content-encoding": "identity"}, 200),
        (XML, {}, 400),
    ],
)
def test_other_forms(plain: Hook, kind: str, headers: dict[str, str], status: int) -> None:
    """Neither JSON nor XML, or packed: not taken, and said so."""
    assert plain.push(body([row(IDS[0])]), kind, headers=headers).status == status
    assert plain.stored == (status == 200)


# --- wrong types

ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**31,
    -(2**63),
    2**64,
    1.5,
    1e308,
    "",
    "x" * 300,
    "\ufffd",
    "\x00",
    [],
    [[]],
    {},
    {"id": {}},
    {"id": "5"},
    {"id": 5.0},
    {"id": 2**40, "groupId": 3},
    {"pricePerMessage": "0.01", "currency": 7},
    {"pricePerMessage": -1},
)
FIELDS = (
    "messageId",
    "to",
    "channel",
    "sentAt",
    "doneAt",
    "messageCount",
    "price",
    "status",
    "error",
    "bulkId",
)


@pytest.mark.parametrize("field", FIELDS)
def test_wrong_types(plain: Hook, path: Path, book: Book, field: str) -> None:
    """Whatever stands in a field: the push is taken with 200, its sound reports are kept, and all merge."""
    odd = [row(IDS[place % 19]) | {field: value} for place, value in enumerate(ODD)]
    data = json.dumps({"results": [*odd, row(IDS[19])]}).encode()
    assert plain.push(data).status == 200
    kept = plain.stored
    assert kept >= 1 if field == "messageId" else kept > len(ODD) - 5
    merge(path, book, plain)
    assert plain.stored == 0
    last = book.ledger.by_message_ids(IDS)[IDS[19]]
    assert last.state is Status.DELIVERED


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"null",
        b"7",
        b'"x"',
        b"[]",
        b"{}",
        b'{"results":null}',
        b'{"results":{}}',
        b'{"results":[',
        b'{"results":[NaN]}',
        b'{"results":[{"messageId":"\xff"}]}',
        b"\xff\xfe",
        b'{"results":"' + b"x" * 1000 + b'"}',
    ],
)
@pytest.mark.parametrize("kind", [JSON, XML])
def test_no_page_of_reports(plain: Hook, data: bytes, kind: str) -> None:
    """What is no page of reports is refused with 400: the provider keeps it, and nothing is said back."""
    answer = plain.push(data, kind)
    assert answer.status == 400
    assert answer.text in ("not taken: shape", "not taken: deep")


def test_rows_that_are_none(plain: Hook) -> None:
    """Rows that can be nobody's are counted, and the others of their push are kept."""
    rows: list[Any] = [None, 7, "x", [], {}, {"messageId": None}, {"messageId": ""}, row(IDS[0])]
    assert plain.push(orjson.dumps({"results": rows})).status == 200
    assert plain.stored == 1
    assert plain.metric('zalosync_webhook_reports_total{fate="unusable"}') == 7


# --- no room, no time


def test_no_room(path: Path, book: Book) -> None:
    """A full inbox is answered with 503: the provider pushes again later, and nothing half is stored."""
    with hook(path, limit=10) as found:
        assert found.push(body([row(each) for each in IDS[:8]])).status == 200
        refused = found.push(body([row(each) for each in IDS[8:16]]))
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert found.stored == 8
        assert found.push(body([row(each) for each in IDS[8:10]])).status == 200
        assert found.get("/healthz").status == 503
        merge(path, book, found)
        assert found.push(body([row(each) for each in IDS[8:16]])).status == 200
        assert found.get("/healthz").status == 200


def test_a_disk_that_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk takes nothing, 503 is said and not 200; when it does again, so is 200."""

    def fails(*_: object) -> int:
        raise LedgerError("the disk is full")

    with hook(path) as found:
        with monkeypatch.context() as broken:
            broken.setattr(Inbox, "add_all", fails)
            assert found.push(body([row(IDS[0])])).status == 503
            assert found.get("/healthz").status == 503
        assert found.stored == 0
        assert found.push(body([row(IDS[0])])).status == 200
        assert found.get("/healthz").status == 200


def test_a_disk_that_is_too_slow(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not answered in time is told 503 and pushes again; then each report is stored once."""
    monkeypatch.setattr(webhook_module, "STORE_SECONDS", 0.05)
    go_on, honest = threading.Event(), Inbox.add_all

    def slow(inbox: Inbox, several: Sequence[Sifted], at: int) -> int:
        assert go_on.wait(20)
        return honest(inbox, several, at)

    pushes = [body([row(each) for each in part]) for part in (IDS[:2], IDS[2:8], IDS[8:10])]
    with hook(path, limit=6) as found:
        with monkeypatch.context() as slowed:
            slowed.setattr(Inbox, "add_all", slow)
            assert [found.push(data).status for data in pushes] == [503, 503, 503]
        go_on.set()
        monkeypatch.setattr(webhook_module, "STORE_SECONDS", 20.0)
        assert [found.push(data).status for data in pushes] == [200, 503, 200], "six more are too many"
        assert found.stored == 4
        assert found.get("/healthz").status == 200


def test_too_many_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit into memory on its way to the disk is refused, not gathered."""
    monkeypatch.setattr(intake_module, "MOST_PENDING", 19)
    with hook(path) as found:
        assert found.push(body([row(each) for each in IDS])).status == 503
        assert found.push(body([row(each) for each in IDS[:19]])).status == 200


def test_rates(path: Path) -> None:
    """One address has so many requests a second, all have four times as many; then 503 for a while."""
    with hook(path, rate=2) as found:
        data = body([])
        assert [found.push(data).status for _ in range(3)] == [200, 200, 503]
        answers = []
        for number in range(4):
            found.address = f"203.0.113.{number + 2}"
            answers += [found.push(data).status, found.push(data).status]
        assert answers == [200] * 6 + [503] * 2
        found.clock.seconds += 1
        assert found.push(data).status == 200


def test_a_body_that_does_not_end(plain: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that is too slow is not waited for."""
    monkeypatch.setattr(webhook_module, "READ_SECONDS", 0.0)
    assert plain.push(b"" for _ in iter(int, 1)).status == 408


def test_a_caller_that_leaves(plain: Hook) -> None:
    """Half a push of somebody who went away is nothing."""
    assert plain.push(body([row(IDS[0])])[:100], leave=True).status == 400
    assert plain.stored == 0


# --- what is told


def test_nothing_is_said_back(plain: Hook) -> None:
    """No answer and no number tells a phone, an id, a proof or the token."""
    secret = row(IDS[0], to="84999888777", messageId="canary-id")
    told = [
        plain.push(body([secret])),
        plain.push(body([secret])[:-5]),
        plain.push(body([secret]), "text/84999888777"),
        plain.push(body([secret]), token="canary-token"),
        plain.get("/metrics"),
        plain.get("/healthz"),
        plain.get("/84999888777"),
    ]
    words = " ".join(f"{answer.headers} {answer.text}" for answer in told)
    paths = [path.partition("{")[0] for path in webhook_module.PATHS]
    for canary in ("84999888777", "canary", secret["callbackData"], *paths):
        assert canary not in words


def test_metrics(plain: Hook) -> None:
    """Every request and every report is counted by what became of it."""
    plain.push(
        body([row(IDS[0]), row(IDS[0]), row(IDS[1], callbackData=None), row(IDS[2], messageId="x"), {}])
    )
    plain.push(b"")
    fates = ("stored", "repeated", "forged", "foreign", "unusable")
    assert [plain.metric(f'zalosync_webhook_reports_total{{fate="{fate}"}}') for fate in fates] == [
        1,
        1,
        1,
        1,
        1,
    ]
    codes = [plain.metric(f'zalosync_webhook_requests_total{{code="{code}"}}') for code in (200, 400)]
    assert codes == [1, 1]
    assert plain.metric("zalosync_inbox_reports") == 1
    assert plain.metric("zalosync_webhook_healthy") == 1
    assert plain.metric("zalosync_webhook_last_report_timestamp_seconds") == int(
        plain.clock.now().timestamp()
    )


# --- floods


def flood(path: Path, reports: int) -> None:
    """True, doubled, forged and foreign reports: kept to a limit, counted to the last, merged once."""
    known = ids(1000)
    book = memory_book()
    book.move(book.claim(range(len(known))), standing(Status.ACCEPTED))
    with hook(path, limit=2 * len(known)) as found:
        rounds = reports // len(known)
        for number in range(rounds):
            states = ("PENDING", "HANDED_OVER", "DELIVERED")
            kinds = (
                [row(each, states[number % 3]) for each in known],
                [row(each, callbackData=f"{number:022d}") for each in known],
                [row(each, messageId=f"other-{number}") for each in known],
            )
            assert found.push(body(kinds[number % 3 if number > 5 else 0])).status in (200, 503)
            if number % 100 == 4:
                merge(path, book, found)
        merge(path, book, found)
        said = sum(aside(path).values()) + found.receiver.intake.stored + found.receiver.intake.repeated
        assert said + 1000 * found.receiver.counts.requests[503] == 1000 * rounds
    assert {record.state for record in book.ledger.by_message_ids(known).values()} == {Status.DELIVERED}
    assert book.verified()
    book.ledger.close()


def test_flood(path: Path) -> None:
    """Ten thousand reports."""
    flood(path, 10_000)


@pytest.mark.nightly
@pytest.mark.timeout(1200)
def test_great_flood(path: Path) -> None:
    """A million."""
    flood(path, 1_000_000)
    assert path.stat().st_size < 20_000_000
