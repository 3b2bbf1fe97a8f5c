"""Guards: each names its rule, the number, the limit and the place; what no policy names is not forbidden."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.desk import NOON, SENDER, Desk, found, phones
from zalosync.compose.message import Status
from zalosync.ledger.pause_notes import Pause
from zalosync.ledger.pauses import pause
from zalosync.ledger.records import Kind
from zalosync.spec.findings import Finding

EXPECTED = {"template-unpinned", "recontacted"}  # of any template that is not pinned, and of a second message
FAILOVER = 'smsFailover: {sender: SHOPVN, text: "Don {{ code }}"}\n'


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A project with nothing in it."""
    return Desk(tmp_path)


def ids(desk: Desk, *names: str) -> dict[str, Finding]:
    """The findings of a plan by id, but for those that are none of a guard."""
    with desk.plan(*names) as plan:
        return {name: finding for name, finding in found(plan).items() if name not in EXPECTED}


def test_without_policies_nothing_is_found(desk: Desk) -> None:
    """A guard that no policy names does not exist."""
    desk.campaign("orders", phones(5), more=FAILOVER)
    assert ids(desk) == {}


def test_one_message_more_than_a_plan_may_send(desk: Desk) -> None:
    """The limit is over all campaigns of the plan, to the message."""
    desk.policy("limits", "maxRecipientsPerPlan: 10")
    desk.campaign("a", phones(4))
    desk.campaign("b", phones(6))
    assert ids(desk) == {}
    desk.audience("b", phones(7))
    finding = ids(desk)["max-recipients-per-plan"]
    assert finding.message == "the plan sends 11 messages, limit 10 (maxRecipientsPerPlan)"
    assert (finding.severity, finding.count, finding.campaign) == ("error", 11, "")
    assert str(finding.place) == "policies/limits.yaml:5:25"
    desk.send("a", limit=4)
    assert ids(desk) == {}, "who has a message already is not counted"


def test_a_blocked_plan_says_so(desk: Desk) -> None:
    """One finding of severity error blocks; a warning does not."""
    desk.policy("limits", "maxRecipientsPerPlan: 1")
    desk.campaign("a", phones(2))
    with desk.plan() as plan:
        assert plan.blocked
    desk.policy(
        "waiver", "rules: {max-recipients-per-plan: {severity: warn, reason: big day, until: 2026-12-01}}"
    )
    with desk.plan() as plan:
        assert not plan.blocked
        assert found(plan)["max-recipients-per-plan"].severity == "warn"
    desk.now += timedelta(days=1)
    with desk.plan() as plan:
        assert plan.blocked
        assert "waiver-expired" in found(plan)


def test_what_would_have_blocked_is_never_hidden(desk: Desk) -> None:
    """A waiver that turns an error off leaves a warning, with its reason and end."""
    desk.policy("limits", "maxRecipientsPerPlan: 1")
    desk.campaign("a", phones(2))
    desk.policy(
        "waiver", "rules: {max-recipients-per-plan: {severity: off, reason: big day, until: 2026-12-01}}"
    )
    with desk.plan() as plan:
        assert not plan.blocked
        finding = found(plan)["max-recipients-per-plan"]
        assert finding.severity == "warn"
        assert finding.message.endswith("(maxRecipientsPerPlan) (waived until 2026-12-01: big day)")


def test_a_pause_is_told_before_apply_meets_it(desk: Desk) -> None:
    """Who paused it is in the history; the plan says since when, why, and the way out."""
    desk.campaign("a", phones(2))
    desk.campaign("b", phones(2, first=5))
    with desk.ledger.change(Kind.NOTE, desk.now) as change:
        pause(change, "a", Pause("lan@example.vn", "2026-11-23T08:00:00Z", "wrong price"))
    with desk.plan() as plan:
        (finding,) = [each for each in plan.all_findings if each.id == "paused"]
        assert (finding.campaign, finding.severity, finding.count) == ("a", "warn", 2)
        assert "since 2026-11-23T08:00:00Z (wrong price)" in finding.message
        assert "`zalosync unpause a`" in finding.message


