"""Pushed reports: batches, shapes, signatures, retries, and the disorder a receiver must live with."""

import hmac
from base64 import b64decode, b64encode
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest

from tests.contract.sandbox_caller import HOUR_MS, Caller, message, openapi
from zalosync.sandbox import webhook
from zalosync.sandbox.settings import Push, Rule, Settings, Shares

URL = "http://127.0.0.1:9/dlr"
MINUTE_MS = 60_000


def _caller(count: int = 3, settings: dict[str, Any] | None = None, **push: Any) -> Caller:
    """A sandbox with reports waiting to be pushed."""
    calm = Settings(
        shares=Shares(no_account=0, expired=0, refused=0, provider_error=0, no_report=0),
        delay_median_ms=0,
        delay_max_ms=0,
        push=Push(**{"url": URL, **push}),
        **(settings or {}),
    )
    caller = Caller(calm)
    if count:
        caller.send(*(message(f"m{n}", f"8490000000{n}") for n in range(count)))
    caller.wait(0)
    return caller


def _due(caller: Caller) -> list[webhook.Post]:
    return webhook.due(caller.model.world, caller.now)


def _ids(post: webhook.Post) -> list[str]:
    return [row["messageId"] for row in orjson.loads(post.body)["results"]]


def test_reports_are_pushed_in_batches() -> None:
    """Reports are pushed to the account's URL in batches, as the document's report request."""
    caller = _caller(5, batch=2)
    posts = _due(caller)
    assert [len(_ids(post)) for post in posts] == [2, 2, 1]
    assert {post.url for post in posts} == {URL}
    document = openapi()
    if document is None:
        pytest.skip("no OpenAPI file: set ZALOSYNC_CONTRACT")
    name = next(
        each for each in document.document["components"]["schemas"] if each.endswith(".ZaloReportRequest")
    )
    for post in posts:
        assert document.problems({"$ref": f"#/components/schemas/{name}"}, orjson.loads(post.body)) == []


def test_a_messages_own_url_and_type_win() -> None:
    """A message's own URL and content type come before the account's; without either nothing is pushed."""
    caller = _caller(0, url=None)
    own = {"delivery": {"url": "http://127.0.0.1:9/own"}, "contentType": "application/xml"}
    caller.send(message("a", webhooks=own), message("b"))
    caller.wait(0)
    (post,) = _due(caller)
    assert post.url == "http://127.0.0.1:9/own"
    assert dict(post.headers)["content-type"] == "application/xml"


def test_xml_says_the_same_as_json() -> None:
    """The XML form has the wrapper of the contract and the same values."""
    caller = _caller(2, content_type="application/xml")
    (post,) = _due(caller)
    root = ET.fromstring(post.body.decode())  # noqa: S314 - our own text
    assert root.tag == "ZaloReportRequest"
    rows = root.findall("results/results")
    assert [row.findtext("messageId") for row in rows] == ["m0", "m1"]
    assert rows[0].findtext("status/id") == "5"
    assert rows[0].findtext("error/permanent") == "false"
    assert rows[0].findtext("channel") == "ZALO_NOTIFICATION_SERVICE"


def test_markup_in_values_is_escaped() -> None:
    """Callback data with markup stays data."""
    caller = _caller(0, content_type="application/xml")
    caller.send(message(webhooks={"callbackData": "<a>&</a>"}))
    caller.wait(0)
    (post,) = _due(caller)
    root = ET.fromstring(post.body.decode())  # noqa: S314 - our own text
    assert root.findtext("results/results/callbackData") == "<a>&</a>"


def test_security() -> None:
    """Pushes carry nothing, Basic credentials, or an HMAC with header, prefix and encoding as set."""
    (plain,) = _due(_caller())
    assert [name for name, _ in plain.headers] == ["content-type"]
    (basic,) = _due(_caller(security="basic", user="u", secret="p"))
    assert dict(basic.headers)["authorization"] == "Basic " + b64encode(b"u:p").decode()
    (signed,) = _due(_caller(security="hmac", secret="k"))
    assert (
        dict(signed.headers)["X-Hub-Signature-256"]
        == "sha256=" + hmac.digest(b"k", signed.body, "sha256").hex()
    )
    other: dict[str, Any] = {
        "hmac_header": "X-Sign",
        "hmac_prefix": "",
        "hmac_encoding": "base64",
        "hmac_algorithm": "sha512",
    }
    (signed,) = _due(_caller(security="hmac", secret="k", **other))
    assert b64decode(dict(signed.headers)["X-Sign"]) == hmac.digest(b"k", signed.body, "sha512")


