"""The life of a message on a clock the test moves: schedule, pace, validity, quotas, fates, failover."""

from typing import Any

import pytest

from tests.contract.sandbox_caller import DAY_MS, HOUR_MS, NOON, Caller, message
from zalosync.sandbox.settings import ListedTemplate, Property, Rule, Settings, Shares

MINUTE_MS = 60_000
ALL_DELIVERED = Shares(no_account=0, expired=0, refused=0, provider_error=0, no_report=0)
CALM = Settings(shares=ALL_DELIVERED, delay_median_ms=0, delay_max_ms=0)
NIGHT = NOON + 12 * HOUR_MS  # 23:00 in Viet Nam
TO = "84901234567"


def _calm(**changes: Any) -> Settings:
    return CALM.model_copy(update=changes)


def _final(caller: Caller, message_id: str = "m1") -> tuple[str, int, int]:
    """(state, error, when) of a message at the end of its story."""
    entry = caller.seen(message_id)
    row = next(row for row in entry["rows"] if row["final"])
    return entry["state"], row["error"], row["doneAt"]


def test_a_message_passes_through_its_states() -> None:
    """Logs show pending, then the end; the report comes when the end has come, and only once."""
    caller = Caller(_calm(delay_median_ms=1000, delay_max_ms=1000))
    caller.send(message())
    assert [row["status"]["id"] for row in caller.logs()] == [7]
    assert caller.reports() == []
    caller.wait(1000)
    assert [row["status"]["id"] for row in caller.logs()] == [5]
    (report,) = caller.reports()
    assert (report["messageId"], report["status"]["id"], report["error"]["id"]) == ("m1", 5, 0)
    assert report["channel"] == "ZALO_NOTIFICATION_SERVICE"
    assert caller.reports() == []
    assert (
        caller.totals() | {"accepted": 1, "delivered": 1, "deliveries": 1, "reported": 1} == caller.totals()
    )


def test_reports_come_half_within_two_seconds_and_all_within_six() -> None:
    """By default half of the reports are there after two seconds, and all after six."""
    caller = Caller()
    caller.send(*(message(f"m{n}", f"849{n:08d}") for n in range(1000)))
    caller.wait(2000)
    early = len(caller.reports())
    caller.wait(4000)
    assert early >= 500
    assert early + len(caller.reports()) == 1000


def test_default_shares() -> None:
    """By default about 94 of 100 are delivered, 3 undeliverable, 2 expired; always the same ones."""
    totals = []
    for _ in range(2):
        caller = Caller()
        for batch in range(20):
            caller.send(*(message(f"m{batch}-{n}", f"849{batch:02d}{n:06d}") for n in range(100)))
        totals.append(caller.totals(end=True))
    assert totals[0] == totals[1]
    assert 1850 <= totals[0]["delivered"] <= 1910
    assert 40 <= totals[0]["undeliverable"] <= 110
    assert 20 <= totals[0]["expired"] <= 80


def test_send_at_waits_for_its_time() -> None:
    """A message with sendAt leaves at that time and is pending until then."""
    caller = Caller(CALM)
    caller.send(message(), schedule={"sendAt": "2027-01-01T05:00:00.000+0000"})
    caller.wait(HOUR_MS - 1)
    assert caller.totals()["pending"] == 1
    caller.wait(1)
    assert caller.totals()["delivered"] == 1
    assert caller.reports()[0]["sentAt"] == "2027-01-01T05:00:00.000+0000"


@pytest.mark.parametrize(("switch", "status"), [("now", 200), ("refuse", 400)])
def test_send_at_in_the_past(switch: Any, status: int) -> None:
    """A sendAt in the past is sent at once, or refused, as switched."""
    caller = Caller(_calm(past_send_at=switch))
    caller.send(message(), schedule={"sendAt": "2026-01-01T05:00:00.000+0000"}, status=status)
    assert caller.totals()["delivered"] == int(status == 200)


