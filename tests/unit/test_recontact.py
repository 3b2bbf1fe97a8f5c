"""Who is messaged again within 30 days: counted over all campaigns, and blocked where a policy says so."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.desk import KEYS, NOON, Desk, found, phones
from zalosync.compose.message import Status
from zalosync.console.plan_markdown import plan_markdown
from zalosync.console.plan_text import plan_lines
from zalosync.console.planned import plan_document
from zalosync.ledger import read
from zalosync.plan import recontact
from zalosync.plan.approve import approvals_needed
from zalosync.plan.bundle import seal, unseal
from zalosync.spec.findings import Finding
from zalosync.spec.load import load_project

FAILOVER = 'smsFailover: {sender: SHOPVN, text: "Don {{ code }}"}\n'


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A project with one campaign that was sent to ten people."""
    desk = Desk(tmp_path)
    desk.campaign("first", phones(10))
    desk.send("first")
    desk.now += timedelta(days=1)
    return desk


def again(desk: Desk, *names: str) -> Finding | None:
    """The finding of a plan, if there is one."""
    with desk.plan(*names) as plan:
        return found(plan).get("recontacted")


def test_a_raised_occurrence_contacts_everybody_again(desk: Desk) -> None:
    """Their number is told, and of how many; new people are none of them."""
    assert again(desk) is None, "who has this message gets no other"
    desk.campaign("first", phones(14), more="occurrence: 2\n")
    finding = again(desk)
    assert finding is not None
    assert finding.message == "10 of 14 messages go to people who had a message in the last 30 days"
    assert (finding.severity, finding.campaign, finding.count) == ("warn", "first", 10)


def test_another_campaign_contacts_the_same_people(desk: Desk) -> None:
    """People count by their phone, whatever the campaign and the key."""
    desk.campaign("second", [(phone, f"other-{phone}") for phone in phones(6, first=7)])
    finding = again(desk, "second")
    assert finding is not None
    assert (finding.campaign, finding.count) == ("second", 3)


@pytest.mark.parametrize(
    ("after", "count"),
    [(timedelta(days=30), 10), (timedelta(days=30, seconds=2), 0), (timedelta(days=90), 0)],
)
def test_thirty_days_to_the_second(desk: Desk, after: timedelta, count: int) -> None:
    """A message of 30 days ago counts, an older one does not."""
    desk.campaign("second", phones(10))
    desk.now = NOON + after
    finding = again(desk, "second")
    assert (finding.count if finding else 0) == count


def test_what_was_never_sent_is_no_contact(desk: Desk) -> None:
    """Released and refused attempts reached nobody; what is unknown may have."""
    for number, (state, count) in enumerate(
        [(Status.RELEASED, 0), (Status.REJECTED, 0), (Status.UNKNOWN, 3), (Status.EXPIRED, 3)]
    ):
        people = phones(3, first=100 + 10 * number)
        desk.campaign("before", people, more=f"occurrence: {number + 1}\n")
        desk.send("before", state=state)
        desk.campaign("second", people)
        finding = again(desk, "second")
        assert (finding.count if finding else 0) == count, state


def test_whom_a_cap_holds_back_is_not_contacted(desk: Desk) -> None:
    """Nor is who is suppressed: only messages that would go out are counted."""
    desk.campaign("second", phones(12))
    desk.policy("caps", "frequencyCaps: [{max: 1, per: 48h}]")
    assert again(desk, "second") is None
    desk.policy("caps", "frequencyCaps: [{max: 1, per: 12h}]")
    finding = again(desk, "second")
    assert finding is not None
    assert finding.count == 10


def test_a_retry_is_no_new_message(tmp_path: Path) -> None:
    """Another attempt at the same message is counted as a retry, not as another message."""
    desk = Desk(tmp_path)
    retry = "retry: {on: [EXPIRED_EXPIRED], maxAttempts: 2, after: 1h}\n"
    desk.campaign("first", phones(4), more=retry)
    desk.send("first", state=Status.EXPIRED)
    desk.now += timedelta(hours=2)
    assert again(desk) is None


def test_a_policy_makes_it_an_error(desk: Desk) -> None:
    """Then such a plan is blocked."""
    desk.campaign("second", phones(10))
    desk.policy("rules", "rules: {recontacted: error}")
    with desk.plan("second") as plan:
        assert plan.blocked
        assert found(plan)["recontacted"].severity == "error"


def test_the_same_in_parts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large audience is held in files by parts; the count is the same."""
    desk.campaign("second", phones(40, first=4))
    monkeypatch.setattr(recontact, "BYTES_PER_PART", 100)
    finding = again(desk, "second")
    assert finding is not None
    assert finding.count == 6


@pytest.mark.parametrize(("keys", "rows"), [(512, 100_000), (2, 100_000), (2, 1), (2, 3)])
def test_the_same_however_it_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, keys: int, rows: int
) -> None:
    """Few people are looked for in the ledger, of many all are read, some rows at a time."""
    desk.campaign("second", phones(8, first=4))
    monkeypatch.setattr(read, "KEYS_PER_QUERY", keys)
    monkeypatch.setattr(read, "ROWS_PER_CHUNK", rows)
    finding = again(desk, "second")
    assert finding is not None
    assert finding.count == 6
    desk.campaign("second", phones(8, first=40))
    assert again(desk, "second") is None


@pytest.mark.parametrize(("failover", "contacts"), [("", 6), (FAILOVER, 12)], ids=["no SMS", "SMS"])
def test_the_sms_of_a_failover_is_a_second_message(tmp_path: Path, failover: str, contacts: int) -> None:
    """It counts for approvals, as planned and as sealed, and stands on a line of its own."""
    desk = Desk(tmp_path)
    desk.policy("many", f"approvals: [{{above: {contacts - 1}}}, {{above: {contacts}, count: 2}}]")
    desk.campaign("first", phones(6), more=failover)
    project = load_project(desk.root, environment=None, now=desk.now)
    with desk.plan() as plan:
        seal(desk.root / "a.zsplan", plan, KEYS, {})
        sealed = unseal(desk.root / "a.zsplan", KEYS)
        assert (plan.contacts, sealed.contacts) == (contacts, contacts)
        assert [each.count for each in approvals_needed(project, plan.contacts)] == [1]
        for form in (plan_lines, lambda document: plan_markdown(document).splitlines()):
            lines = [line for line in form(plan_document(plan)) if "6 second messages" in line]
            assert len(lines) == bool(failover)