@pytest.mark.parametrize(
    ("recipients", "found_id"), [(1, "min-recipients"), (2, ""), (4, ""), (5, "max-recipients")]
)
def test_a_campaign_s_own_bounds(desk: Desk, recipients: int, found_id: str) -> None:
    """The bounds hold for who is wanted, sent already or not."""
    desk.campaign("a", phones(recipients), audience="minRecipients: 2\nmaxRecipients: 4\n")
    before = ids(desk)
    assert set(before) == ({found_id} if found_id else set())
    desk.send("a")
    assert set(ids(desk)) == set(before)


def test_rows_that_do_not_fit_where_they_must(desk: Desk) -> None:
    """What says `fail` blocks with the number of rows."""
    rows = [*phones(3), ("12", "x"), (phones(1)[0], phones(1)[0])]
    desk.campaign("a", rows)
    assert ids(desk) == {}
    desk.campaign("a", rows, audience="onInvalid: fail\nonDuplicate: fail\n")
    blocked = ids(desk)
    assert {name: finding.count for name, finding in blocked.items()} == {
        "invalid-rows": 1,
        "duplicate-keys": 1,
    }
    assert str(blocked["invalid-rows"].place).startswith("campaigns/a.yaml:")


def test_changed_texts(desk: Desk) -> None:
    """Content is not identity: it warns, and blocks only where the campaign says so."""
    desk.campaign("a", phones(3))
    desk.send("a")
    desk.campaign("a", text="Don {{ code }}")
    assert ids(desk)["changed-content"].severity == "warn"
    desk.campaign("a", text="Don {{ code }}", more="onChange: fail\n")
    finding = ids(desk)["changed-content"]
    assert (finding.severity, finding.count) == ("error", 3)


def test_cost_of_the_dearer_way_over_all_campaigns(desk: Desk) -> None:
    """100 messages by Zalo cost 1 EUR, their SMS 3: the dearer counts, and two campaigns add up."""
    desk.policy("limits", "maxCost: {amount: 4, currency: EUR}")
    desk.campaign("a", phones(100), more=FAILOVER)
    desk.campaign("b", phones(100))
    assert ids(desk) == {}
    desk.audience("b", phones(101))
    finding = ids(desk)["max-cost"]
    assert finding.message == "the plan may cost 4.01, limit 4.00 EUR (maxCost)"
    assert str(finding.place) == "policies/limits.yaml:5:12"


def test_costs_that_cannot_be_compared_block(desk: Desk) -> None:
    """A limit in another currency, or no price at all, is not within the limit."""
    desk.policy("limits", "maxCost: {amount: 400, currency: VND}")
    desk.campaign("a", phones(1))
    assert ids(desk)["cost-currency"].severity == "error"
    desk.policy("limits", "maxCost: {amount: 400, currency: EUR}")
    desk.write("prices.yaml", "currency: EUR\nzalo: {PROMOTION: 0.05}\n")
    assert ids(desk)["cost-unknown"].campaign == "a"
    desk.write("prices.yaml", "currency: EUR\nzalo: {TRANSACTION: 0.05}\n")
    assert ids(desk) == {}
    desk.campaign("a", more=FAILOVER)
    assert ids(desk)["cost-unknown"].severity == "error", "the SMS has no price"
    desk.audience("a", [])
    assert "cost-unknown" not in ids(desk), "nothing is sent"


def test_what_policies_forbid(desk: Desk) -> None:
    """requireEncrypted, allowPlaintextFailover, allowedSenders and -Templates, each for each campaign."""
    desk.policy("strict", 'requireEncrypted: true\nallowPlaintextFailover: false\nallowedSenders: ["123456"]')
    desk.campaign("clear", phones(1), more=FAILOVER)
    assert set(ids(desk)) == {"require-encrypted", "allowed-senders"}
    desk.campaign("clear", more=f"encrypted: true\n{FAILOVER}")
    assert set(ids(desk)) == {"plaintext-failover", "allowed-senders"}
    desk.campaign("clear", more="encrypted: true\n")
    desk.policy("strict", f'requireEncrypted: true\nallowedSenders: ["123456", "{SENDER}"]')
    assert ids(desk) == {}
    for templates, expected in (("1, 322308", {"allowed-templates"}), ("1, 322307", set())):
        desk.policy("strict", f"allowedTemplates: [{templates}]")
        assert set(ids(desk)) == expected