def test_speed_limit_spreads_a_request() -> None:
    """Sixty a minute let one message leave each second."""
    caller = Caller(CALM)
    speed = {"amount": 60, "timeUnit": "MINUTE"}
    caller.send(*(message(f"m{n}") for n in range(5)), schedule={"sendingSpeedLimit": speed})
    delivered = []
    for _ in range(5):
        delivered.append(caller.totals()["delivered"])
        caller.wait(1000)
    assert delivered == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("scope", "second"), [("request", NOON), ("bulk", NOON + MINUTE_MS)])
def test_speed_limit_over_requests_of_one_bulk(scope: Any, second: int) -> None:
    """Whether a bulk id shares one speed over several requests is a switch."""
    caller = Caller(_calm(pace_scope=scope))
    plan = {"bulkId": "b", "sendingSpeedLimit": {"amount": 1}}
    caller.send(message("m1"), schedule=plan)
    caller.send(message("m2"), schedule=plan)
    caller.wait(HOUR_MS)
    assert _final(caller, "m2")[2] == second


def _window(first: int, last: int, *days: str) -> dict[str, Any]:
    window: dict[str, Any] = {"days": list(days or ("FRIDAY", "SATURDAY"))}
    return {
        "deliveryTimeWindow": window
        | {"from": {"hour": first, "minute": 0}, "to": {"hour": last, "minute": 0}}
    }


@pytest.mark.parametrize(
    ("window", "leaves"),
    [
        (_window(3, 8), NOON),
        (_window(5, 8), NOON + HOUR_MS),
        (_window(1, 3), NOON + 21 * HOUR_MS),
        (_window(5, 8, "SATURDAY"), NOON + 25 * HOUR_MS),
        (_window(23, 5, "THURSDAY"), NOON),
        (_window(23, 3, "FRIDAY"), NOON + 19 * HOUR_MS),
        ({"deliveryTimeWindow": {"days": ["SATURDAY"]}}, NOON + 20 * HOUR_MS),
    ],
)
def test_delivery_window_in_utc(window: dict[str, Any], leaves: int) -> None:
    """A message leaves within its window, which is UTC, may wrap midnight, and belongs to its first day."""
    caller = Caller(CALM)
    caller.send(message(options=window))
    caller.wait(3 * DAY_MS)
    assert _final(caller) == ("delivered", 0, leaves)


def test_window_that_wraps_can_be_refused() -> None:
    """With the switch, a window over midnight is a violation."""
    answer = Caller(_calm(window_wrap="refuse")).send(message(options=_window(23, 5)), status=400)
    assert answer["violations"][0]["property"] == "messages[0].options.deliveryTimeWindow.to"


@pytest.mark.parametrize(("switch", "ends"), [("wait", NOON + HOUR_MS), ("expire", NOON)])
def test_validity_that_ends_in_a_closed_window(switch: Any, ends: int) -> None:
    """A message that cannot leave within its validity expires without having left: error 4100."""
    caller = Caller(_calm(closed_window=switch))
    caller.send(message(options=_window(8, 9) | {"validityPeriod": {"amount": 60}}))
    caller.wait(DAY_MS)
    assert _final(caller) == ("expired", 4100, ends)


@pytest.mark.parametrize(
    ("start", "state"), [("send_at", "delivered"), ("acceptance", "expired"), ("first_attempt", "delivered")]
)
def test_where_validity_starts(start: Any, state: str) -> None:
    """Whether the validity runs from acceptance, from sendAt or from the first attempt is a switch."""
    caller = Caller(_calm(validity_start=start))
    options = {"validityPeriod": {"amount": 30}}
    caller.send(message(options=options), schedule={"sendAt": "2027-01-01T05:00:00.000+0000"})
    caller.wait(DAY_MS)
    assert _final(caller)[0] == state


