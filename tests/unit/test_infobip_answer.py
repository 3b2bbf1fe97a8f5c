"""The answer to a send, and error bodies: what is read, and what proves nothing."""

import json
from typing import Any

import orjson
import pytest

from zalosync.infobip.answer import plain, read_error, read_send_answer, strict_json
from zalosync.provider import AnswerRow, Malformed, ProviderError, ProviderStatus

PENDING = {
    "groupId": 1,
    "groupName": "PENDING",
    "id": 7,
    "name": "PENDING_ENROUTE",
    "description": "on its way",
}
ROW = {"messageId": "zs1-A", "destination": "84901234567", "status": PENDING}


def _answer(*rows: Any) -> bytes:
    return orjson.dumps({"bulkId": "b", "messages": rows})


def _with_status(**changes: Any) -> bytes:
    status = {name: value for name, value in (PENDING | changes).items() if value is not ...}
    return _answer(ROW | {"status": status})


def test_a_whole_answer_is_read_in_order() -> None:
    """Every row, with its status; what we do not know is passed over."""
    rejected = {"groupId": 5, "groupName": "REJECTED", "id": 23, "name": "REJECTED_DUPLICATE_MESSAGE_ID"}
    body = _answer(ROW | {"details": {}, "new": [1]}, {"messageId": "zs1-B", "status": rejected})
    assert read_send_answer(body) == (
        AnswerRow("zs1-A", "84901234567", ProviderStatus(1, "PENDING", 7, "PENDING_ENROUTE")),
        AnswerRow("zs1-B", None, ProviderStatus(5, "REJECTED", 23, "REJECTED_DUPLICATE_MESSAGE_ID")),
    )


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "value", [{"a": 1, "b": {"a": [1.5, "Đặng", None]}}, [], 0, "", {"big": 2**70}, {"lone": "\ud800"}]
)
def test_spelling_does_not_matter(value: Any, indent: int | None) -> None:
    """JSON in the spelling of most servers is read by another way than the rest, to the same end."""
    body = json.dumps(value, ensure_ascii=indent is not None, indent=indent, separators=(",", ":"))
    if "\ud800" in body:
        assert strict_json(body.encode(errors="surrogatepass")) is Malformed.JSON
    else:
        assert strict_json(body.encode()) == value


def test_an_answer_without_messages_is_whole() -> None:
    """It proves nothing for anybody, but it is an answer: the missing rows are counted elsewhere."""
    assert read_send_answer(_answer()) == ()


def test_a_status_that_nobody_published_is_kept() -> None:
    """The group is known, the id is not: for others to judge."""
    rows = read_send_answer(_with_status(id=7777, name="PENDING_NEW"))
    assert rows == (AnswerRow("zs1-A", "84901234567", ProviderStatus(1, "PENDING", 7777, "PENDING_NEW")),)


