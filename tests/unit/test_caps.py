"""Frequency caps: how often one person may be messaged, over all campaigns and the plan's own messages."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.desk import NOON, Desk, found, phones
from zalosync.audience.screen import Reason
from zalosync.compose.message import Status

ONE_A_DAY = "frequencyCaps: [{max: 1, per: 24h}]"


def wall(text: str) -> datetime:
    """A wall time in Viet Nam."""
    return datetime.fromisoformat(f"{text}+07:00").astimezone(UTC)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A project with nothing in it."""
    return Desk(tmp_path)


def sends(desk: Desk, *names: str) -> dict[str, int]:
    """How many messages each campaign would send."""
    with desk.plan(*names) as plan:
        for campaign in plan.campaigns:
            assert sum(campaign.skipped.values()) == campaign.totals["skipped"]
        return {campaign.name: campaign.to_send for campaign in plan.campaigns}


def test_what_another_campaign_sent_counts(desk: Desk) -> None:
    """A person who got one campaign gets no other within the cap's period, and everybody else does."""
    desk.policy("caps", ONE_A_DAY)
    desk.campaign("first", phones(10))
    desk.send("first")
    desk.campaign("second", phones(15))
    with desk.plan("second") as plan:
        assert plan.totals["send"] == 5
        (campaign,) = plan.campaigns
        assert campaign.skipped[Reason.FREQUENCY_CAP] == 10
        finding = found(plan)["frequency-cap"]
    assert (finding.severity, finding.count, finding.campaign) == ("warn", 10, "second")
    assert "at most 1 per 24h" in finding.message
    assert finding.place is not None
    assert finding.place.file == "policies/caps.yaml"


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        (Status.INTENT, True),
        (Status.UNKNOWN, True),
        (Status.ACCEPTED, True),
        (Status.DELIVERED, True),
        (Status.UNDELIVERABLE, True),
        (Status.EXPIRED, True),
        (Status.HELD, True),
        (Status.REJECTED, False),
        (Status.RELEASED, False),
    ],
)
def test_every_attempt_counts_unless_it_is_proven_unsent_or_refused(
    desk: Desk, state: Status, *, counts: bool
) -> None:
    """Doubt counts; a refusal and a proof that nothing was sent do not."""
    desk.policy("caps", ONE_A_DAY)
    schedule = "schedule: {sendAt: 2026-12-01T15:00:00+07:00, mode: hold}\n" if state is Status.HELD else ""
    desk.campaign("first", phones(3), more=schedule)
    desk.send("first", state=state)
    desk.campaign("second", phones(3))
    assert sends(desk, "second") == {"second": 0 if counts else 3}


@pytest.mark.parametrize(
    ("after", "sent"),
    [(timedelta(hours=23, minutes=59, seconds=59), 0), (timedelta(hours=24), 1), (timedelta(days=2), 1)],
)
def test_a_rolling_period_ends_to_the_second(desk: Desk, after: timedelta, sent: int) -> None:
    """A day after the last message is not within 24 hours of it; a second less is."""
    desk.policy("caps", ONE_A_DAY)
    desk.campaign("first", phones(1))
    desk.send("first")
    desk.now = NOON + after
    desk.campaign("second", phones(1))
    assert sends(desk, "second") == {"second": sent}


def test_a_calendar_month_begins_in_the_project_s_zone(desk: Desk) -> None:
    """Half an hour before and after midnight of the first in Viet Nam are two months, in UTC still one."""
    desk.policy("caps", "frequencyCaps: [{max: 1, per: calendar-month}]")
    desk.now = wall("2026-11-30T23:30:00")
    desk.campaign("first", phones(2))
    desk.send("first")
    desk.campaign("second", phones(2))
    assert sends(desk, "second") == {"second": 0}
    desk.now = wall("2026-12-01T00:30:00")
    assert sends(desk, "second") == {"second": 2}


def test_a_calendar_month_of_a_policy_with_quiet_hours_begins_in_their_zone(desk: Desk) -> None:
    """The policy says which month it means: in Pago Pago it is still November."""
    quiet = 'quietHours: {from: "22:00", to: "23:00", timezone: Pacific/Pago_Pago, tags: [PROMOTION]}'
    desk.policy("caps", f"{quiet}\nfrequencyCaps: [{{max: 1, per: calendar-month}}]")
    desk.now = wall("2026-11-30T23:30:00")
    desk.campaign("first", phones(2))
    desk.send("first")
    desk.now = wall("2026-12-01T00:30:00")
    desk.campaign("second", phones(2))
    assert sends(desk, "second") == {"second": 0}