@pytest.mark.parametrize(("uses", "state"), [(True, "expired"), (False, "delivered")])
def test_whether_the_queue_uses_validity(uses: bool, state: str) -> None:  # noqa: FBT001 - a parameter of the test
    """Whether waiting for the speed limit uses up the validity is a switch."""
    caller = Caller(_calm(queue_uses_validity=uses))
    options = {"validityPeriod": {"amount": 90, "timeUnit": "SECONDS"}}
    plan = {"sendingSpeedLimit": {"amount": 1}}
    caller.send(*(message(f"m{n}", options=options) for n in range(3)), schedule=plan)
    caller.wait(HOUR_MS)
    assert _final(caller, "m2")[0] == state


@pytest.mark.parametrize("hours", [48, 480])
def test_validity_is_48_hours_at_most(hours: int) -> None:
    """A validity longer than 48 hours is silently 48 hours; so is none at all."""
    caller = Caller(_calm(rules=(Rule(fate="expired"),), validity_cap_ms=None))
    caller.send(
        message("m1", options={"validityPeriod": {"amount": hours, "timeUnit": "HOURS"}}), message("m2")
    )
    assert _final(caller, "m1") == ("expired", 4101, NOON + 48 * HOUR_MS)
    assert _final(caller, "m2") == ("expired", 4101, NOON + 48 * HOUR_MS)


def test_delay_beyond_the_validity_expires() -> None:
    """A message whose delivery would take longer than its validity expires."""
    caller = Caller(_calm(delay_median_ms=5000, delay_max_ms=5000))
    caller.send(message(options={"validityPeriod": {"amount": 1, "timeUnit": "SECONDS"}}))
    assert _final(caller) == ("expired", 4101, NOON + 1000)


FATES = [
    ("delivered", "delivered", 5, 0, 1),
    ("no_account", "undeliverable", 9, 7002, 0),
    ("refused", "undeliverable", 9, 7003, 0),
    ("old_app", "undeliverable", 9, 7025, 0),
    ("provider_error", "undeliverable", 9, 7050, 0),
    ("expired", "expired", 15, 4101, 0),
    ("no_report", "expired", 29, 7052, None),
    ("dnd", "rejected", 10, 603, 0),
    ("silent", "delivered", 5, 0, 1),
]


@pytest.mark.parametrize(("fate", "state", "status", "error", "got"), FATES)
def test_fates_by_rule(fate: Any, state: str, status: int, error: int, got: int | None) -> None:
    """A rule gives the messages it matches their fate; only what arrives is charged."""
    caller = Caller(_calm(rules=(Rule(fate=fate, to="84901*"),)))
    caller.send(message("m1"), message("m2", "84911234567"))
    entry = caller.seen("m1")
    assert (entry["state"], entry["rows"][0]["status"], entry["rows"][0]["error"]) == (state, status, error)
    assert got is None or entry["deliveries"] == got
    assert caller.seen("m2")["state"] == "delivered"
    assert caller.totals(end=True)["charged"]["messages"] == 1 + int(state == "delivered")
    caller.wait(10_000)
    reported = {row["messageId"] for row in caller.reports()}
    assert ("m1" in reported) == (fate != "silent")


def test_rules_by_template_sender_and_share() -> None:
    """Rules match templates and senders, and take a seeded share where they say so."""
    rules = (
        Rule(fate="refused", template=1),
        Rule(fate="old_app", sender="9"),
        Rule(fate="no_account", template=2, share=0.5),
    )
    caller = Caller(_calm(rules=rules))
    content = {"type": "TEMPLATE", "templateName": 1}
    caller.send(message("a", content=content), message("b", sender="9"))
    caller.send(*(message(f"c{n}", content=content | {"templateName": 2}) for n in range(100)))
    assert _final(caller, "a")[1] == 7003
    assert _final(caller, "b")[1] == 7025
    assert 30 <= caller.totals(end=True)["undeliverable"] - 2 <= 70


