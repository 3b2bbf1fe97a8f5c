"""Every fault by its name: what the caller gets, and what the sandbox really took."""

import gzip
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.contract.sandbox_caller import SENDER, Caller, message
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.behaviours import BEHAVIOURS
from zalosync.sandbox.refusals import NOTHING_TAKEN, TAKEN_THEN
from zalosync.sandbox.settings import Settings, Shares
from zalosync.sandbox.spoiled import BODIES, ROWS
from zalosync.sandbox.turn import ALL

KEY_PATH = f"/zalo/1/sender/{SENDER}/public-key"
CALM = Settings(
    shares=Shares(no_account=0, expired=0, refused=0, provider_error=0, no_report=0),
    delay_median_ms=0,
    delay_max_ms=0,
)
BATCH = [message(f"m{n}", f"8490000000{n}") for n in range(6)]


def _caller(do: str, **more: Any) -> Caller:
    return Caller(CALM, [{"do": do, **more}])


def _send(caller: Caller) -> Reply:
    return caller.call("POST", "/zalo/2/messages", {"messages": BATCH})


def _rows(reply: Reply) -> list[dict[str, Any]]:
    parsed = orjson.loads(reply.body)
    rows: list[dict[str, Any]] = parsed.get("messages", parsed.get("results"))
    return rows


SEND_FAULTS = [name for name, each in BEHAVIOURS.items() if "send" in each.calls]


@pytest.mark.parametrize("name", [name for name in SEND_FAULTS if name in NOTHING_TAKEN])
def test_faults_that_take_nothing(name: str) -> None:
    """What refuses or drops a request before its acceptance leaves no trace of a message."""
    caller = _caller(name)
    reply = _send(caller)
    assert caller.totals(end=True)["accepted"] == 0
    assert caller.totals(end=True)["faults"]
    assert reply.wire.action != "answer" or reply.status != 200 or b"html" in reply.body


@pytest.mark.parametrize("name", [name for name in SEND_FAULTS if name in TAKEN_THEN | BODIES | ROWS])
def test_faults_that_take_everything(name: str) -> None:
    """Whatever a fault does to the answer afterwards, every message was taken, and exactly once."""
    caller = _caller(name)
    _send(caller)
    assert caller.totals(end=True)["accepted"] == len(BATCH)
    assert caller.totals(end=True)["deliveries"] == len(BATCH)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 422, 429, 500, 502, 503])
def test_refusals_have_the_providers_shape(status: int) -> None:
    """A refusal has the error body of the call: the new shape, or the old one for logs."""
    caller = _caller(f"refuse-{status}")
    new = orjson.loads(_send(caller).body)
    assert sorted(new) == ["action", "description", "errorCode", "resources", "violations"]
    assert new["errorCode"] == f"E{status}"
    reply = caller.call("GET", "/zalo/1/logs")
    assert reply.status == status
    assert orjson.loads(reply.body)["requestError"]["serviceException"]["text"]


def test_retry_after_where_it_is_asked_for() -> None:
    """A 429 carries Retry-After only where the script says so."""
    assert "retry-after" not in dict(_send(_caller("refuse-429")).headers)
    assert dict(_send(_caller("refuse-429", **{"with": {"retry_after": 7}})).headers)["retry-after"] == "7"


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("reset-before-reading", "reset"),
        ("close-before-reading", "close"),
        ("hang-before-reading", "hang"),
        ("reset-unaccepted", "reset"),
        ("close-unaccepted", "close"),
        ("hang-unaccepted", "hang"),
        ("interim-only", "close"),
        ("accepted-then-reset", "reset"),
        ("accepted-then-close", "close"),
        ("accepted-then-hang", "hang"),
        ("cut-headers", "cut_headers"),
        ("cut-body", "cut_body"),
        ("slow", "answer"),
        ("drip", "answer"),
        ("interim-first", "answer"),
        ("partial-accept-then-reset", "reset"),
    ],
)
def test_connection_faults_are_data(name: str, action: str) -> None:
    """What happens to the connection stands in the reply, so that every door acts alike."""
    assert _send(_caller(name)).wire.action == action


def test_connection_faults_at_the_opening() -> None:
    """Connections are counted apart from requests: the second one is reset as it opens."""
    caller = Caller(CALM, [{"do": "reset-on-connect", "requests": [2]}])
    found = [caller.model.connected(caller.now) for _ in range(3)]
    assert [wire and wire.action for wire in found] == [None, "reset", None]


def test_rows_left_out_and_added() -> None:
    """Missing, foreign, repeated, reversed and swapped rows look as their names say."""
    ids = [f"m{n}" for n in range(6)]

    def got(name: str) -> list[str]:
        return [row["messageId"] for row in _rows(_send(_caller(name)))]

    missing = got("missing-rows")
    assert missing
    assert set(missing) < set(ids)
    assert got("no-rows") == []
    assert any(each.startswith("foreign") for each in got("foreign-ids"))
    assert got("extra-rows") == [*ids, "foreign-row"]
    assert len(got("repeated-rows")) > 6
    assert set(got("repeated-rows")) == set(ids)
    assert got("reversed-rows") == ids[::-1]
    swapped = _rows(_send(_caller("swapped-ids")))
    assert {row["messageId"] for row in swapped} == set(ids)
    assert all(row["destination"][-1] != row["messageId"][-1] for row in swapped)