def test_retries_after_1_2_5_10_minutes() -> None:
    """A refused push comes again after 1 + n * n minutes, twenty times, and is lost then."""
    caller = _caller()
    start = caller.now
    times = []
    for _ in range(30):
        found = webhook.next_at(caller.model.world)
        if found is None:
            break
        caller.now = found
        (post,) = _due(caller)
        times.append((caller.now - start) // MINUTE_MS)
        webhook.record(caller.model.world, post.id, 500, caller.now)
    assert times[:6] == [0, 1, 3, 8, 18, 35]
    assert len(times) == 21
    assert times[-1] == sum(1 + n * n for n in range(20)) == 2490
    assert caller.totals()["pushed"] == 0


@pytest.mark.parametrize(
    ("status", "done"), [(200, True), (202, False), (301, False), (500, False), (None, False)]
)
def test_only_200_is_taken_as_received(status: int | None, done: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """By default only 200 counts as received; other answers, and none, are tried again."""
    caller = _caller()
    (post,) = _due(caller)
    webhook.record(caller.model.world, post.id, status, caller.now)
    assert caller.totals()["pushed"] == (3 if done else 0)
    assert (webhook.next_at(caller.model.world) is None) == done
    webhook.record(caller.model.world, post.id, 200, caller.now)
    webhook.record(caller.model.world, post.id, 200, caller.now)
    assert caller.totals()["pushed"] == 3


def test_duplicates_disorder_and_delay() -> None:
    """Pushes come twice, overtake each other and wait, as switched; every report comes at least once."""
    caller = _caller(40, duplicate_share=1.0, disorder=True, batch=1)
    caller.now += 10_000
    posts = webhook.due(caller.model.world, caller.now, limit=1000)
    ids = [_ids(post)[0] for post in posts]
    assert sorted(ids) == sorted([f"m{n}" for n in range(40)] * 2)
    assert ids != sorted(ids)
    thrice = _caller(1, duplicate_share=1.0, duplicate_copies=2)
    thrice.now += 10_000
    assert [_ids(post) for post in _due(thrice)] == [["m0"]] * 3
    late = _caller(delay_ms=5000)
    assert _due(late) == []
    late.wait(5000)
    assert len(_due(late)) == 1


def test_fields_too_many_and_too_few() -> None:
    """Rows may carry fields nobody announced, or none of the optional ones."""
    (post,) = _due(_caller(extra_fields=True, omit_optional=True))
    row = orjson.loads(post.body)["results"][0]
    assert "newField" in row
    assert not {"sentAt", "doneAt", "price", "error"} & row.keys()
    assert {"bulkId", "messageId", "to", "channel"} <= row.keys()


def test_nothing_leaves_the_machine() -> None:
    """A URL that is not on this machine gets no push unless that is switched on; the reports are counted."""
    for stays in (True, False):
        caller = _caller(0, only_loopback=stays)
        own = {"delivery": {"url": "https://hooks.example/dlr"}}
        caller.send(*(message(f"m{n}", webhooks=own) for n in range(3)))
        caller.wait(0)
        assert len(_due(caller)) == int(not stays)
        assert caller.model.world.store.counter("reports_not_pushed") == (3 if stays else 0)
    assert len(_due(_caller(url="https://hooks.example/dlr", only_loopback=False))) == 1


@pytest.mark.parametrize(("consumes", "left"), [(False, 3), (True, 0)])
def test_whether_a_push_consumes_the_pull(consumes: bool, left: int) -> None:  # noqa: FBT001 - a parameter of the test
    """Whether a pushed report can still be pulled is a switch."""
    assert len(_caller(settings={"push_consumes_pull": consumes}).reports()) == left


def test_failover_and_intermediate_rows_are_pushed_too() -> None:
    """Every step that is reported is pushed: 2 before the end, the failure, and the SMS after it."""
    rules = (Rule(fate="no_account"),)
    caller = _caller(0, {"rules": rules, "intermediate_reports": True, "sms_delivered_share": 1.0})
    caller.send(message(options={"smsFailover": {"text": "x"}}))
    caller.wait(HOUR_MS)
    rows = [row for post in _due(caller) for row in orjson.loads(post.body)["results"]]
    assert [(row["channel"][:3], row["status"]["id"]) for row in rows] == [("ZAL", 2), ("ZAL", 9), ("SMS", 5)]


def test_pushes_under_way_are_not_given_twice() -> None:
    """A push that a thread is making is left out until its result is recorded."""
    caller = _caller()
    (post,) = _due(caller)
    assert webhook.due(caller.model.world, caller.now, busy=[post.id]) == []


def test_unknown_statuses_and_bad_signatures() -> None:
    """Some reports carry a status nobody knows, and some pushes a signature that does not fit."""
    (post,) = _due(_caller(security="hmac", secret="k", bad_signature_share=1.0, unknown_status_share=1.0))
    assert (
        dict(post.headers)["X-Hub-Signature-256"] != "sha256=" + hmac.digest(b"k", post.body, "sha256").hex()
    )
    assert {row["status"]["id"] for row in orjson.loads(post.body)["results"]} == {906}