def _failover(**more: Any) -> dict[str, Any]:
    return {"smsFailover": {"text": "Đơn hàng của bạn", **more}}


def test_sms_failover_after_a_failure() -> None:
    """A failed message with a failover goes out as SMS: a second row with its own channel and price."""
    caller = Caller(_calm(rules=(Rule(fate="no_account"),), sms_delivered_share=1.0))
    caller.send(message(options=_failover()))
    caller.wait(10_000)
    zalo, sms = caller.reports()
    assert (zalo["channel"], zalo["status"]["id"]) == ("ZALO_NOTIFICATION_SERVICE", 9)
    assert (sms["channel"], sms["status"]["id"], sms["messageId"]) == ("SMS", 5, "m1")
    assert sms["price"]["pricePerMessage"] == 0.03
    totals = caller.totals()
    assert totals["failover"] == {"sent": 1, "delivered": 1, "price": 0.03}
    assert (totals["undeliverable"], totals["deliveries"]) == (1, 1)


def test_sms_failover_when_the_period_passes() -> None:
    """The failover SMS goes out when the validity ends without a delivery, and not before."""
    caller = Caller(_calm(rules=(Rule(fate="expired"),), validity_cap_ms=None, sms_delivered_share=1.0))
    caller.send(message(options=_failover() | {"validityPeriod": {"amount": 30}}))
    caller.wait(30 * MINUTE_MS - 1)
    assert caller.totals()["deliveries"] == 0
    caller.wait(1)
    assert caller.totals()["deliveries"] == 1


def test_no_sms_after_a_delivery() -> None:
    """A delivered message sends no SMS."""
    caller = Caller(CALM)
    caller.send(message(options=_failover()))
    assert caller.totals(end=True)["failover"]["sent"] == 0


def test_failover_of_a_user_id_needs_a_number() -> None:
    """A message to a Zalo user id fails over only to the number its matching names."""
    caller = Caller(_calm(rules=(Rule(fate="no_account"),)))
    user = "1234567890123456789"
    pair = {"destinationMatching": [{"initial": user, "failover": TO}]}
    caller.send(message("a", user, options=_failover()), message("b", user, options=_failover(**pair)))
    assert len(caller.seen("a")["rows"]) == 1
    assert len(caller.seen("b")["rows"]) == 2


def test_sms_parts_and_only_the_last_step() -> None:
    """A long Vietnamese text counts as several SMS; with the switch only the last step is reported."""
    caller = Caller(_calm(rules=(Rule(fate="no_account"),), failover_reports="final"))
    caller.send(message(options={"smsFailover": {"text": "đ" * 71}}))
    caller.wait(10_000)
    (report,) = caller.reports()
    assert (report["channel"], report["messageCount"]) == ("SMS", 2)


def test_failover_waits_for_the_window_where_switched() -> None:
    """Whether the window binds the failover SMS is a switch."""
    settings = _calm(rules=(Rule(fate="expired"),), validity_cap_ms=None, window_binds_failover=True)
    caller = Caller(settings)
    options = _failover() | _window(4, 5) | {"validityPeriod": {"amount": 2, "timeUnit": "HOURS"}}
    caller.send(message(options=options))
    sms = caller.seen("m1")["rows"][1]
    assert sms["doneAt"] == NOON + DAY_MS


def test_intermediate_report() -> None:
    """A message that asks for it reports 2 DELIVERED_TO_OPERATOR before its end."""
    caller = Caller(_calm(delay_median_ms=3000, delay_max_ms=3000))
    caller.send(message(webhooks={"delivery": {"intermediateReport": True}}))
    caller.wait(1500)
    assert [row["status"]["id"] for row in caller.reports()] == [2]
    assert [row["status"]["id"] for row in caller.logs()] == [2]
    caller.wait(1500)
    assert [row["status"]["id"] for row in caller.reports()] == [5]


