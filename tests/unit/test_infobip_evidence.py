"""Reports and log rows: every field optional, both ways to write a date, nothing personal in the result."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from zalosync.infobip.evidence import Rows, read_logs, read_reports, read_time, report_rows
from zalosync.provider import NO_GROUP, Channel, Malformed, ProviderStatus, Report

DELIVERED = {
    "groupId": 3,
    "groupName": "DELIVERED",
    "id": 5,
    "name": "DELIVERED_TO_HANDSET",
    "description": "Message delivered to handset",
}
NO_ERROR = {
    "groupId": 0,
    "groupName": "OK",
    "id": 0,
    "name": "NO_ERROR",
    "description": "-",
    "permanent": False,
}
REPORT = {
    "bulkId": "zs1b-1",
    "messageId": "zs1-A",
    "to": "84901234567",
    "channel": "ZALO_NOTIFICATION_SERVICE",
    "sentAt": "2026-12-01T02:00:03.120+0000",
    "doneAt": "2026-12-01T09:00:05.001+07:00",
    "messageCount": 1,
    "mccMnc": "45201",
    "callbackData": "spring|A",
    "price": {"pricePerMessage": 0.01, "currency": "EUR"},
    "status": DELIVERED,
    "error": NO_ERROR,
    "entityId": "shop-1",
    "applicationId": "prod",
}
LOG = {
    "bulkId": "zs1b-1",
    "messageId": "zs1-A",
    "to": "84901234567",
    "from": "4097700000000000001",
    "text": "Xin chao Lan",
    "sentAt": "2026-12-01T02:00:03.120+0000",
    "doneAt": "2026-12-01T02:00:05.001+0000",
    "smsCount": 1,
    "price": {"pricePerMessage": 0.01, "currency": "EUR"},
    "status": DELIVERED | {"action": "none"},
    "error": NO_ERROR,
}
READ = Report(
    message_id="zs1-A",
    channel=Channel.ZALO,
    status=ProviderStatus(3, "DELIVERED", 5, "DELIVERED_TO_HANDSET"),
    error_id=0,
    sent_at=datetime(2026, 12, 1, 2, 0, 3, 120_000, UTC),
    done_at=datetime(2026, 12, 1, 2, 0, 5, 1000, UTC),
    price=10_000,
    currency="EUR",
    recipient=b"76543210948",
    digest=b"",
    proof="spring|A",
)


def _pseudonym(phone: str) -> bytes:
    return phone[::-1].encode()


def _length(raw: bytes) -> bytes:
    return str(len(raw)).encode()


def _rows(*rows: Any) -> Rows:
    got = read_reports(orjson.dumps({"results": rows}), _pseudonym, lambda _: b"")
    assert isinstance(got, Rows)
    return got


def _report(**changes: Any) -> Report:
    row = {name: value for name, value in (REPORT | changes).items() if value is not ...}
    (report,) = _rows(row).reports
    return report


def test_a_report_is_read_whole() -> None:
    """Status, times in UTC, price in millionths, pseudonym, proof."""
    assert _report() == READ


def test_a_log_row_is_read_whole() -> None:
    """As a report, but without channel and callbackData; the text it may hold stays behind."""
    rows = read_logs(orjson.dumps({"results": [LOG | {"callbackData": "x"}]}), _pseudonym, lambda _: b"")
    assert rows == Rows((READ._replace(proof=""),))


def test_the_nested_form_of_siblings_reads_the_same() -> None:
    """Other channels nest entity and application and name the sender: the record is the same."""
    nested = {
        "platform": {"entityId": "shop-1", "applicationId": "prod"},
        "sender": "409",
        "campaignReferenceId": "s",
    }
    assert _report(entityId=..., applicationId=..., **nested) == READ


def test_a_row_may_have_nothing_but_its_id() -> None:
    """Every other field is optional."""
    (report,) = _rows({"messageId": "anybody's"}).reports
    assert report == Report("anybody's", Channel.ZALO, None, 0, None, None, None, None, None, b"")


@pytest.mark.parametrize("channel", ["SMS", "sms", "SMS_FAILOVER"])
def test_the_failover_is_told_from_the_message(channel: str) -> None:
    """Same message id, another channel."""
    assert _report(channel=channel).channel is Channel.SMS


def test_rows_without_a_usable_id_are_counted_and_left_out() -> None:
    """They can be nobody's, but they are rows: a page is full or not by all of them."""
    rows = _rows(REPORT, {}, None, "x", [], {"messageId": 7}, {"messageId": ""}, {"messageId": "x" * 201})
    assert (len(rows.reports), rows.left_out, rows.total) == (1, 7, 8)


def test_a_row_nested_beyond_reason_is_left_out() -> None:
    """It could be read and not be written again, so it would have no digest."""
    deep = b'{"messageId":"zs1-B","new":' + b"[" * 500 + b"]" * 500 + b"}"
    body = b'{"results":[' + orjson.dumps(REPORT) + b"," + deep + b"]}"
    rows = read_reports(body, _pseudonym, lambda _: b"")
    assert rows == Rows((READ,), 1)


@pytest.mark.parametrize(
    ("status", "read"),
    [
        (..., None),
        (None, None),
        ("DELIVERED", None),
        ({"groupName": "DELIVERED"}, None),
        ({"id": "5"}, None),
        ({"id": 2**40, "groupId": 3}, None),
        (
            DELIVERED | {"id": 4711, "name": "DELIVERED_TWICE"},
            ProviderStatus(3, "DELIVERED", 4711, "DELIVERED_TWICE"),
        ),
        ({"id": 5, "groupName": "DELIVERED"}, ProviderStatus(3, "DELIVERED", 5, "")),
        ({"id": 5, "groupId": 3}, ProviderStatus(3, "", 5, "")),
        ({"id": 5}, ProviderStatus(NO_GROUP, "", 5, "")),
        ({"id": 5, "groupName": "SEEN", "groupId": 12}, ProviderStatus(12, "SEEN", 5, "")),
    ],
)
def test_a_status_is_kept_as_it_stood(status: object, read: ProviderStatus | None) -> None:
    """Unknown ids and groups are kept; without an id there is no status."""
    assert _report(status=status).status == read