def test_the_edge_of_a_day_is_no_way_around_a_rolling_cap(desk: Desk) -> None:
    """Two campaigns of one plan, at 23:30 and at 00:30, together break a cap of one in 24 hours."""
    desk.policy("caps", ONE_A_DAY)
    desk.campaign("evening", phones(4), more="schedule: {sendAt: 2026-12-01T23:30:00+07:00}\n")
    desk.campaign("night", phones(6), more="schedule: {sendAt: 2026-12-02T00:30:00+07:00}\n")
    assert sends(desk) == {"evening": 4, "night": 2}


def test_two_campaigns_of_one_plan_are_taken_by_name_then_by_message(desk: Desk) -> None:
    """Who is held back does not depend on the order on the command line, nor on the files' order."""
    desk.policy("caps", ONE_A_DAY)
    desk.campaign("b-second", phones(6))
    desk.campaign("a-first", phones(4, first=2))
    assert sends(desk, "b-second", "a-first") == {"a-first": 4, "b-second": 2}
    with desk.plan() as one:
        digest = one.digest
    desk.audience("b-second", list(reversed(phones(6))))
    with desk.plan("a-first", "b-second") as other:
        assert other.digest == digest


def test_several_messages_of_one_person_in_one_campaign(desk: Desk) -> None:
    """Of five orders of one person, as many are told as the cap allows."""
    desk.policy("caps", "frequencyCaps: [{max: 3, per: 7d}]")
    desk.campaign("orders", [(phones(1)[0], f"DH{number}") for number in range(5)])
    assert sends(desk) == {"orders": 3}
    desk.send("orders")
    assert sends(desk) == {"orders": 0}
    desk.now += timedelta(days=7)
    assert sends(desk) == {"orders": 2}


def test_a_cap_of_a_tag_neither_counts_nor_holds_back_other_tags(desk: Desk) -> None:
    """Transactions do not use up the cap of promotions."""
    desk.policy("caps", "frequencyCaps: [{max: 1, per: 24h, tag: PROMOTION}]")
    desk.campaign("orders", phones(3))
    desk.send("orders")
    desk.campaign("offers", phones(3), tag="PROMOTION")
    desk.campaign("other-orders", phones(3))
    assert sends(desk) == {"offers": 3, "orders": 0, "other-orders": 3}
    desk.send("offers")
    desk.campaign("more-offers", phones(3), tag="PROMOTION")
    assert sends(desk, "more-offers", "other-orders") == {"more-offers": 0, "other-orders": 3}


def test_labels_must_all_be_there(desk: Desk) -> None:
    """A cap of two labels counts campaigns that have both."""
    desk.policy("caps", "frequencyCaps: [{max: 1, per: 24h, labels: {team: crm, kind: news}}]")
    desk.campaign("one", phones(2), labels="{team: crm}")
    desk.campaign("two", phones(2), labels="{team: crm, kind: news, more: yes-more}")
    desk.campaign("two-too", phones(2), labels="{kind: news, team: crm}")
    assert sends(desk) == {"one": 2, "two": 2, "two-too": 0}


def test_history_keeps_the_tag_and_labels_that_it_was_sent_under(desk: Desk) -> None:
    """Changing a spec's tag or labels afterwards changes nothing of what was sent."""
    desk.policy(
        "caps", "frequencyCaps: [{max: 1, per: 24h, tag: PROMOTION}, {max: 1, per: 24h, labels: {a: b}}]"
    )
    desk.campaign("offers", phones(2), tag="PROMOTION")
    desk.send("offers")
    desk.campaign("labelled", phones(2, first=5), labels="{a: b}")
    desk.send("labelled")
    desk.campaign("offers", phones(2))
    desk.campaign("labelled", phones(2, first=5))
    desk.campaign("more-offers", phones(2), tag="PROMOTION")
    desk.campaign("more-labelled", phones(2, first=5), labels="{a: b}")
    assert sends(desk, "more-offers", "more-labelled") == {"more-offers": 0, "more-labelled": 0}


def test_a_scheduled_message_counts_when_it_will_be_sent(desk: Desk) -> None:
    """Handed to the provider today for next week, it is next week's message."""
    desk.policy("caps", ONE_A_DAY)
    desk.campaign("later", phones(2), more="schedule: {sendAt: 2026-12-08T12:00:00+07:00}\n")
    desk.send("later")
    desk.campaign("now", phones(2))
    assert sends(desk, "now") == {"now": 2}
    desk.campaign("then", phones(2), more="schedule: {sendAt: 2026-12-08T20:00:00+07:00}\n")
    desk.campaign("before", phones(2), more="schedule: {sendAt: 2026-12-07T13:00:00+07:00}\n")
    assert sends(desk, "then", "before") == {"before": 0, "then": 0}