def test_no_report_where_none_is_wanted() -> None:
    """`notify: false` means no report at all; the logs know the message all the same."""
    caller = Caller(CALM)
    caller.send(message(webhooks={"delivery": {"notify": False}}))
    assert caller.reports() == []
    assert caller.logs()[0]["status"]["id"] == 5


def test_reports_carry_what_the_message_carried() -> None:
    """Callback data, entity and application come back flat in the report."""
    caller = Caller(CALM)
    platform = {"entityId": "shop-1", "applicationId": "prod"}
    caller.send(message(options={"platform": platform}, webhooks={"callbackData": "spring|1"}))
    (report,) = caller.reports()
    assert {name: report[name] for name in ("callbackData", *platform)} == {
        "callbackData": "spring|1"
    } | platform


def test_daily_quota_used_up() -> None:
    """Messages beyond the daily quota of a sender end with 7026; the next day it is full again."""
    caller = Caller(_calm(daily_quota=2))
    caller.send(*(message(f"m{n}") for n in range(3)))
    caller.wait(DAY_MS)
    caller.send(message("m3"))
    assert [_final(caller, f"m{n}")[1] for n in range(4)] == [0, 0, 7026, 0]


LISTED = {
    "promo": ListedTemplate(id=10, tag="PROMOTION"),
    "care": ListedTemplate(id=11, tag="CUSTOMER_CARE"),
    "order": ListedTemplate(id=12, tag="TRANSACTION", daily_cap=1),
    "otp": ListedTemplate(id=13, tag="CUSTOMER_CARE", otp=True),
    "off": ListedTemplate(id=14, status="DISABLE"),
    "strict": ListedTemplate(
        id=15,
        properties=(
            Property(name="name", max_length=5),
            Property(name="amount", type="CURRENCY_VND", required=False),
            Property(name="note", accept_null=True),
        ),
    ),
}
WORLD = _calm(templates=tuple(LISTED.values()))


def _content(which: str, /, **values: Any) -> dict[str, Any]:
    return {"content": {"type": "TEMPLATE", "templateName": LISTED[which].id, "templateData": values}}


def test_night_block() -> None:
    """From 22:00 to 06:00 in Viet Nam promotion and care get 7024; transactions and codes go out."""
    caller = Caller(WORLD, now=NIGHT)
    for name in ("promo", "care", "order", "otp"):
        caller.send(message(name, **_content(name)))
    assert [_final(caller, name)[1] for name in ("promo", "care", "order", "otp")] == [7024, 7024, 0, 0]
    caller.now = NOON + 19 * HOUR_MS
    caller.send(message("morning", **_content("promo")))
    assert _final(caller, "morning")[1] == 0


def test_promotions_to_one_user_are_capped() -> None:
    """The fifth promotion to one user in a month is refused with 7032; another user still gets one."""
    caller = Caller(WORLD)
    for n in range(5):
        caller.send(message(f"m{n}", **_content("promo")))
    caller.send(message("other", "84911111111", **_content("promo")))
    assert [_final(caller, f"m{n}")[1] for n in range(5)] == [0, 0, 0, 0, 7032]
    assert _final(caller, "other")[1] == 0
    caller.wait(31 * DAY_MS)
    caller.send(message("february", **_content("promo")))
    assert _final(caller, "february")[1] == 0


def test_promotion_quota_and_sending_modes() -> None:
    """Beyond the monthly quota REGULAR fails, AUTO and OVER_THE_LIMIT go out dearer."""
    caller = Caller(WORLD.model_copy(update={"monthly_promotion_quota": 1}))
    modes = ("REGULAR", "REGULAR", "AUTO", "OVER_THE_LIMIT")
    for n, mode in enumerate(modes):
        caller.send(message(f"m{n}", f"8490000000{n}", options={"sendingMode": mode}, **_content("promo")))
    caller.send(message("order", options={"sendingMode": "OVER_THE_LIMIT"}, **_content("order")))
    assert [_final(caller, f"m{n}")[1] for n in range(4)] == [0, 7026, 0, 0]
    assert _final(caller, "order")[1] == 7006
    assert caller.totals(end=True)["charged"] == {"messages": 3, "amount": 0.04}


