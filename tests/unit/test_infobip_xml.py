"""Reports in XML: the same as in JSON, and documents that are refused."""

import gzip

import orjson
import pytest

from zalosync.infobip.evidence import Rows, read_reports
from zalosync.infobip.evidence_xml import read_xml_reports
from zalosync.provider import Channel, Malformed

ROW = """<results>
  <bulkId>b</bulkId><messageId>zs1-A</messageId><to>84901234567</to>
  <sentAt>2019-11-09T16:00:00.000+0000</sentAt><doneAt>2019-11-09T16:00:00.000+0000</doneAt>
  <messageCount>1</messageCount>
  <price><pricePerMessage>0.01</pricePerMessage><currency>EUR</currency></price>
  <status><groupId>3</groupId><groupName>DELIVERED</groupName><id>5</id>
    <name>DELIVERED_TO_HANDSET</name><description>Message delivered to handset</description></status>
  <error><groupId>0</groupId><groupName>OK</groupName><id>0</id><name>NO_ERROR</name>
    <description>No Error</description><permanent>false</permanent></error>
  <callbackData>a &amp; b &lt;c&gt; Ân</callbackData><channel>SMS</channel>
</results>"""
JSON = {
    "bulkId": "b",
    "messageId": "zs1-A",
    "to": "84901234567",
    "sentAt": "2019-11-09T16:00:00.000+0000",
    "doneAt": "2019-11-09T16:00:00.000+0000",
    "messageCount": 1,
    "price": {"pricePerMessage": 0.01, "currency": "EUR"},
    "status": {
        "groupId": 3,
        "groupName": "DELIVERED",
        "id": 5,
        "name": "DELIVERED_TO_HANDSET",
        "description": "Message delivered to handset",
    },
    "error": {
        "groupId": 0,
        "groupName": "OK",
        "id": 0,
        "name": "NO_ERROR",
        "description": "No Error",
        "permanent": False,
    },
    "callbackData": "a & b <c> Ân",
    "channel": "SMS",
}


def _document(*rows: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    return f"{head}<ZaloReportRequest>\n<results>{''.join(rows)}</results></ZaloReportRequest>".encode()


def _read(body: bytes) -> Rows | Malformed:
    return read_xml_reports(body, str.encode, lambda raw: raw)


def test_both_forms_are_the_same_report() -> None:
    """Field by field, and by the digest that tells doubles."""
    rows = _read(_document(ROW, ROW))
    assert rows == read_reports(orjson.dumps({"results": [JSON, JSON]}), str.encode, lambda raw: raw)
    assert isinstance(rows, Rows)
    assert rows.reports[0].channel is Channel.SMS
    assert rows.reports[0].proof == "a & b <c> Ân"


def test_an_empty_push_is_a_page_of_nothing() -> None:
    """With or without its wrapper."""
    assert _read(_document()) == _read(b"<ZaloReportRequest/>") == Rows(())


@pytest.mark.parametrize(
    ("fields", "left_out"),
    [
        ("<messageId>zs1-A</messageId>", 0),
        ("<messageId/>", 1),
        ("<to>84901234567</to>", 1),
        ("<messageId><a>1</a></messageId>", 1),
        ("", 1),
        ("<messageId>zs1-A</messageId><status><id>x</id><groupId>³</groupId></status>", 0),
        ("<messageId>zs1-A</messageId><status><id>99999999999999999999</id></status>", 0),
        ("<messageId>zs1-A</messageId><price><pricePerMessage>free</pricePerMessage></price>", 0),
        ("<messageId>zs1-A</messageId><price><pricePerMessage>NaN</pricePerMessage></price>", 0),
        ("<messageId>zs1-A</messageId><price><pricePerMessage>1e999</pricePerMessage></price>", 0),
    ],
)
def test_odd_rows_do_not_cost_the_others(fields: str, left_out: int) -> None:
    """What cannot be read is missing; a row without an id is counted."""
    rows = _read(_document(ROW, f"<results>{fields}</results>", ROW))
    assert isinstance(rows, Rows)
    assert (rows.total, rows.left_out) == (3, left_out)
    assert rows.reports[0] == rows.reports[-1]
    if not left_out:
        assert (rows.reports[1].status, rows.reports[1].price) == (None, None)


LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", Malformed.EMPTY),
        (b" \n", Malformed.EMPTY),
        (b'{"results":[]}', Malformed.SHAPE),
        (_document(ROW)[:-3], Malformed.SHAPE),
        (_document(ROW) + b"<more/>", Malformed.SHAPE),
        (_document(ROW, head="<!DOCTYPE x>"), Malformed.SHAPE),
        (_document(ROW, head=f'<!DOCTYPE x [<!ENTITY l0 "lol">{LAUGHS}]>'), Malformed.SHAPE),
        (_document("&l9;", head='<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">'), Malformed.SHAPE),
        (_document("&undefined;"), Malformed.SHAPE),
        (_document(ROW, head='<?xml version="1.0" encoding="no-such"?>'), Malformed.SHAPE),
        (_document("<results>" + "<a>" * 50 + "</a>" * 50 + "</results>"), Malformed.SHAPE),
        (_document("<results/>" * 200_001), Malformed.SHAPE),
        (b"<ZaloReportRequest><other/></ZaloReportRequest>", Malformed.SHAPE),
        (gzip.compress(_document(ROW), mtime=0), Malformed.SHAPE),
        ("<ZaloReportRequest>\ud800</ZaloReportRequest>".encode("utf-8", "surrogatepass"), Malformed.SHAPE),
    ],
)
def test_other_documents_are_refused(body: bytes, why: Malformed) -> None:
    """Not XML, cut short, with entities, too deep, too many: no row comes out, nothing is fetched."""
    assert _read(body) is why
