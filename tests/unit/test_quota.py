"""Quota: what the provider lets a sender send, over all campaigns of the plan together."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.support.desk import PROJECT, SENDER, Desk, found, phones
from zalosync.compose.message import Status
from zalosync.plan.pending import Load, loads
from zalosync.plan.quota import SenderQuota
from zalosync.plan.shape import Plan
from zalosync.spec.load import load_project


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A project with two campaigns of one sender."""
    desk = Desk(tmp_path)
    desk.campaign("a", phones(30))
    desk.campaign("b", phones(70), tag="PROMOTION")
    return desk


def quota(
    desk: Desk,
    daily: int | None = None,
    remaining_daily: int | None = None,
    remaining_promotion: int | None = None,
) -> list[str]:
    """What is found where the provider said this."""
    desk.quotas = {SENDER: SenderQuota(daily, remaining_daily, remaining_promotion, desk.now)}
    with desk.plan() as plan:
        return [each.message for each in plan.all_findings if each.id == "quota-exceeded"]


def test_two_campaigns_share_the_day(desk: Desk) -> None:
    """Together they break what neither breaks alone."""
    assert quota(desk, daily=500, remaining_daily=100) == []
    (message,) = quota(desk, daily=500, remaining_daily=99)
    assert f"sender {SENDER} may send 99 messages left today, and the plan has 100 (a, b)" in message


def test_promotions_have_a_quota_of_the_month(desk: Desk) -> None:
    """Only promotional messages use it up."""
    assert quota(desk, remaining_promotion=70) == []
    (message,) = quota(desk, remaining_promotion=69)
    assert "69 promotional messages this month, and the plan has 70 (b)" in message


def test_a_campaign_that_pays_for_more_is_not_held_to_it(desk: Desk) -> None:
    """OVER_THE_LIMIT sends beyond the quota, as its author wrote."""
    desk.campaign("b", tag="PROMOTION", more="sendingMode: OVER_THE_LIMIT\n")
    assert quota(desk, daily=500, remaining_daily=30, remaining_promotion=0) == []


def test_tomorrow_has_a_quota_of_its_own(desk: Desk) -> None:
    """What is scheduled for another Vietnamese day counts against a whole day's quota."""
    desk.campaign("b", more="schedule: {sendAt: 2026-12-02T00:30:00+07:00}\n")
    assert quota(desk, daily=70, remaining_daily=30) == []
    (message,) = quota(desk, daily=69, remaining_daily=30)
    assert "69 messages a day, on 2026-12-02" in message


def test_an_exceeded_quota_blocks(desk: Desk) -> None:
    """The provider would refuse the rest, so nothing is begun."""
    quota(desk, remaining_daily=0)
    with desk.plan() as plan:
        assert plan.blocked
        assert found(plan)["quota-exceeded"].count == 100


def test_what_is_not_known_is_said(desk: Desk) -> None:
    """No answer is no reason to block, and no reason to be silent."""
    desk.quotas = {SENDER: SenderQuota(problem="the provider knows no quota of it")}
    with desk.plan() as plan:
        finding = found(plan)["quota-unknown"]
        assert not plan.blocked
    assert finding.message == f"the quota of sender {SENDER} is not known (the provider knows no quota of it)"
    desk.quotas = {}
    with desk.plan() as plan:
        assert found(plan)["quota-unknown"].message == f"the quota of sender {SENDER} is not known"
    desk.quotas = None
    with desk.plan() as plan:
        assert "quota-unknown" not in found(plan)


def test_nothing_to_send_needs_no_quota(desk: Desk) -> None:
    """A plan without changes says nothing of quotas."""
    desk.send()
    desk.quotas = {}
    with desk.plan() as plan:
        assert plan.to_send == 0
        assert "quota-unknown" not in found(plan)


HELD_UNTIL = "schedule: {mode: hold, sendAt: 2026-12-02T09:00:00+07:00}\n"
SCHEDULED = "schedule: {sendAt: 2026-12-02T15:00:00+07:00}\n"
SLOW = "sendingSpeedLimit: {amount: 10, timeUnit: HOUR}"


def test_a_slow_campaign_uses_up_several_days(desk: Desk) -> None:
    """What its speed limit leaves for tomorrow counts for tomorrow, in the Vietnamese day."""
    desk.write("zalosync.yaml", PROJECT.replace("batchSize: 100", "batchSize: 10"))
    desk.campaign("b", phones(500), more=f"schedule: {{{SLOW}}}\n")  # from noon: 120 today, 240, 140
    assert quota(desk, daily=240, remaining_daily=150) == []
    (message,) = quota(desk, daily=240, remaining_daily=149)
    assert "may send 149 messages left today, and the plan has 150 (a, b)" in message
    assert "on 2026-12-01 (quota of the day) the provider would refuse the rest, 1" in message
    (message,) = quota(desk, daily=239, remaining_daily=150)
    assert "may send 239 messages a day, on 2026-12-02, and the plan has 240 (b)" in message
    assert len(quota(desk, daily=100, remaining_daily=100)) == 3