def test_growth_against_the_plan_that_was_applied_last(desk: Desk) -> None:
    """Half as many more is allowed, one more than that is not; the message says how many, of which run."""
    desk.policy("limits", "maxNewShare: 50%")
    desk.campaign("a", phones(20))
    assert ids(desk) == {}, "there is no earlier plan"
    desk.send("a")
    desk.audience("a", phones(30))
    assert ids(desk) == {}
    desk.audience("a", phones(31))
    finding = ids(desk)["max-new-share"]
    assert finding.message == (
        "11 recipients are new against the 20 that run run-1 named (+55 %, limit 50%);"
        " check the file (maxNewShare)"
    )
    assert (finding.severity, finding.count, finding.campaign) == ("error", 11, "a")
    assert str(finding.place) == "policies/limits.yaml:5:16"


def test_an_audience_that_was_exchanged_is_all_new(desk: Desk) -> None:
    """As many rows as before, of other people: growth is of people, not of the file's size."""
    desk.policy("limits", "maxNewShare: 50%")
    desk.campaign("a", phones(20))
    desk.send("a")
    desk.audience("a", phones(20, first=100))
    assert ids(desk)["max-new-share"].count == 20


def test_what_an_earlier_plan_named_and_did_not_get_to_is_not_new(desk: Desk) -> None:
    """A run that was stopped after 5 of 100 does not make the other 95 new ones."""
    desk.policy("limits", "maxNewShare: 10%")
    desk.campaign("a", phones(100))
    desk.send("a", limit=5)
    assert ids(desk) == {}
    desk.audience("a", phones(110))
    assert ids(desk) == {}
    desk.audience("a", phones(111))
    assert ids(desk)["max-new-share"].count == 11
    desk.audience("a", phones(100))
    desk.send("a", limit=20)
    desk.send("a")
    desk.audience("a", phones(111))
    assert ids(desk)["max-new-share"].count == 11


def test_a_refused_message_is_known(desk: Desk) -> None:
    """Released messages are sent again, and are no new people."""
    desk.policy("limits", "maxNewShare: 0%")
    desk.campaign("a", phones(20))
    desk.send("a", state=Status.RELEASED)
    with desk.plan() as plan:
        assert plan.to_send == 20
        assert "max-new-share" not in found(plan)


def test_a_new_occurrence_has_no_earlier_plan(desk: Desk) -> None:
    """Raising the occurrence is a decision of its own; the plan before it was about other messages."""
    desk.policy("limits", "maxNewShare: 0%")
    desk.campaign("a", phones(20))
    desk.send("a")
    desk.campaign("a", more="occurrence: 2\n")
    assert ids(desk) == {}


def test_a_rename_that_is_none(desk: Desk) -> None:
    """A campaign without a past beside a past without a campaign: the plan asks before people get two."""
    desk.campaign("old-name", phones(5))
    desk.send("old-name")
    (desk.root / "campaigns" / "old-name.yaml").unlink()
    desk.campaign("new-name", phones(5))
    finding = ids(desk)["maybe-renamed"]
    assert (finding.severity, finding.campaign) == ("warn", "new-name")
    assert "`previousNames: [old-name]`" in finding.message
    desk.campaign("new-name", metadata="previousNames: [old-name]\n")
    assert ids(desk) == {}


def test_findings_hold_no_recipient(desk: Desk) -> None:
    """No finding quotes a row."""
    desk.policy("all", "maxRecipientsPerPlan: 1\nmaxNewShare: 0%\nfrequencyCaps: [{max: 1, per: 24h}]")
    desk.campaign("a", phones(3), audience="minRecipients: 9\nonInvalid: fail\n")
    desk.send("a", limit=2)
    desk.now = NOON + timedelta(hours=1)
    desk.audience("a", [*phones(9), ("12345", "bad")])
    text = " ".join(finding.message for finding in ids(desk).values())
    assert not any(phone in text or phone[1:] in text for phone in phones(9))


def test_a_template_without_values(desk: Desk) -> None:
    """A campaign that fills in nothing is planned and sent like any other, whatever its audience's size."""
    for count in (0, 1, 5):
        desk.campaign("plain", phones(count), audience="minRecipients: 0\n", values="{}")
        assert ids(desk) == {}
        with desk.plan() as plan:
            assert plan.to_send == count
    assert desk.send() == 5
