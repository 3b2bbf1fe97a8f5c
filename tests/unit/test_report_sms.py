"""What `audit report` says of messages that failed on Zalo, as long as an SMS may have taken their place."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.desk import At, Desk, phones
from tests.support.reports import DELIVERED, EXPIRED, report
from zalosync.audit.report import SMS_UNKNOWN, SMS_WAITING
from zalosync.audit.summary import Summary
from zalosync.audit.verify import verify
from zalosync.cli.audit import summary_of
from zalosync.cli.facts import facts
from zalosync.cli.options import Options
from zalosync.cli.session import Session
from zalosync.console.audited import report_document, report_lines
from zalosync.console.status import status_document
from zalosync.console.status_text import WORDS
from zalosync.provider import ProviderStatus
from zalosync.refresh.take import take

FAILOVER = """\
validityPeriod: {amount: 2, timeUnit: HOURS}
smsFailover: {sender: SHOPVN, text: hello, validityPeriod: {amount: 3, timeUnit: HOURS}}
"""
UNDELIVERED, REJECTED = ProviderStatus(2, "", 9, ""), ProviderStatus(5, "", 14, "")
NAMES = ("delivered", "waiting", "sms_waiting", "sms_unknown", "failed")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Six messages: one waits, one arrived, four failed on Zalo, and the SMS of one of these failed too."""
    made = Desk(tmp_path)
    made.campaign("tet", phones(6), more=FAILOVER)
    made.send()
    (number,) = made.ledger.campaigns().values()
    ids = sorted(record.message_id for some in made.ledger.late(number, 0, 2**40) for record in some)
    said = [report(ids[0], DELIVERED), *(report(each, UNDELIVERED) for each in ids[1:4])]
    said += [report(ids[4], REJECTED), report(ids[1], EXPIRED, sms=True)]
    take(made.ledger, said, made.now, lambda _: None)
    yield made
    made.ledger.close()


def later(desk: Desk, hours: int) -> Session:
    """A command of so many hours later."""
    return Session(Options(project=desk.root), {}, At(desk.now + timedelta(hours=hours)))


def told(desk: Desk, session: Session) -> tuple[Summary, dict[str, int], str]:
    """What the report tells: the summary, its outcomes as JSON has them, and what people read."""
    verified = verify(desk.ledger)
    summary = summary_of(session, desk.ledger, verified)
    document = report_document(summary, verified, "report.html")
    return summary, document["outcomes"], "\n".join(report_lines(document))


@pytest.mark.parametrize(("hours", "counts"), [(1, (1, 1, 3, 0, 1)), (7, (1, 1, 0, 3, 1))])
def test_it_says_what_status_says(desk: Desk, hours: int, counts: tuple[int, ...]) -> None:
    """Whose SMS has no outcome has not failed: the report counts as `status` does, in its words."""
    session = later(desk, hours)
    summary, outcomes, lines = told(desk, session)
    assert tuple(outcomes[name] for name in NAMES) == counts
    (campaign,) = status_document(facts(session, desk.ledger))["campaigns"]
    assert {name: campaign["funnel"][name] for name in NAMES} == outcomes
    assert sum(failure.count for failure in summary.campaigns[0].failures) == outcomes["failed"]
    assert (WORDS["sms_waiting"], WORDS["sms_unknown"]) == (SMS_WAITING, SMS_UNKNOWN)
    for name in NAMES:
        assert (f"{outcomes[name]} {WORDS[name]}" in lines) is bool(outcomes[name])


def test_sms_of_earlier_occurrences(desk: Desk) -> None:
    """What the spec says of the newest occurrence's time does not keep an earlier one's SMS awaited."""
    at = f"{desk.now + timedelta(hours=30):%Y-%m-%dT%H:%M:%SZ}"
    more = f'{FAILOVER}occurrence: 2\nschedule: {{mode: provider, sendAt: "{at}"}}\n'
    desk.campaign("tet", phones(2), more=more)
    desk.now += timedelta(hours=7)
    desk.send()
    summary, outcomes, _ = told(desk, later(desk, 0))
    assert [each.occurrence for each in summary.campaigns] == [1, 2]
    assert [(each.sms_waiting, each.sms_unknown) for each in summary.campaigns] == [(0, 3), (0, 0)]
    assert outcomes == {"delivered": 1, "waiting": 3, "sms_waiting": 0, "sms_unknown": 3, "failed": 1}


def test_a_campaign_that_has_left_the_project(desk: Desk) -> None:
    """Its SMS are awaited for the longest that any may take, and then their outcome is unknown too."""
    (desk.root / "campaigns" / "tet.yaml").unlink()
    desk.campaign("other", phones(1))
    assert told(desk, later(desk, 47))[1]["sms_waiting"] == 3
    assert told(desk, later(desk, 49))[1]["sms_unknown"] == 3