def test_template_caps_and_states() -> None:
    """A template's daily cap is 7026; a disabled or unknown template, or a code to a user id, is 7009."""
    caller = Caller(WORLD.model_copy(update={"unlisted_templates": False}))
    caller.send(
        message("a", **_content("order")), message("b", **_content("order")), message("c", **_content("off"))
    )
    caller.send(message("d"), message("e", "1234567890123456789", **_content("otp")))
    assert [_final(caller, name)[1] for name in "abcde"] == [0, 7026, 7009, 7009, 7009]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"name": "Lan", "note": "x"}, 0),
        ({"name": "Lan", "note": None}, 0),
        ({"name": "Lan", "note": "x", "amount": "120000"}, 0),
        ({"name": "Lan", "note": "x", "extra": "y"}, 0),
        ({"note": "x"}, 7008),
        ({"name": "Nguyễn", "note": "x"}, 7008),
        ({"name": "Le\u0302 An", "note": "x"}, 0),
        ({"name": "Lan"}, 7008),
        ({"name": "Lan", "note": "x", "amount": "-5"}, 7008),
    ],
)
def test_template_contract(values: dict[str, Any], error: int) -> None:
    """Missing, too long and badly formed values end with 7008; lengths are counted after NFC."""
    caller = Caller(WORLD)
    caller.send(message(**_content("strict", **values)))
    assert _final(caller)[1] == error


def test_extra_parameters_can_be_refused() -> None:
    """Whether keys that the template does not know are refused is a switch."""
    caller = Caller(WORLD.model_copy(update={"extra_parameters": "refuse"}))
    caller.send(message(**_content("strict", name="Lan", note="x", extra="y")))
    assert _final(caller)[1] == 7008


def test_a_template_disabled_in_time_stops_what_waits() -> None:
    """What counts is the template when the message leaves, not when it was accepted."""
    caller = Caller(WORLD)
    caller.send(message(**_content("care")), schedule={"sendAt": "2027-01-01T05:00:00.000+0000"})
    changed = LISTED["care"].model_copy(update={"status": "DISABLE"})
    caller.model.world.change(WORLD.model_copy(update={"templates": (changed,)}))
    caller.wait(HOUR_MS)
    assert _final(caller)[1] == 7009


def test_credit_runs_out() -> None:
    """Without credit a message is a rejected row 12 of the answer."""
    caller = Caller(_calm(balance=0.025))
    assert caller.statuses(*(message(f"m{n}") for n in range(3))) == [("m0", 7), ("m1", 7), ("m2", 12)]


@pytest.mark.parametrize(
    ("mode", "rows", "deliveries", "charged"),
    [
        ("reject_in_response", [("m1", 7), ("m1", 23)], 1, 1),
        ("reject_async", [("m1", 7), ("m1", 7)], 1, 1),
        ("accept_twice", [("m1", 7), ("m1", 7)], 2, 2),
    ],
)
def test_the_same_id_twice(mode: Any, rows: list[tuple[str, int]], deliveries: int, charged: int) -> None:
    """A used id is rejected at once, later, or sent and charged twice, as switched; the oracle counts all."""
    caller = Caller(_calm(duplicates=mode))
    assert caller.statuses(message()) + caller.statuses(message()) == rows
    entry = caller.seen("m1")
    assert (entry["seen"], entry["deliveries"], entry["accepted"]) == (2, deliveries, deliveries)
    totals = caller.totals(end=True)
    assert (totals["charged"]["messages"], totals["duplicates"]) == (charged, 1)
    caller.wait(2000)
    assert (
        sorted(row["status"]["id"] for row in caller.reports())
        == {
            "reject_in_response": [5],
            "reject_async": [5, 23],
            "accept_twice": [5, 5],
        }[mode]
    )