def test_a_slow_campaign_counts_from_its_first_to_its_last_message(desk: Desk) -> None:
    """Of a campaign that takes two days, nobody knows whose message comes when: all of it counts."""
    desk.policy("caps", ONE_A_DAY)
    slow = "schedule: {sendingSpeedLimit: {amount: 50, timeUnit: DAY}}\n"
    desk.campaign("slow", phones(150), more=slow)
    desk.send("slow")
    desk.now = NOON + timedelta(days=2)
    desk.campaign("other", phones(150))
    assert sends(desk, "other") == {"other": 0}
    desk.now = NOON + timedelta(days=4, hours=1)
    assert sends(desk, "other") == {"other": 150}


def test_old_runs_are_not_read(desk: Desk) -> None:
    """The ledger is asked for the attempts of runs whose messages may lie in the window, and no others."""
    desk.policy("caps", ONE_A_DAY)
    for number in range(3):
        desk.campaign(f"c{number}", phones(4, first=10 * number))
        desk.send(f"c{number}")
        desk.now += timedelta(hours=20)
    asked: list[int] = []
    contacts, messaged = desk.ledger.contacts, desk.ledger.messaged

    def heard(first_run: int) -> Iterator[list[tuple[Any, ...]]]:
        asked.append(first_run)
        return contacts(first_run)

    def heard_again(first_run: int, since: int, among: Sequence[bytes] | None) -> Iterator[bytes]:
        asked.append(first_run)
        return messaged(first_run, since, among)

    desk.ledger.contacts = heard  # type: ignore[method-assign]
    desk.ledger.messaged = heard_again  # type: ignore[method-assign]
    desk.campaign("new", phones(30))
    assert sends(desk, "new") == {"new": 26}
    assert asked == [3, 1], "for the cap; then, for 30 days, of all runs"


def test_a_refusal_that_may_be_tried_again_is_held_back_too(desk: Desk) -> None:
    """A new attempt is a message like any other."""
    desk.policy("caps", "frequencyCaps: [{max: 1, per: 7d}]")
    retry = "retry: {on: [EXPIRED_EXPIRED], maxAttempts: 2, after: 1h}\n"
    desk.campaign("again", phones(2), more=retry)
    desk.send("again", state=Status.EXPIRED)
    with desk.plan() as plan:
        assert plan.totals["retry"] == 0
    assert sends(desk) == {"again": 0}


def test_two_caps_hold_together_and_the_first_that_would_break_is_named(desk: Desk) -> None:
    """Each message is held back once, under the tightest cap."""
    desk.policy("caps", "frequencyCaps: [{max: 2, per: 7d}, {max: 1, per: 24h}]")
    desk.campaign("orders", [(phones(1)[0], f"DH{number}") for number in range(4)])
    with desk.plan() as plan:
        assert plan.to_send == 1
        finding = found(plan)["frequency-cap"]
    assert finding.count == 3
    assert "at most 1 per 24h" in finding.message


def test_parts_on_disk_give_the_same_as_memory(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where candidates do not fit in memory, who is held back is the same."""
    desk.policy("caps", "frequencyCaps: [{max: 2, per: 24h}]")
    desk.campaign("a", [(phone, f"{phone} {copy}") for phone in phones(60) for copy in range(3)])
    desk.send("a", limit=50)
    desk.campaign("b", phones(90))
    with desk.plan() as plan:
        expected = plan.digest, plan.totals
    monkeypatch.setattr("zalosync.plan.capping.BYTES_PER_PART", 500)
    with desk.plan() as plan:
        assert (plan.digest, plan.totals) == expected


def test_a_capped_message_stays_in_the_plan(desk: Desk) -> None:
    """What is held back is named in the sealed messages, so that a cap never makes a plan stale."""
    desk.policy("caps", ONE_A_DAY)
    desk.campaign("first", phones(4))
    with desk.plan() as before:
        meaning = before.meaning["campaigns"]
    desk.campaign("zero", phones(2))
    desk.send("zero")
    with desk.plan("first") as after:
        assert after.meaning["campaigns"] == meaning
        assert (after.to_send, after.campaigns[0].messages.count) == (2, 4)
