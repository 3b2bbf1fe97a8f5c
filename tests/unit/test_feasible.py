"""Time: when a campaign would leave, what cannot in time, quiet hours, and from when nothing is undone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.desk import Desk, found, phones
from zalosync.plan.shape import CampaignPlan
from zalosync.plan.timing import Irrevocable
from zalosync.spec.findings import Finding

WEDNESDAY = 'deliveryTimeWindow: {days: [WEDNESDAY], from: "08:00", to: "12:00"}'
QUIET = 'quietHours: {from: "22:00", to: "06:00", timezone: Asia/Ho_Chi_Minh, tags: [PROMOTION]}'


def wall(text: str) -> datetime:
    """A wall time in Viet Nam."""
    return datetime.fromisoformat(f"{text}+07:00").astimezone(UTC)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A project with nothing in it, on a Tuesday at noon."""
    return Desk(tmp_path)


def planned(desk: Desk, **more: bool) -> tuple[CampaignPlan, dict[str, Finding]]:
    """The only campaign's plan, and its findings."""
    with desk.plan(**more) as plan:
        findings = {name: each for name, each in found(plan).items() if name != "template-unpinned"}
        return plan.campaigns[0], findings


def schedule(text: str) -> str:
    """The campaign's schedule as YAML."""
    return f"schedule: {{{text}}}\n"


def test_at_once(desk: Desk) -> None:
    """Without a schedule all leave when applied, and cannot be recalled."""
    desk.campaign("a", phones(3))
    campaign, findings = planned(desk)
    assert findings == {}
    assert campaign.timing is not None
    assert (campaign.timing.starts_at, campaign.timing.ends_at) == (desk.now, desk.now)
    assert (campaign.timing.irrevocable, campaign.timing.late) == (Irrevocable.AT_ONCE, 0)


def test_nothing_to_send_has_no_time(desk: Desk) -> None:
    """What has a message is judged by no schedule: an old `sendAt` is history."""
    desk.campaign("a", phones(3), more=schedule("sendAt: 2026-12-01T13:00:00+07:00"))
    desk.send("a")
    desk.now += timedelta(days=30)
    campaign, findings = planned(desk)
    assert campaign.timing is None
    assert findings == {}


@pytest.mark.parametrize(
    ("mode", "irrevocable"), [("provider", Irrevocable.HANDED_OVER), ("hold", Irrevocable.WHEN_DUE)]
)
def test_from_when_a_scheduled_message_cannot_be_recalled(
    desk: Desk, mode: str, irrevocable: Irrevocable
) -> None:
    """The provider's schedule cannot be recalled; what we hold can be cancelled until it is due."""
    desk.campaign("a", phones(3), more=schedule(f"sendAt: 2026-12-05T09:00:00+07:00, mode: {mode}"))
    campaign, _ = planned(desk)
    assert campaign.timing is not None
    assert campaign.timing.irrevocable is irrevocable
    assert campaign.timing.starts_at == wall("2026-12-05T09:00:00")


@pytest.mark.parametrize("mode", ["provider", "hold"])
def test_a_past_time_is_refused(desk: Desk, mode: str) -> None:
    """Nobody gets a message days late because a plan lay around."""
    desk.campaign("a", phones(3), more=schedule(f"sendAt: 2026-12-01T11:59:59+07:00, mode: {mode}"))
    _, findings = planned(desk)
    assert findings["send-at-past"].severity == "error"
    assert str(findings["send-at-past"].place).startswith("campaigns/a.yaml:")


def test_the_expected_end_of_a_speed_limit(desk: Desk) -> None:
    """600 messages at 10 a minute take an hour, in slots as apply gives them out."""
    desk.campaign("a", phones(600), more=schedule("sendingSpeedLimit: {amount: 10, timeUnit: MINUTE}"))
    campaign, findings = planned(desk)
    assert findings == {}
    assert campaign.timing is not None
    assert campaign.timing.ends_at - campaign.timing.starts_at == timedelta(hours=1)
    assert campaign.timing.irrevocable is Irrevocable.HANDED_OVER