@pytest.mark.parametrize("name", ["OK", "ACCEPTED"])
def test_group_zero_has_two_names(name: str) -> None:
    """The tables call it OK, this API's list of groups ACCEPTED."""
    rows = read_send_answer(_with_status(groupId=0, groupName=name))
    assert isinstance(rows, tuple)
    assert rows[0].status.group == name


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", Malformed.EMPTY),
        (b" \r\n\t", Malformed.EMPTY),
        (b"<html>", Malformed.JSON),
        (b'{"messages":[', Malformed.JSON),
        (b'{"messages":[]} {}', Malformed.JSON),
        (b'{"messages":[NaN]}', Malformed.JSON),
        (b'{"messages":[Infinity]}', Malformed.JSON),
        (b'\xff{"messages":[]}', Malformed.JSON),
        (b'\xef\xbb\xbf{"messages":[]}', Malformed.JSON),
        ('{"messages":[]}'.encode("utf-16"), Malformed.JSON),
        (b'{"messages":[],"n":' + b"9" * 5000 + b"}", Malformed.JSON),
        (b"[" * 100_000, Malformed.JSON),
        (b'{"messages":[],"messages":[]}', Malformed.DUPLICATE_KEYS),
        (b'{"messages":[{"messageId":"a","messageId":"b"}]}', Malformed.DUPLICATE_KEYS),
        (b"null", Malformed.SHAPE),
        (b"[]", Malformed.SHAPE),
        (b'"OK"', Malformed.SHAPE),
        (b"{}", Malformed.SHAPE),
        (b'{"messages":null}', Malformed.SHAPE),
        (b'{"messages":{}}', Malformed.SHAPE),
        (_answer(None), Malformed.SHAPE),
        (_answer({}), Malformed.SHAPE),
        (_answer(ROW, "x"), Malformed.SHAPE),
        (_answer(ROW | {"messageId": None}), Malformed.SHAPE),
        (_answer(ROW | {"messageId": ""}), Malformed.SHAPE),
        (_answer(ROW | {"messageId": 7}), Malformed.SHAPE),
        (_answer(ROW | {"destination": 84901234567}), Malformed.SHAPE),
        (_answer(ROW | {"status": None}), Malformed.SHAPE),
        (_answer(ROW | {"status": []}), Malformed.SHAPE),
        (_with_status(groupId=...), Malformed.SHAPE),
        (_with_status(groupId=9), Malformed.SHAPE),
        (_with_status(groupId=True), Malformed.SHAPE),
        (_with_status(groupId="1"), Malformed.SHAPE),
        (_with_status(groupId=1.0), Malformed.SHAPE),
        (_with_status(groupName=...), Malformed.SHAPE),
        (_with_status(groupName="DELIVERED"), Malformed.SHAPE),
        (_with_status(groupName="ACCEPTED"), Malformed.SHAPE),
        (_with_status(groupName=["PENDING"]), Malformed.SHAPE),
        (_with_status(id=...), Malformed.SHAPE),
        (_with_status(id=2**31), Malformed.SHAPE),
        (_with_status(name=7), Malformed.SHAPE),
    ],
)
def test_what_is_not_such_an_answer_proves_nothing(body: bytes, why: Malformed) -> None:
    """Each way to be wrong has its name, and no row comes out of it."""
    assert read_send_answer(body) is why


NEW = {
    "errorCode": "E400",
    "description": "Request cannot be processed.",
    "action": "Check.",
    "violations": [{"property": "messages[0].destinations", "violation": "must not be empty"}],
    "resources": [],
}
OLD = {
    "requestError": {
        "serviceException": {
            "messageId": "BAD_REQUEST",
            "text": "Bad request",
            "validationErrors": {"limit": ["must be at most 1000"]},
        }
    }
}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            NEW,
            ProviderError(
                "E400", "Request cannot be processed.", ("messages[0].destinations: must not be empty",)
            ),
        ),
        ({"errorCode": "E1", "description": ""}, ProviderError("E1", "")),
        ({"errorCode": "E1", "description": "d", "violations": [7, {}]}, ProviderError("E1", "d", (": ",))),
        (OLD, ProviderError("BAD_REQUEST", "Bad request", ("limit",))),
        ({"requestError": {"serviceException": {}}}, ProviderError("", "")),
    ],
)
def test_both_shapes_of_an_error_are_the_providers(body: object, error: ProviderError) -> None:
    """The two that the API documents, with or without their optional fields."""
    assert read_error(orjson.dumps(body)) == error


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>403 Forbidden</html>",
        b"null",
        b"[]",
        b"{}",
        b'{"error":"forbidden","message":"no"}',
        b'{"errorCode":"E400"}',
        b'{"description":"d"}',
        b'{"errorCode":400,"description":"d"}',
        b'{"errorCode":"E400","description":null}',
        b'{"requestError":{}}',
        b'{"requestError":"serviceException"}',
        b'{"requestError":{"serviceException":"BAD_REQUEST"}}',
        b'{"errorCode":"E400","errorCode":"E401","description":"d"}',
    ],
)
def test_other_bodies_are_somebody_elses(body: bytes) -> None:
    """A firewall's or a captive portal's words refuse nothing in the provider's name."""
    assert read_error(body) is None


def test_words_of_the_provider_carry_no_values() -> None:
    """Numbers of a phone's length, what is quoted, and letters and control characters outside ASCII go."""
    words = "must be a phone, was '0901234567' (\x1b[31m84901234567), name \"Nguyen An\" Trần, at most 1000"
    assert plain(words) == "must be a phone, was … (…[31m…), name … Tr…n, at most 1000"
    assert len(plain("a" * 10_000)) == 300
    assert plain(None) == ""


def test_a_long_list_of_violations_is_cut() -> None:
    """A bad batch names each of its messages; twenty show the pattern."""
    violations = [{"property": f"messages[{n}].to", "violation": "bad"} for n in range(500)]
    error = read_error(orjson.dumps(NEW | {"violations": violations}))
    assert error is not None
    assert len(error.violations) == 20
