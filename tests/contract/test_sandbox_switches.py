"""Switches for what the contract leaves open: each reading of it, seen from the caller's side."""

from base64 import b64encode
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.contract.sandbox_caller import HOUR_MS, NOON, SENDER, Caller, message
from zalosync.sandbox import checks
from zalosync.sandbox.routes import Request
from zalosync.sandbox.settings import Credential, ListedTemplate, Rule, Settings, SettingsError, Shares

CALM = Settings(
    shares=Shares(no_account=0, expired=0, refused=0, provider_error=0, no_report=0),
    delay_median_ms=0,
    delay_max_ms=0,
)
SEND = "/zalo/2/messages"
UID = "1234567890123456789"


def _calm(**changes: Any) -> Settings:
    return CALM.model_copy(update=changes)


def _ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["messageId"] for row in rows]


BROKEN = message("b") | {"options": {"encrypted": "yes"}}


@pytest.mark.parametrize(
    ("switch", "status", "rows", "accepted"),
    [
        ("request", 400, None, 0),
        ("partial", 400, None, 2),
        ("row", 200, [("a", 7), ("c", 7), ("b", 100)], 2),
    ],
)
def test_one_broken_message(switch: Any, status: int, rows: Any, accepted: int) -> None:
    """One message that breaks the shapes fails the request, or only itself: by a 400 or by its row."""
    caller = Caller(_calm(invalid_message=switch))
    answer = caller.send(message("a"), BROKEN, message("c"), status=status)
    if rows is None:
        assert [each["property"] for each in answer["violations"]] == ["messages[1].options.encrypted"]
    else:
        assert [(row["messageId"], row["status"]["id"]) for row in answer["messages"]] == rows
        assert caller.totals()["refused"] == 1
    assert caller.totals()["accepted"] == accepted


@pytest.mark.parametrize("switch", ["partial", "row"])
def test_a_broken_request_is_broken_in_any_case(switch: Any) -> None:
    """What is wrong with the request itself, and not with a message, is 400 and nothing is taken."""
    caller = Caller(_calm(invalid_message=switch))
    caller.send(message("a"), schedule={"sendAt": "tomorrow"}, status=400)
    caller.json("POST", SEND, {"messages": 5}, status=400)
    caller.send(message("a"), BROKEN, schedule={"sendAt": "2200-01-01T00:00:00.000+0000"}, status=400)
    assert caller.totals()["accepted"] == 0


def test_broken_messages_that_say_nothing_have_no_row() -> None:
    """A broken message without a readable destination is left out of the rows."""
    caller = Caller(_calm(invalid_message="row"))
    answer = caller.json("POST", SEND, {"messages": [5, {"destinations": [7, {"to": 1}, {"to": "84901"}]}]})
    assert [row.get("messageId") for row in answer["messages"]] == [None]
    assert answer["messages"][0]["destination"] == "84901"


@pytest.mark.parametrize(
    ("switch", "path"),
    [("brackets", "messages[0].options.encrypted"), ("dots", "messages.0.options.encrypted")],
)
def test_the_notation_of_violations(switch: Any, path: str) -> None:
    """The place of a violation is written with brackets or with dots."""
    answer = Caller(_calm(violation_paths=switch)).send(BROKEN, status=400)
    assert [each["property"] for each in answer["violations"]] == [path]


def test_dots_leave_the_old_shape_alone() -> None:
    """The logs' own error shape has no such paths."""
    answer = Caller(_calm(violation_paths="dots")).json("GET", "/zalo/1/logs", query="limit=0", status=400)
    assert answer["requestError"]["serviceException"]["validationErrors"] == {"limit": ["must be at least 1"]}


def _send_status(caller: Caller, message_id: str) -> int:
    """A send without the check against the document, which lists no 429 for it."""
    body = orjson.dumps({"messages": [message(message_id)]})
    headers = {"authorization": "App sandbox"}
    return caller.model.handle(Request("POST", SEND, "", headers, body), caller.now).status


def test_sends_may_be_throttled() -> None:
    """With a number sends answer 429 beyond it, and nothing of those is taken."""
    caller = Caller(_calm(sends_per_second=2))
    assert [_send_status(caller, f"m{n}") for n in range(3)] == [200, 200, 429]
    caller.wait(1000)
    assert _send_status(caller, "m3") == 200
    assert caller.totals()["accepted"] == 3
    free = Caller(CALM)
    assert [_send_status(free, f"m{n}") for n in range(30)] == [200] * 30


def test_pulls_of_reports_may_be_throttled() -> None:
    """With a number the call for reports answers 429 beyond it."""
    caller = Caller(_calm(reports_per_minute=2, retry_after=True))
    found = [caller.call("GET", "/zalo/1/reports") for _ in range(3)]
    assert [each.status for each in found] == [200, 200, 429]
    assert dict(found[2].headers)["retry-after"] == "60"