def test_a_speed_limit_within_a_window_goes_on_the_next_day(desk: Desk) -> None:
    """What does not fit into today's window leaves in tomorrow's."""
    window = 'deliveryTimeWindow: {days: [TUESDAY, WEDNESDAY], from: "08:00", to: "13:00"}'
    limit = "sendingSpeedLimit: {amount: 100, timeUnit: HOUR}"
    desk.campaign("a", phones(300), more=schedule(f"{limit}, {window}"))
    campaign, _ = planned(desk)
    assert campaign.timing is not None
    assert campaign.timing.starts_at == wall("2026-12-01T12:00:00")
    assert campaign.timing.ends_at == wall("2026-12-02T10:00:00")


def test_a_tail_that_cannot_leave_is_a_finding(desk: Desk) -> None:
    """At 100 an hour, two batches of three fit before `expiresAt`."""
    limit = "sendingSpeedLimit: {amount: 100, timeUnit: HOUR}, expiresAt: 2026-12-01T14:30:00+07:00"
    desk.campaign("a", phones(300), more=schedule(limit))
    campaign, findings = planned(desk)
    finding = findings["tail-too-late"]
    assert (finding.severity, finding.count) == ("warn", 100)
    assert "100 of 300 messages cannot leave in time" in finding.message
    assert campaign.timing is not None
    assert campaign.timing.ends_at == wall("2026-12-01T14:00:00")


@pytest.mark.parametrize(
    "text",
    [
        "expiresAt: 2026-12-01T12:00:00+07:00",
        "expiresAt: 2026-12-01T12:30:00+07:00, sendingSpeedLimit: {amount: 100, timeUnit: HOUR}",
        f"expiresAt: 2026-12-01T13:00:00+07:00, {WEDNESDAY}",
    ],
)
def test_a_campaign_of_which_nothing_can_leave_is_blocked(desk: Desk, text: str) -> None:
    """Expired, too slow, or shut out by its own window: the plan does not pretend to send."""
    desk.campaign("a", phones(100), more=schedule(text))
    _, findings = planned(desk)
    assert (findings["too-late"].severity, findings["too-late"].count) == ("error", 100)


@pytest.mark.parametrize(
    ("validity", "blocked"), [("19h", True), ("20h", True), ("21h", False), ("48h", False)]
)
def test_a_window_that_opens_after_the_validity(desk: Desk, validity: str, *, blocked: bool) -> None:
    """Sent at noon, tried for so long, and the window opens at eight the next morning."""
    desk.campaign("a", phones(5), more=f"{schedule(WEDNESDAY)}validityPeriod: {validity}\n")
    _, findings = planned(desk)
    assert ("too-late" in findings) is blocked
    if blocked:
        assert "2026-12-02T01:00Z" in findings["too-late"].message


def test_the_slots_of_earlier_runs_are_taken(desk: Desk) -> None:
    """The limit holds over several applies: the next plan begins where the last one ends."""
    desk.campaign("a", phones(100), more=schedule("sendingSpeedLimit: {amount: 100, timeUnit: HOUR}"))
    from zalosync.ledger.records import Kind
    from zalosync.plan.pace import SLOT_NOTE

    with desk.ledger.change(Kind.NOTE, desk.now) as change:
        change.note(f"{SLOT_NOTE}a", wall("2026-12-01T15:00:00").isoformat())
    campaign, _ = planned(desk)
    assert campaign.timing is not None
    assert campaign.timing.starts_at == wall("2026-12-01T15:00:00")


@pytest.mark.parametrize(
    ("at", "blocked"),
    [
        ("21:59:59", False),
        ("22:00:00", True),
        ("23:30:00", True),
        ("00:00:00", True),
        ("05:59:59", True),
        ("06:00:00", False),
    ],
)
def test_messages_sent_at_once_in_quiet_hours_are_blocked(desk: Desk, at: str, *, blocked: bool) -> None:
    """From ten in the evening to six, to the second, in the zone of the policy."""
    desk.policy("quiet", QUIET)
    desk.now = wall(f"2026-12-02T{at}")
    desk.campaign("a", phones(5), tag="PROMOTION", more="validityPeriod: 1h\n")
    _, findings = planned(desk)
    assert ("quiet-hours" in findings) is blocked
    if blocked:
        finding = findings["quiet-hours"]
        assert (finding.severity, finding.count) == ("error", 5)
        assert "22:00 to 06:00 Asia/Ho_Chi_Minh" in finding.message
        assert str(finding.place).startswith("policies/quiet.yaml:5:")