def test_a_duplicate_may_have_its_own_row() -> None:
    """Whether a rejected duplicate makes its own report and log row is a switch."""
    caller = Caller(_calm(duplicate_own_row=True))
    caller.send(message())
    caller.send(message())
    assert [row["status"]["id"] for row in caller.reports()] == [5, 23]
    assert [row["status"]["id"] for row in caller.logs()] == [23, 5]


def test_how_long_an_id_is_remembered() -> None:
    """Ids are remembered for ever, for a span, or until the original has failed, as switched."""
    for settings, after, expected in (
        (CALM, 100 * DAY_MS, 23),
        (_calm(duplicate_window_ms=DAY_MS), DAY_MS - 1, 23),
        (_calm(duplicate_window_ms=DAY_MS), DAY_MS, 7),
        (_calm(failed_frees_id=True), 1000, 23),
        (_calm(failed_frees_id=True, rules=(Rule(fate="no_account"),)), 1000, 7),
    ):
        caller = Caller(settings)
        caller.send(message())
        caller.wait(after)
        assert caller.statuses(message()) == [("m1", expected)]


def test_a_bulk_id_twice_can_be_refused() -> None:
    """Whether a bulk id may come twice is a switch."""
    for switch, status in (("accept", 200), ("refuse", 400)):
        caller = Caller(_calm(duplicate_bulk=switch))
        caller.send(message("a"), schedule={"bulkId": "b"})
        caller.send(message("b"), schedule={"bulkId": "b"}, status=status)


def test_switches_of_requests() -> None:
    """Long ids are clipped, unknown keys and nulls refused, batches and bodies limited, as switched."""
    clipped = Caller(_calm(long_ids="clip")).send(message("x" * 250), schedule={"bulkId": "y" * 120})
    assert (len(clipped["messages"][0]["messageId"]), len(clipped["bulkId"])) == (200, 100)
    assert Caller(CALM).send(message(colour="red"))
    refused = Caller(_calm(unknown_keys="refuse")).send(message(colour="red"), status=400)
    assert refused["violations"] == [
        {"property": "messages[0].colour", "violation": "is not a known property"}
    ]
    assert Caller(_calm(null_values="ignore")).send(message(options=None))
    assert Caller(CALM).send(message(options=None), status=400)
    assert Caller(_calm(max_entries=1)).send(message("a"), message("b"), status=400)
    assert Caller(_calm(max_destinations=1)).send(
        message() | {"destinations": [{"to": TO}, {"to": "84900000000"}]}, status=400
    )
    assert (
        Caller(_calm(max_body_bytes=100)).call("POST", "/zalo/2/messages", {"messages": [message()]}).status
        == 413
    )
    big = {"type": "TEMPLATE", "templateName": 2**31}
    assert Caller(CALM).send(message(content=big))
    assert Caller(_calm(template_id_bits=32)).send(message(content=big), status=400)
    number = {"type": "TEMPLATE", "templateName": 1, "templateData": {"n": 5}}
    assert Caller(CALM).send(message(content=number))
    assert Caller(_calm(value_types="string")).send(message(content=number), status=400)
    assert Caller(_calm(senders=("1",), unknown_sender="400")).send(message(), status=400)
    assert Caller(_calm(accepted_status=26)).statuses(message()) == [("m1", 26)]


def test_a_bad_destination_may_be_found_late() -> None:
    """A bad destination is taken and refused by report where that is switched on."""
    caller = Caller(_calm(bad_destination="report"))
    assert caller.statuses(message("m1", "0901234567")) == [("m1", 7)]
    caller.wait(1000)
    assert [row["status"]["id"] for row in caller.reports()] == [52]