@pytest.mark.parametrize(
    ("name", "group", "number"),
    [
        ("pending-26", 1, 26),
        ("unknown-pending", 1, 904),
        ("unknown-rejected", 5, 905),
        ("unknown-delivered", 3, 906),
        ("unknown-group", 9, 907),
        ("handed-over", 3, 2),
        ("delivered-at-once", 3, 5),
        ("said-duplicate", 5, 23),
        ("said-rejected", 5, 52),
    ],
)
def test_rows_with_another_status(name: str, group: int, number: int) -> None:
    """The message that `match` names gets the status, the others stay honest."""
    rows = _rows(_send(_caller(name, match={"messageId": "m2"})))
    found = {row["messageId"]: (row["status"]["groupId"], row["status"]["id"]) for row in rows}
    assert found == {f"m{n}": (group, number) if n == 2 else (1, 7) for n in range(6)}


def test_bodies_that_are_no_answer() -> None:
    """Empty, half, foreign, doubled, huge, packed and badly encoded bodies look as their names say."""

    def body(name: str) -> bytes:
        return _send(_caller(name)).body

    assert body("empty-body") == b""
    for name in ("half-body", "no-json", "not-utf8"):
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(body(name))
    assert isinstance(orjson.loads(body("json-array")), list)
    assert body("double-keys").count(b'"messages"') == 2
    assert len(body("huge-body")) > 10_000_000
    packed = _send(_caller("gzip-bomb"))
    assert dict(packed.headers)["content-encoding"] == "gzip"
    assert len(packed.body) < 100_000
    assert len(gzip.decompress(packed.body)) > 10_000_000
    assert dict(_send(_caller("text-type")).headers)["content-type"] == "text/plain"
    assert "bulkId" not in orjson.loads(body("no-bulk-id"))


def test_clock_skew() -> None:
    """The Date header lies by what the script says."""
    reply = _send(_caller("clock-skew", **{"with": {"skew_ms": 3_600_000}}))
    assert dict(reply.headers)["date"] == "Fri, 01 Jan 2027 05:00:00 GMT"


def test_partial_acceptance() -> None:
    """Some messages are dropped: unanswered, or answered as taken, or hidden behind a reset or a 500."""
    for name in ("partial-accept", "phantom-accept", "partial-accept-then-reset", "partial-accept-then-500"):
        caller = _caller(name, match={"to": "84900000001"})
        reply = _send(caller)
        assert caller.totals(end=True)["accepted"] == 5, name
        if name == "partial-accept":
            assert {row["messageId"] for row in _rows(reply)} == {"m0", "m2", "m3", "m4", "m5"}
        if name == "phantom-accept":
            assert [row["status"]["id"] for row in _rows(reply)] == [7] * 6
    assert 1 <= _accepted_by_share("partial-accept") <= 5


def _accepted_by_share(name: str) -> int:
    caller = _caller(name, **{"with": {"share": 0.5}})
    _send(caller)
    return int(caller.totals(end=True)["accepted"])


def test_a_refused_row() -> None:
    """`row-rejected` refuses the matched message honestly, by the cause that is given."""
    caller = _caller("row-rejected", match={"messageId": "m3"}, **{"with": {"cause": "flooding"}})
    rows = _rows(_send(caller))
    assert [row["status"]["id"] for row in rows] == [7, 7, 7, 20, 7, 7]
    assert caller.totals(end=True)["accepted"] == 5


@pytest.mark.parametrize(
    ("name", "status", "deliveries"),
    [("duplicates-reject", 23, 1), ("duplicates-later", 7, 1), ("duplicates-twice", 7, 2)],
)
def test_duplicates_for_one_request(name: str, status: int, deliveries: int) -> None:
    """What becomes of a used id can be another thing for one request alone."""
    caller = _caller(name, requests=[2])
    caller.send(message())
    assert caller.statuses(message()) == [("m1", status)]
    assert caller.seen("m1")["deliveries"] == deliveries
    assert caller.statuses(message()) == [("m1", 23)]


def test_logs_late_full_and_spoiled() -> None:
    """Logs can lag, be filled to their limit, lose rows and come without what is optional."""
    checks: list[tuple[str, Callable[[list[dict[str, Any]]], bool]]] = [
        ("late-logs", lambda rows: rows == []),
        ("full-page", lambda rows: len(rows) == 50 and rows[-1]["messageId"].startswith("other-")),
        ("missing-rows", lambda rows: 0 < len(rows) < 6),
        ("bare-rows", lambda rows: any("sentAt" not in row for row in rows)),
        ("no-status", lambda rows: any("status" not in row for row in rows)),
    ]
    for name, check in checks:
        caller = Caller(CALM, [{"do": name, "on": "logs"}])
        _send(caller)
        assert check(_rows(caller.call("GET", "/zalo/1/logs"))), name