def test_other_tags_have_no_quiet_hours(desk: Desk) -> None:
    """A transaction at midnight is wanted."""
    desk.policy("quiet", QUIET)
    desk.now = wall("2026-12-02T00:00:00")
    desk.campaign("a", phones(5))
    assert planned(desk)[1] == {}


def test_scheduled_for_the_night(desk: Desk) -> None:
    """It is the time of sending that counts, not that of planning."""
    desk.policy("quiet", QUIET)
    night = schedule("sendAt: 2026-12-02T02:00:00+07:00")
    desk.campaign("a", phones(5), tag="PROMOTION", more=night)
    assert planned(desk)[1]["quiet-hours"].count == 5
    desk.now = wall("2026-12-01T23:00:00")
    desk.campaign(
        "a", tag="PROMOTION", more=f"{schedule('sendAt: 2026-12-02T08:00:00+07:00')}validityPeriod: 2h\n"
    )
    assert planned(desk)[1] == {}


def test_a_slow_campaign_that_runs_into_the_night(desk: Desk) -> None:
    """Of 1,200 messages at 100 an hour from noon, those of ten hours leave by day."""
    desk.policy("quiet", QUIET)
    slow = schedule("sendingSpeedLimit: {amount: 100, timeUnit: HOUR}")
    desk.campaign("a", phones(1200), tag="PROMOTION", more=f"{slow}validityPeriod: 1h\n")
    assert planned(desk)[1]["quiet-hours"].count == 200


def test_late_delivery_into_quiet_hours_is_told(desk: Desk) -> None:
    """A phone that is off in the evening may get it at midnight; a window or a short validity helps."""
    desk.policy("quiet", QUIET)
    desk.campaign("a", phones(5), tag="PROMOTION")
    assert planned(desk)[1]["quiet-hours-reached"].severity == "warn"
    desk.campaign("a", tag="PROMOTION", more="validityPeriod: 10h\n")
    assert planned(desk)[1] == {}
    desk.campaign("a", tag="PROMOTION", more="validityPeriod: 11h\n")
    assert set(planned(desk)[1]) == {"quiet-hours-reached"}
    days = "MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY"
    desk.campaign(
        "a",
        tag="PROMOTION",
        more=schedule(f'deliveryTimeWindow: {{days: [{days}], from: "08:00", to: "22:00"}}'),
    )
    assert planned(desk)[1] == {}
    desk.campaign(
        "a",
        tag="PROMOTION",
        more=schedule(f'deliveryTimeWindow: {{days: [{days}], from: "08:00", to: "22:30"}}'),
    )
    assert set(planned(desk)[1]) == {"quiet-hours-reached"}


def test_a_closed_window_waits_through_the_night(desk: Desk) -> None:
    """Applied at midnight, delivered from eight: the window keeps it out of quiet hours."""
    desk.policy("quiet", QUIET)
    desk.now = wall("2026-12-02T00:00:00")
    window = 'deliveryTimeWindow: {days: [WEDNESDAY], from: "08:00", to: "21:00"}'
    desk.campaign("a", phones(5), tag="PROMOTION", more=schedule(window))
    campaign, findings = planned(desk)
    assert findings == {}
    assert campaign.timing is not None
    assert campaign.timing.starts_at == wall("2026-12-02T08:00:00")


def test_held_messages_are_judged_by_their_time_only(desk: Desk) -> None:
    """When they are due, neither a past `sendAt` nor new rows stop them; quiet hours do."""
    from zalosync.compose.message import Status

    desk.policy("quiet", QUIET)
    held = f"{schedule('sendAt: 2026-12-01T15:00:00+07:00, mode: hold')}validityPeriod: 1h\n"
    desk.campaign("a", phones(5), tag="PROMOTION", more=held)
    desk.send("a", state=Status.HELD)
    desk.audience("a", phones(7))
    desk.now = wall("2026-12-01T15:01:00")
    assert set(planned(desk)[1]) == {"send-at-past"}
    campaign, findings = planned(desk, due=True)
    assert findings == {}
    assert campaign.timing is not None
    assert campaign.timing.count == 5
    desk.now = wall("2026-12-01T22:01:00")
    assert set(planned(desk, due=True)[1]) == {"quiet-hours"}
