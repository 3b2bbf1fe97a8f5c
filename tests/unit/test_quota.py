"""Quota: what the provider lets a sender send, over all campaigns of the plan together."""

from pathlib import Path

import pytest

from tests.support.desk import SENDER, Desk, found, phones
from zalosync.plan.quota import SenderQuota


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