@pytest.mark.parametrize(("switch", "logs", "reports"), [("none", 0, 0), ("log", 1, 0), ("both", 1, 1)])
def test_where_a_refused_row_is_shown(switch: Any, logs: int, reports: int) -> None:
    """Whether a row refused in the answer also has a log row and a report is a switch."""
    caller = Caller(_calm(refused_rows=switch))
    caller.send(message("m1", "0901234567"))
    assert (len(caller.logs()), len(caller.reports())) == (logs, reports)


def test_switches_of_logs() -> None:
    """Lag, order, edges, cap and text of the logs are switches."""
    assert [row["messageId"] for row in _logged(_calm(log_order="oldest"))] == ["m0", "m1", "m2"]
    assert [row["messageId"] for row in _logged(_calm(log_lag_ms=1500))] == ["m1", "m0"]
    edge = "sentSince=2027-01-01T04:00:01.000%2B0000"
    assert [row["messageId"] for row in _logged(CALM, edge)] == ["m2", "m1"]
    assert [row["messageId"] for row in _logged(_calm(log_edges="exclusive"), edge)] == ["m2"]
    assert "Lan" in _logged(_calm(log_text=True))[0]["text"]
    caller = Caller(_calm(log_rows=10))
    assert caller.call("GET", "/zalo/1/logs", query="limit=11").status == 400


def _logged(settings: Settings, query: str = "") -> list[dict[str, Any]]:
    caller = Caller(settings)
    for n in range(3):
        caller.send(message(f"m{n}"))
        caller.wait(1000)
    return caller.logs(query)


def test_switches_of_reports() -> None:
    """Path, order, the 48 hours and what `once` counts by are switches."""
    caller = Caller(_calm(reports_path="/zalo/2/reports"))
    assert caller.call("GET", "/zalo/1/reports").status == 404
    assert caller.call("GET", "/zalo/2/reports").status == 200
    assert Caller(_calm(reports_path=None)).call("GET", "/zalo/1/reports").status == 404
    caller = Caller(CALM)
    caller.send(message("a"), message("b"))
    caller.wait(1)
    assert [row["messageId"] for row in caller.reports("limit=1")] == ["a"]
    caller.wait(48 * HOUR_MS)
    assert caller.reports() == []
    latest = Caller(_calm(reports_order="latest"))
    latest.send(message("a"), message("b"))
    assert [row["messageId"] for row in latest.reports("limit=1")] == ["b"]
    never = Caller(_calm(reports_once="never"))
    never.send(message("a"))
    assert len(never.reports()) == len(never.reports()) == 1


def test_reports_by_bulk_and_by_id() -> None:
    """Reports can be asked for by bulk id and by message ids; the others stay unread."""
    caller = Caller(CALM)
    caller.send(message("a"), schedule={"bulkId": "b-1"})
    caller.send(message("b"), message("c"), schedule={"bulkId": "b-2"})
    assert [row["messageId"] for row in caller.reports("bulkId=b-2&messageId=c,a")] == ["c"]
    assert [row["messageId"] for row in caller.reports("bulkId=b-1")] == ["a"]
    assert [row["messageId"] for row in caller.reports()] == ["b"]
    assert caller.call("GET", "/zalo/1/reports", query="limit=0").status == 400


def test_once_by_credential() -> None:
    """With `reports_once: credential` each key reads each report once."""
    settings = _calm(reports_once="credential")
    twice = settings.model_dump() | {"credentials": [{"secret": "sandbox"}, {"secret": "second"}]}
    caller = Caller(Settings.from_mapping(twice))
    caller.send(message())
    for key, expected in (("App sandbox", 200), ("App second", 200)):
        reply = caller.call("GET", "/zalo/1/reports", key=key)
        assert reply.status == expected
        assert b'"m1"' in reply.body
        assert b'"m1"' not in caller.call("GET", "/zalo/1/reports", key=key).body