@pytest.mark.parametrize(("switch", "third"), [("sliding", 429), ("fixed", 200)])
def test_a_throttle_slides_or_begins_anew(switch: Any, third: int) -> None:
    """Calls around the turn of a minute share a sliding span, not a fixed one."""
    caller = Caller(_calm(throttle=switch, logs_per_minute=2), now=NOON + 50_000)
    caller.logs()
    caller.logs()
    assert caller.call("GET", "/zalo/1/logs").status == 429
    caller.wait(15_000)
    assert caller.call("GET", "/zalo/1/logs").status == third


@pytest.mark.parametrize(
    ("switches", "statuses"),
    [
        ({"flood_per_hour": 2}, [7, 7, 20]),
        ({"flood_same_per_hour": 2}, [7, 7, 20]),
        ({"flood_same_per_hour": 3, "flood_per_hour": 2}, [7, 7, 20]),
        ({}, [7, 7, 7]),
    ],
)
def test_a_flood_to_one_person(switches: dict[str, Any], statuses: list[int]) -> None:
    """Beyond so many messages to one person in an hour the next is refused; no other is, nor a later one."""
    caller = Caller(_calm(**switches))
    assert [status for _, status in caller.statuses(*(message(f"m{n}") for n in range(3)))] == statuses
    assert caller.statuses(message("o", "84907654321")) == [("o", 7)]
    caller.wait(HOUR_MS)
    assert caller.statuses(message("later")) == [("later", 7)]


def test_other_words_are_no_flood() -> None:
    """The filter of identical messages lets other values through."""
    caller = Caller(_calm(flood_same_per_hour=1))
    words = [{"type": "TEMPLATE", "templateName": 1, "templateData": {"n": n}} for n in ("1", "2", "1")]
    sent = [message(f"m{n}", content=each) for n, each in enumerate(words)]
    assert [status for _, status in caller.statuses(*sent)] == [7, 7, 20]


@pytest.mark.parametrize(
    ("switch", "statuses", "deliveries"),
    [("alike", [7, 23, 7], 1), ("take", [7, 7, 7], 2)],
)
def test_the_same_id_within_one_request(switch: Any, statuses: list[int], deliveries: int) -> None:
    """An id that comes twice in one request is a duplicate, or both are sent; over requests it stays one."""
    caller = Caller(_calm(duplicates_in_request=switch))
    assert [s for _, s in caller.statuses(message("a"), message("a"), message("b"))] == statuses
    assert caller.seen("a")["deliveries"] == deliveries
    assert caller.statuses(message("a")) == [("a", 23)]


def test_the_same_id_within_one_request_may_be_an_error() -> None:
    """With the switch such a request is 400, and nothing of it is taken."""
    caller = Caller(_calm(duplicates_in_request="refuse"))
    answer = caller.send(message("a"), message("b"), message("a"), status=400)
    assert answer["violations"] == [
        {"property": "messages[2].destinations[0].messageId", "violation": "must be unique"}
    ]
    assert caller.totals()["accepted"] == 0
    assert caller.statuses(message("a"), message("b")) == [("a", 7), ("b", 7)]