@pytest.mark.parametrize(
    ("error", "read"),
    [(NO_ERROR | {"id": 7002}, 7002), (..., 0), (None, 0), ({}, 0), ({"id": "7"}, 0), ({"id": 2**31}, 0)],
)
def test_an_error_is_its_id(error: object, read: int) -> None:
    """0 is no error, and what cannot be read."""
    assert _report(error=error).error_id == read


@pytest.mark.parametrize(
    ("price", "read"),
    [
        ({"pricePerMessage": 0.01, "currency": "EUR"}, (10_000, "EUR")),
        ({"pricePerMessage": 0.000001}, (1, None)),
        ({"pricePerMessage": 1e-7, "currency": "USD"}, (0, "USD")),
        ({"pricePerMessage": 0.1 + 0.2}, (300_000, None)),
        ({"pricePerMessage": 0.0000015}, (2, None)),
        ({"pricePerMessage": 999_999.5, "currency": "VND"}, (999_999_500_000, "VND")),
        ({"pricePerMessage": 1_000_000, "currency": "VND"}, (None, "VND")),
        ({"pricePerMessage": 0.0000025}, (2, None)),
        ({"pricePerMessage": 300, "currency": "VND"}, (300_000_000, "VND")),
        ({"pricePerMessage": 0}, (0, None)),
        ({"pricePerMessage": -1}, (None, None)),
        ({"pricePerMessage": 1e300}, (None, None)),
        ({"pricePerMessage": 2**63 - 1}, (None, None)),
        ({"pricePerMessage": True}, (None, None)),
        ({"pricePerMessage": "0.01"}, (None, None)),
        ({"currency": 7}, (None, None)),
        (7, (None, None)),
        (..., (None, None)),
    ],
)
def test_a_price_is_exact_millionths(price: object, read: tuple[int | None, str | None]) -> None:
    """By decimal arithmetic, half to even; what is no price is none."""
    report = _report(price=price)
    assert (report.price, report.currency) == read


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01T02:00:03.120+0000", datetime(2026, 12, 1, 2, 0, 3, 120_000, UTC)),
        ("2026-12-01T03:00:03.120+01:00", datetime(2026, 12, 1, 2, 0, 3, 120_000, UTC)),
        ("2026-12-01T02:00:03Z", datetime(2026, 12, 1, 2, 0, 3, 0, UTC)),
        ("2026-12-01T02:00:03.1234567+0000", datetime(2026, 12, 1, 2, 0, 3, 123_456, UTC)),
        ("2026-12-01T02:00:03.120", None),
        ("2026-12-01", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
        (1_764_547_203_120, None),
        (None, None),
    ],
)
def test_both_ways_to_write_a_moment(text: object, moment: datetime | None) -> None:
    """With and without a colon in the offset; without an offset nobody can place it."""
    assert read_time(text) == moment


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", Malformed.EMPTY),
        (b"\n", Malformed.EMPTY),
        (b"<xml/>", Malformed.JSON),
        (b'{"results":[NaN]}', Malformed.JSON),
        (b"[" * 5000, Malformed.JSON),
        (b"[]", Malformed.SHAPE),
        (b"{}", Malformed.SHAPE),
        (b'{"results":null}', Malformed.SHAPE),
        (b'{"results":{}}', Malformed.SHAPE),
    ],
)
def test_a_body_that_is_no_page_says_why(body: bytes, why: Malformed) -> None:
    """For reports and for logs alike."""
    assert read_reports(body, _pseudonym, _length) is why
    assert read_logs(body, _pseudonym, _length) is why


def test_the_digest_is_of_the_row_and_not_of_the_order_of_its_keys() -> None:
    """The same row pushed twice is one; any other value makes another."""
    seen: list[bytes] = []

    def digest(raw: bytes) -> bytes:
        seen.append(raw)
        return raw

    turned = dict(reversed(REPORT.items()))
    report_rows([REPORT, turned, REPORT | {"mccMnc": "45202"}], _pseudonym, digest)
    assert seen[0] == seen[1] != seen[2]
    assert orjson.loads(seen[0]) == REPORT


def test_nothing_personal_is_in_a_report() -> None:
    """Neither the phone nor the text of the message."""
    shown = repr(_report()) + repr(read_logs(orjson.dumps({"results": [LOG]}), _pseudonym, lambda _: b""))
    assert "84901234567" not in shown
    assert "Lan" not in shown


@pytest.mark.parametrize("number", ["99999999999999999999999", "1e400", "-1e400"])
def test_a_number_that_nobody_can_hold(number: str) -> None:
    """A row with a number beyond all bounds is left out, or read without it; the rows beside it stay."""
    odd = f'{{"messageId":"b","price":{{"pricePerMessage":{number}}}}}'
    page = f'{{"results":[{{"messageId":"a"}},{odd},{{"messageId":"c"}}]}}'
    found = read_reports(page.encode(), _pseudonym, _length)
    assert isinstance(found, Rows)
    assert found.total == 3
    assert {"a", "c"} <= {report.message_id for report in found.reports}
    assert all(report.price is None for report in found.reports)