def test_reports_lost_on_the_way() -> None:
    """A report page whose answer is lost is lost for good: the mark is set when it is read."""
    caller = Caller(CALM, [{"do": "accepted-then-reset", "on": ["reports"], "requests": [1]}])
    _send(caller)
    assert caller.call("GET", "/zalo/1/reports").wire.action == "reset"
    assert caller.reports() == []
    assert caller.totals()["reported"] == 6


def test_keys_that_do_not_fit() -> None:
    """A key may come armoured, cut, or be another one."""
    caller = Caller(CALM)
    honest = caller.json("POST", KEY_PATH)["publicKey"]
    checks: list[tuple[str, Callable[[str], bool]]] = [
        ("key-pem", lambda key: key.startswith("-----BEGIN PUBLIC KEY-----")),
        ("key-broken", lambda key: honest.startswith(key) and key != honest),
        ("key-foreign", lambda key: key != honest and key.startswith("MIIBIjANB")),
    ]
    for name, check in checks:
        faulty = Caller(CALM, [{"do": name}])
        faulty.model.world.make_key = caller.model.world.make_key
        assert check(orjson.loads(faulty.call("POST", KEY_PATH).body)["publicKey"]), name


def test_faults_of_other_calls() -> None:
    """Every call can be refused, not only sends."""
    paths = {
        "templates": ("GET", f"/zalo/1/sender/{SENDER}/templates"),
        "template": ("GET", f"/zalo/1/sender/{SENDER}/templates/1"),
        "create_template": ("POST", f"/zalo/2/sender/{SENDER}/templates"),
        "edit_template": ("PUT", f"/zalo/2/sender/{SENDER}/templates"),
        "media": ("POST", f"/zalo/1/sender/{SENDER}/media"),
        "quota": ("GET", f"/zalo/1/sender/{SENDER}/quota"),
        "get_key": ("GET", KEY_PATH),
        "create_key": ("POST", KEY_PATH),
        "reports": ("GET", "/zalo/1/reports"),
        "logs": ("GET", "/zalo/1/logs"),
        "send": ("POST", "/zalo/2/messages"),
    }
    assert set(paths) == set(ALL)
    for name, (method, path) in paths.items():
        caller = Caller(CALM, [{"do": "refuse-502", "on": [name]}])
        assert caller.call(method, path, {}).status == 502
        for other, (other_method, other_path) in paths.items():
            if other != name:
                assert caller.call(other_method, other_path, {}).status != 502


def test_two_faults_on_one_request() -> None:
    """All faults that hold act on one request: a part is dropped, and the answer is lost on top."""
    script: list[dict[str, Any]] = [
        {"do": "accepted-then-reset"},
        {"do": "partial-accept", "match": {"messageId": "m0"}},
    ]
    caller = Caller(CALM, script)
    assert _send(caller).wire.action == "reset"
    assert caller.totals(end=True)["accepted"] == 5
    both: list[dict[str, Any]] = [
        {"do": "partial-accept", "match": {"messageId": "m0"}},
        {"do": "partial-accept", "match": {"messageId": "m1"}},
        {"do": "row-rejected", "match": {"messageId": "m2"}},
    ]
    caller = Caller(CALM, both)
    assert [row["messageId"] for row in _rows(_send(caller))] == ["m2", "m3", "m4", "m5"]
    assert caller.totals(end=True)["accepted"] == 3


def test_at_least_forty_behaviours() -> None:
    """There are at least forty ways to misbehave on a send, each told in one line."""
    assert len(SEND_FAULTS) >= 40
    assert all(each.told and len(each.told) < 100 for each in BEHAVIOURS.values())


def test_accepted_after_the_caller_gave_up() -> None:
    """A request may arrive long after its connection broke: absent at first, taken later, once."""
    caller = _caller("accepted-later", requests=[1], **{"with": {"lag_ms": 900_000}})
    assert _send(caller).wire.action == "reset"
    assert caller.logs() == []
    assert caller.totals()["accepted"] == 0
    caller.wait(899_999)
    assert caller.totals()["accepted"] == 0
    caller.wait(1)
    assert caller.totals()["accepted"] == 6
    assert len(caller.logs()) == 6
    caller.wait(900_000)
    assert caller.totals()["accepted"] == 6


@pytest.mark.parametrize(
    ("shape", "key"), [("own", "errorCode"), ("old", "requestError"), ("new", "errorCode")]
)
def test_a_refusal_in_the_other_shape(shape: str, key: str) -> None:
    """A refusal can come in the shape of another call."""
    assert key in orjson.loads(_send(_caller("refuse-429", **{"with": {"shape": shape}})).body)
