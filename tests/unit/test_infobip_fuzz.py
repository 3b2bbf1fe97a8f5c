"""Whatever bytes come back, reading them gives a record or a reason, never an exception."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zalosync.errors import ZalosyncError
from zalosync.infobip.account import read_public_key, read_quota, read_template, read_templates
from zalosync.infobip.answer import read_error, read_send_answer
from zalosync.infobip.evidence import Rows, read_logs, read_reports
from zalosync.infobip.evidence_xml import read_xml_reports
from zalosync.infobip.exchange import Answer, exchange_of, refusal
from zalosync.provider import Exchange, Malformed

NAMES = [
    *("messages", "messageId", "destination", "status", "groupId", "groupName", "id", "name", "results"),
    *("errorCode", "description", "violations", "property", "violation", "requestError", "serviceException"),
    *(
        "validationErrors",
        "text",
        "to",
        "channel",
        "sentAt",
        "doneAt",
        "price",
        "pricePerMessage",
        "currency",
    ),
    *("error", "callbackData", "templateName", "templateProperties", "templateButtons", "paging", "page"),
    *("totalPages", "publicKey", "dailyQuota", "maxLength", "required"),
]
WORDS = [
    "PENDING",
    "DELIVERED",
    "OK",
    "SMS",
    "2026-12-01T02:00:03.120+0000",
    "9999-12-31T23:59:59-14:00",
    "EUR",
]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.integers(-2, 30),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(WORDS),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=25,
)
BODIES = st.one_of(st.binary(max_size=200), VALUES.map(orjson.dumps))


def _some(raw: object) -> bytes:
    return str(raw).encode("utf-8", "replace")


READERS: dict[str, Callable[[bytes], Any]] = {
    "send answer": read_send_answer,
    "error": read_error,
    "reports": lambda body: read_reports(body, _some, _some),
    "logs": lambda body: read_logs(body, _some, _some),
    "xml": lambda body: read_xml_reports(body, _some, _some),
    "public key": read_public_key,
    "template": read_template,
    "templates": read_templates,
    "quota": read_quota,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@given(body=BODIES)
def test_no_body_is_too_strange_to_be_read(read: Callable[[bytes], Any], body: bytes) -> None:
    """Bytes of any kind, and JSON of any shape under the names we look for."""
    read(body)


REPORTS = ("reports", "logs", "xml")


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", REPORTS)
def test_many_strange_bodies_of_reports(name: str) -> None:
    """The same of what tells of messages, a hundred thousand bodies each."""

    @settings(max_examples=100_000)
    @given(body=BODIES)
    def check(body: bytes) -> None:
        READERS[name](body)

    check()


@given(rows=st.lists(VALUES, max_size=5))
def test_every_row_of_a_page_is_counted(rows: list[object]) -> None:
    """Those that are read and those that are left out are all there were."""
    got = read_reports(orjson.dumps({"results": rows}), _some, _some)
    assert isinstance(got, Rows)
    assert got.total == len(rows)
    for report in got.reports:
        assert report.price is None or 0 <= report.price < 2**63
        assert abs(report.error_id) <= 2**31
        for moment in (report.sent_at, report.done_at):
            assert moment is None or moment.tzinfo is UTC


@given(
    status=st.integers(100, 599),
    content_type=st.sampled_from(["application/json", "text/html", ""]),
    body=BODIES,
    malformed=st.sampled_from([None, Malformed.TOO_LARGE]),
)
def test_every_answer_to_a_send_has_one_meaning(
    status: int, content_type: str, body: bytes, malformed: Malformed | None
) -> None:
    """Rows or a reason for a 2xx, neither for anything else; and a sentence for people in any case."""
    answer = Answer(status, content_type, body, malformed, None, datetime(2026, 12, 1, tzinfo=UTC))
    exchange = exchange_of(answer, _some)
    assert isinstance(exchange, Exchange)
    assert exchange.failure is None
    assert exchange.may_have_left
    if answer.good:
        assert (exchange.rows is None) != (exchange.malformed is None)
        assert exchange.error is None
    else:
        assert exchange.rows is None
        assert exchange.malformed is None
        assert isinstance(refusal(answer, "host", "something"), ZalosyncError)