@pytest.mark.parametrize("more", [HELD_UNTIL, SCHEDULED])
def test_what_waits_uses_up_its_day(desk: Desk, more: str) -> None:
    """Messages that an earlier plan holds, or handed over for later, count on the day on which they leave."""
    desk.campaign("b", more=more)
    desk.send("b", state=Status.HELD if more == HELD_UNTIL else Status.ACCEPTED)
    desk.campaign("a", more="schedule: {sendAt: 2026-12-02T20:00:00+07:00}\n")
    for names in ((), ("a",)):  # whether the campaign that waits is in the plan or not
        desk.quotas = {SENDER: SenderQuota(100, 0, None, desk.now)}
        with desk.plan(*names) as plan:
            assert "quota-exceeded" not in found(plan)
        desk.quotas = {SENDER: SenderQuota(99, 0, None, desk.now)}
        with desk.plan(*names) as plan:
            finding = found(plan)["quota-exceeded"]
        assert finding.count == 1
        assert "may send 99 messages a day, on 2026-12-02, and the plan has 30 (a)" in finding.message
        assert "beside 70 that are held or scheduled already (b)" in finding.message
        assert finding.place is not None
        lines = (desk.root / finding.place.file).read_text(encoding="utf-8").splitlines()
        assert (finding.place.file, lines[finding.place.line - 1][:11]) == ("campaigns/a.yaml", "  schedule:")


def test_what_has_left_is_in_the_answer_of_the_provider(desk: Desk) -> None:
    """Messages that went out at once, were refused, or waited for a time that is over, count no more."""
    desk.send("a")
    desk.campaign("b", more="schedule: {sendAt: 2026-12-01T13:00:00+07:00}\n")
    desk.send("b")
    desk.campaign("c", phones(10))
    assert quota(desk, remaining_daily=80) == []
    (message,) = quota(desk, remaining_daily=79)
    assert "beside 70 that are held or scheduled already (b)" in message
    desk.now += timedelta(hours=2)
    assert quota(desk, remaining_daily=10) == []


def test_a_slow_campaign_that_is_under_way(desk: Desk) -> None:
    """Of what a run spread over days, what is due by now has left; the rest counts on its days."""
    desk.write("zalosync.yaml", PROJECT.replace("batchSize: 100", "batchSize: 10"))
    desk.campaign("b", phones(300), more=f"schedule: {{{SLOW}}}\n")  # 120 today, 180 tomorrow
    desk.send("b", limit=200)
    desk.now += timedelta(hours=6)
    with desk.plan("a") as plan:
        days = [(load.name, load.before, dict(load.days)) for load in loads_of(desk, plan)]
    first, second = date(2026, 12, 1), date(2026, 12, 2)
    assert days == [("a", False, {first: 30}), ("b", True, {first: 60, second: 80})]


def test_held_and_new_share_one_speed(desk: Desk) -> None:
    """What is held has the earlier slots of its campaign; what comes later takes those behind."""
    desk.write("zalosync.yaml", PROJECT.replace("batchSize: 100", "batchSize: 10"))
    slow = f"schedule: {{mode: hold, sendAt: 2026-12-02T12:00:00+07:00, {SLOW}}}\n"
    desk.campaign("b", phones(100), more=slow)
    desk.send("b", state=Status.HELD)
    desk.audience("b", phones(200))
    with desk.plan("b") as plan:
        days = [(load.before, dict(load.days)) for load in loads_of(desk, plan)]
    second, third = date(2026, 12, 2), date(2026, 12, 3)
    assert days == [(True, {second: 100}), (False, {second: 20, third: 80})]


def test_what_is_cancelled_uses_up_nothing(desk: Desk) -> None:
    """Held messages whose row is gone, or that are not what was approved, do not go out."""
    desk.campaign("b", more=HELD_UNTIL)
    desk.send("b", state=Status.HELD)
    rows = phones(70)
    desk.audience(
        "b", [*((phone, phone) for phone in rows[:40]), *((rows[0], phone) for phone in rows[40:50])]
    )
    desk.campaign("a", more=HELD_UNTIL)
    with desk.plan() as plan:
        days = {(load.name, load.before): dict(load.days) for load in loads_of(desk, plan)}
    assert days == {("a", False): {date(2026, 12, 2): 30}, ("b", True): {date(2026, 12, 2): 40}}


def test_promotions_that_wait_count_in_their_month(desk: Desk) -> None:
    """A promotion that is held for this month counts; one for the next month does not."""
    desk.campaign("b", tag="PROMOTION", more=HELD_UNTIL)
    desk.send("b", state=Status.HELD)
    desk.campaign("c", phones(20), tag="PROMOTION")
    (message,) = quota(desk, remaining_promotion=89)
    assert "89 promotional messages this month, and the plan has 20 (c)" in message
    assert "beside 70 that are held or scheduled already (b)" in message
    assert "in 2026-12 (quota of promotions)" in message
    desk.campaign("b", tag="PROMOTION", more=HELD_UNTIL.replace("2026-12-02", "2027-01-02"))
    assert quota(desk, remaining_promotion=20) == []


def loads_of(desk: Desk, plan: Plan) -> list[Load]:
    """What counts against quotas."""
    project = load_project(desk.root, environment=None, now=desk.now)
    return loads(project, plan, desk.ledger, desk.now)