@pytest.mark.parametrize("duplicates", ["reject_in_response", "reject_async"])
@pytest.mark.parametrize("charged", [False, True])
def test_a_refused_duplicate_may_cost(duplicates: Any, charged: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Whether a refused duplicate is charged is a switch; its own row says so."""
    caller = Caller(_calm(duplicates=duplicates, duplicate_charged=charged, duplicate_own_row=True))
    caller.send(message())
    caller.send(message())
    caller.wait(1000)
    assert caller.totals()["charged"] == {"messages": 1 + charged, "amount": 0.01 * (1 + charged)}
    refused = [row for row in caller.logs() if row["status"]["id"] == 23]
    assert [row["price"]["pricePerMessage"] for row in refused] == [0.01 if charged else 0]


@pytest.mark.parametrize(
    ("switch", "query", "found"),
    [
        ("both", "messageId=a,b&messageId=c", {"a", "b", "c"}),
        ("commas", "messageId=a,b", {"a", "b"}),
        ("commas", "messageId=a&messageId=b,c", {"b", "c"}),
        ("repeated", "messageId=a&messageId=b", {"a", "b"}),
        ("repeated", "messageId=a,b&messageId=c", {"c"}),
    ],
)
def test_the_notation_of_many_ids(switch: Any, query: str, found: set[str]) -> None:
    """Several ids come with commas or as repeated names; text and schema disagree."""
    caller = Caller(_calm(log_message_ids=switch))
    caller.send(*(message(each) for each in "abc"))
    assert set(_ids(caller.logs(query))) == found


def test_too_many_ids() -> None:
    """Ids may have a longest length in all; beyond it the logs answer 400."""
    caller = Caller(_calm(log_ids_length=5))
    assert caller.logs("messageId=aa,bb") == []
    answer = caller.json("GET", "/zalo/1/logs", query="messageId=aa,bbb", status=400)
    assert "messageId" in answer["requestError"]["serviceException"]["validationErrors"]


def test_logs_say_what_the_answer_said() -> None:
    """A message that waits has the same status in the logs as in the answer."""
    caller = Caller(_calm(accepted_status=26, delay_median_ms=1000, delay_max_ms=1000))
    assert caller.statuses(message()) == [("m1", 26)]
    assert [row["status"]["id"] for row in caller.logs()] == [26]


@pytest.mark.parametrize(
    ("switch", "again", "filtered"),
    [("account", [], []), ("filter", [], ["m1"]), ("never", ["m1"], ["m1"])],
)
def test_once_by_filter(switch: Any, again: list[str], filtered: list[str]) -> None:
    """What is handed out once may count by account, by filter, or not at all."""
    caller = Caller(_calm(reports_once=switch))
    caller.send(message())
    assert _ids(caller.reports()) == ["m1"]
    assert _ids(caller.reports()) == again
    assert _ids(caller.reports("messageId=m1")) == filtered


@pytest.mark.parametrize(("switch", "left"), [("read", []), ("receipt", ["m1"])])
def test_a_report_whose_answer_was_lost(switch: Any, left: list[str]) -> None:
    """The mark is set when reports are read, or when their answer got through."""
    fault = {"do": "accepted-then-reset", "on": "reports", "requests": [1]}
    caller = Caller(_calm(reports_mark=switch), [fault])
    caller.send(message())
    assert caller.call("GET", "/zalo/1/reports").wire.action == "reset"
    assert _ids(caller.reports()) == left
    assert caller.reports() == []
    assert caller.totals()["reported"] == 1


def test_scopes_of_the_call_for_reports() -> None:
    """Which scopes open the call for reports is told nowhere: a switch."""
    keys = tuple(
        Credential(secret=scope, scopes=frozenset({scope}))
        for scope in ("message:send", "zalo:logs:read", "subscriptions:manage")
    )
    for scopes, statuses in (
        (CALM.reports_scopes, [200, 200, 403]),
        (frozenset({"zalo:logs:read"}), [403, 200, 403]),
        (frozenset(), [200, 200, 200]),
    ):
        caller = Caller(_calm(credentials=keys, reports_scopes=scopes))
        found = [caller.call("GET", "/zalo/1/reports", key=f"App {each.secret}").status for each in keys]
        assert found == statuses


@pytest.mark.parametrize(("switch", "status"), [("clip", 200), ("refuse", 400)])
def test_a_validity_of_more_than_two_days(switch: Any, status: int) -> None:
    """A longer validity is cut to 48 hours in silence, or refused; 48 hours are right in any case."""
    caller = Caller(_calm(long_validity=switch))
    for unit, most in (("HOURS", 48), ("MINUTES", 2880), ("SECONDS", 172_800)):
        caller.send(message(options={"validityPeriod": {"amount": most, "timeUnit": unit}}))
        long = message(options={"validityPeriod": {"amount": most + 1, "timeUnit": unit}})
        caller.send(long, status=status)
    caller.send(message(options={"validityPeriod": {"amount": 2881}}), status=status)


@pytest.mark.parametrize(("switch", "hours"), [("utc", 0), ("local", 24)])
def test_whose_days_a_window_means(switch: Any, hours: int) -> None:
    """Friday 20:00 UTC is Saturday in Viet Nam: whose day it is decides whether the window is open."""
    caller = Caller(_calm(window_days=switch), now=NOON + 16 * HOUR_MS)  # Friday 20:00 UTC
    night = {"from": {"hour": 20, "minute": 0}, "to": {"hour": 22, "minute": 0}}
    caller.send(message(options={"deliveryTimeWindow": {"days": ["FRIDAY", "SUNDAY"], **night}}))
    (leaves,) = caller.connection.execute("SELECT leaves_at FROM messages").fetchone()
    assert leaves == caller.now + hours * HOUR_MS


@pytest.mark.parametrize(("mode", "delivered"), [("REGULAR", 1), ("AUTO", 3)])
def test_the_mode_of_who_names_none(mode: Any, delivered: int) -> None:
    """A promotion beyond its quota fails or is dearer, by the mode that holds for who names none."""
    promotion = ListedTemplate(id=322307, tag="PROMOTION")
    caller = Caller(_calm(sending_mode=mode, monthly_promotion_quota=1, templates=(promotion,)))
    caller.send(*(message(f"m{n}", f"8490000000{n}") for n in range(3)))
    assert caller.totals(end=True)["delivered"] == delivered


@pytest.mark.parametrize(("switch", "state"), [("refuse", "undeliverable"), ("accept", "delivered")])
def test_text_to_a_phone(switch: Any, state: str) -> None:
    """Only templates go to phone numbers, unless switched; to a user id text goes in any case."""
    caller = Caller(_calm(text_to_phone=switch))
    content = {"type": "TEXT", "text": "Xin chào"}
    caller.send(message("p", content=content), message("u", UID, content=content))
    assert (caller.seen("p")["state"], caller.seen("u")["state"]) == (state, "delivered")


@pytest.mark.parametrize(("switch", "status"), [("ignore", 200), ("refuse", 400)])
def test_a_failover_without_a_number(switch: Any, status: int) -> None:
    """The SMS failover of a user id needs a number; without it there is no SMS, or the request is refused."""
    caller = Caller(_calm(failover_number=switch, rules=(Rule(fate="no_account"),)))
    plain = {"text": "x"}
    caller.send(message("p", options={"smsFailover": plain}))
    named = plain | {"destinationMatching": [{"initial": UID, "failover": "84901234567"}]}
    caller.send(message("n", UID, options={"smsFailover": named}))
    caller.send(message("u", UID, options={"smsFailover": plain}), status=status)
    assert caller.totals(end=True)["failover"]["sent"] == 2


@pytest.mark.parametrize(("switch", "status"), [("report", 200), ("refuse", 400)])
def test_a_wrong_key_told_late_or_at_once(switch: Any, status: int) -> None:
    """What cannot be opened is told by a report, or refused at once; what can be opened is taken."""
    caller = Caller(_calm(wrong_key=switch))
    caller.json("POST", f"/zalo/1/sender/{SENDER}/public-key")
    key = checks.private_key(caller.model.world, SENDER).public_key()
    mask = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    sealed = b64encode(key.encrypt(b"Lan", mask)).decode()

    def one(message_id: str, value: str) -> dict[str, Any]:
        content = {"type": "TEMPLATE", "templateName": 1, "templateData": {"name": value}}
        return message(message_id, content=content, options={"encrypted": True})

    caller.send(one("right", sealed))
    caller.send(one("other", sealed), one("wrong", "A" * 344), status=status)
    caller.open_sealed()
    assert caller.totals(end=True)["delivered"] == (2 if status == 200 else 1)
    assert caller.totals(end=True)["accepted"] == (3 if status == 200 else 1)


@pytest.mark.parametrize(("switch", "found"), [("all", [1, 2]), ("enabled", [1])])
def test_a_list_of_templates_without_a_status(switch: Any, found: list[int]) -> None:
    """A list that asks for no status has all templates, or those that are enabled; text and enum disagree."""
    listed = (ListedTemplate(id=1), ListedTemplate(id=2, status="DISABLE"))
    caller = Caller(_calm(templates_shown=switch, templates=listed))
    path = f"/zalo/1/sender/{SENDER}/templates"
    assert [row["templateName"] for row in caller.json("GET", path)["results"]] == found
    assert len(caller.json("GET", path, query="status=ALL")["results"]) == 2


def test_codes_of_failures() -> None:
    """Which status and error a cause gets is a switch, cause by cause."""
    rules = (Rule(fate="no_account", to="8490*"), Rule(fate="refused"))
    caller = Caller(_calm(rules=rules, codes={"no_account": (2, 4, 7050), "bad_phone": (5, 6, 351)}))
    assert caller.statuses(message("x", "12")) == [("x", 6)]
    caller.send(message("a"), message("b", "84907654321"), message("c", "84931234567"))
    rows = {row["messageId"]: (row["status"]["id"], row["error"]["id"]) for row in caller.logs()}
    assert rows == {"x": (6, 351), "a": (4, 7050), "b": (4, 7050), "c": (9, 7003)}


@pytest.mark.parametrize(
    "codes",
    [
        {"weather": (2, 9, 7002)},
        {"delivered": (2, 9, 7002)},
        {"no_account": (3, 5, 0)},
        {"no_account": (1, 7, 0)},
        {"no_account": (2, 52, 0)},
        {"no_account": (2, 9, 9999)},
        {"no_account": (2, 9)},
    ],
)
def test_codes_that_cannot_be(codes: Any) -> None:
    """A cause, a status or an error that does not exist, or is no failure, is refused."""
    with pytest.raises(SettingsError, match="codes"):
        Settings.from_mapping({"codes": codes})
