"""What `status` says: counts that balance, an estimate that counts nobody twice, occurrences apart."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import click
import pytest

from tests.support.desk import At, Desk, phones
from tests.support.reports import DELIVERED, EXPIRED, PENDING, report
from zalosync.cli.facts import facts
from zalosync.cli.options import Options
from zalosync.cli.session import Session
from zalosync.cli.status import status
from zalosync.compose.message import Status
from zalosync.console.status import Facts, status_document
from zalosync.console.status_text import status_lines
from zalosync.ledger import read
from zalosync.ledger.alarms import Alarm, Contradiction
from zalosync.ledger.records import Recorded
from zalosync.provider import ProviderStatus
from zalosync.refresh.take import take

PRICED = "smsFailover: {sender: SHOPVN, text: hello}\n"
FAILOVER = """\
validityPeriod: {amount: 2, timeUnit: HOURS}
smsFailover: {sender: SHOPVN, text: hello, validityPeriod: {amount: 3, timeUnit: HOURS}}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A project and its ledger."""
    made = Desk(tmp_path)
    yield made
    made.ledger.close()


def document(desk: Desk) -> dict[str, object]:
    """The document of everything."""
    ledger = desk.ledger
    found = Facts(
        "here", ledger.tallies(), ledger.waiting(), {}, ledger.runs(), "", None, 0, {}, (), desk.now
    )
    return status_document(found)


def campaign(desk: Desk) -> dict[str, object]:
    """Its only campaign."""
    campaigns = document(desk)["campaigns"]
    assert isinstance(campaigns, list)
    (one,) = campaigns
    assert isinstance(one, dict)
    return one


@pytest.mark.parametrize("state", [Status.ACCEPTED, Status.UNKNOWN, Status.REJECTED, Status.DELIVERED])
def test_a_funnel_balances(desk: Desk, state: Status) -> None:
    """Rows are skipped, sent (or maybe), held, cancelled or not sent: nobody vanishes."""
    desk.campaign("tet", [*phones(10), "not a phone"])
    desk.send(state=state, limit=4)
    funnel = campaign(desk)["funnel"]
    assert isinstance(funnel, dict)
    assert (funnel["audience"], funnel["skipped"], funnel["sent"], funnel["not_sent"]) == (11, 1, 4, 6)
    parts = ("skipped", "sent", "held", "cancelled", "not_sent")
    assert funnel["audience"] == sum(funnel[part] for part in parts)
    lines = "\n".join(status_lines(document(desk)))
    assert ("sent, or maybe sent" in lines) is (state is Status.UNKNOWN)
    assert "6  not sent" in lines


def test_an_estimate_counts_nobody_twice(desk: Desk) -> None:
    """Runs that stopped early left messages to the next: together they are estimated as the whole was."""
    desk.campaign("tet", phones(10), more=PRICED)
    with desk.plan() as plan:
        whole = plan.campaigns[0].cost
    assert whole is not None
    desk.send(limit=3)
    desk.send(limit=3)
    desk.send()
    cost = campaign(desk)["cost"]
    assert isinstance(cost, dict)
    low, high = sorted((whole.zalo, whole.failover))
    assert cost["estimate_min"] == pytest.approx(float(low))
    assert cost["estimate_max"] == pytest.approx(float(high))


def test_earlier_occurrences_stand_apart(desk: Desk) -> None:
    """A funnel is of the newest occurrence; what earlier ones sent is told beside it."""
    desk.campaign("tet", phones(3))
    desk.send(state=Status.DELIVERED)
    desk.campaign("tet", phones(3), more="occurrence: 2\n")
    desk.send(limit=2)
    found = campaign(desk)
    assert found["occurrence"] == 2
    assert found["attempts"] == 5
    assert found["earlier"] == [{"occurrence": 1, "attempts": 3, "states": {"delivered": 3}}]
    lines = "\n".join(status_lines(document(desk)))
    assert "tet, occurrence 2: 2 attempts" in lines
    assert "occurrence 1: 3 delivered" in lines


@pytest.mark.parametrize(
    ("hours", "sms", "counts"),
    [
        (1, None, (3, 0, 0)),  # an SMS may still be on its way
        (1, DELIVERED, (2, 0, 0)),
        (1, EXPIRED, (2, 0, 1)),
        (7, None, (0, 3, 0)),  # its report should be there, and is not
        (7, PENDING, (0, 3, 0)),
        (7, DELIVERED, (0, 2, 0)),
        (7, EXPIRED, (0, 2, 1)),
    ],
)
def test_a_lost_report_of_an_sms(
    desk: Desk, hours: int, sms: ProviderStatus | None, counts: tuple[int, int, int]
) -> None:
    """Who failed on Zalo has not failed while nobody knows what became of the SMS in its place."""
    desk.campaign("tet", phones(5), more=FAILOVER)
    desk.send()
    ids = sorted(record.message_id for record in every(desk))
    undelivered = [report(each, ProviderStatus(2, "", 9, "")) for each in ids[:3]]
    said = [] if sms is None else [report(each, sms, sms=True) for each in ids[: 3 if sms is PENDING else 1]]
    take(desk.ledger, [*undelivered, *said], desk.now, lambda _: None)
    session = Session(Options(project=desk.root), {}, At(desk.now + timedelta(hours=hours)))
    shown = status_document(facts(session, desk.ledger))
    (found,) = shown["campaigns"]
    funnel = found["funnel"]
    assert (funnel["sms_waiting"], funnel["sms_unknown"], funnel["failed"]) == counts
    assert sum(failure["count"] for failure in found["failures"]) == counts[2]
    ends = ("delivered", "waiting", "sms_waiting", "sms_unknown", "failed")
    assert sum(funnel[end] for end in ends) == funnel["sent"] == 5
    assert found["sms_unknown"]["count"] == counts[1]
    findings = {each["id"]: each["count"] for each in shown["findings"]}
    assert findings.get("sms-unknown", 0) == counts[1]
    assert findings.get("late-outcomes", 0) == (2 if hours == 7 else 0)
    lines = "\n".join(status_lines(shown))
    assert ("of unknown SMS outcome" in lines) is bool(counts[1])
    assert ("waiting for their SMS" in lines) is bool(counts[0])


def test_a_count_that_was_cut_short_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted row by row is counted to a limit, and the text says that there are more."""
    monkeypatch.setattr(read, "MOST_COUNTED", 2)
    desk.campaign("tet", phones(5))
    desk.send()
    session = Session(Options(project=desk.root), {}, At(desk.now + timedelta(hours=49)))
    shown = status_document(facts(session, desk.ledger))
    assert shown["campaigns"][0]["late"] == {"count": 2, "more": True, "oldest_seconds": 49 * 3600}
    assert "2 or more outcomes are late" in "\n".join(status_lines(shown))


def test_each_document_of_a_watch_is_a_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`status --watch --json` prints a document on a line whenever something changes, and not otherwise."""
    desk.campaign("tet", phones(3))
    monkeypatch.setattr(Session, "reader", lambda _: nullcontext(desk.ledger))
    looks = iter((lambda: desk.send(limit=1), lambda: None, desk.send))

    class Watched(At):
        def sleep(self, seconds: float, wake: object = None) -> bool:  # noqa: ARG002 - no time goes by
            change = next(looks, None)
            if change is None:
                raise KeyboardInterrupt
            change()
            return False

    with pytest.raises(click.Abort):
        status.main(
            ["--project", str(desk.root), "--json", "--watch"],
            standalone_mode=False,
            obj=Options(clock=Watched(desk.now)),
        )
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [[each["attempts"] for each in one["campaigns"]] for one in shown] == [[], [1], [3]]


def every(desk: Desk) -> list[Recorded]:
    """All accepted attempts."""
    (number,) = desk.ledger.campaigns().values()
    return [record for some in desk.ledger.late(number, 0, 2**40) for record in some]


def test_it_loads_nothing_that_renders_or_sends(tmp_path: Path) -> None:
    """`status` answers at once: it imports neither what composes messages nor what posts them."""
    code = (
        "import sys\nfrom zalosync.cli import facts, status\n"
        "from zalosync.console import documents, status, status_text, text\n"
        "from zalosync.ledger import home\nfrom zalosync.plan import pace\n"
        "from zalosync.refresh import inbox, late, take\n"
        "print([name for name in ('polars', 'jinja2', 'cryptography', 'httpx') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_contradictions_are_told_until_they_are_answered(desk: Desk) -> None:
    """An alarm stands among the findings, with how many messages, one to ask about, and the way out."""
    alarm = Alarm(Contradiction.DELIVERED, 3, ("zs1-A",), "2026-12-01T05:00:00Z")
    ledger = desk.ledger
    facts = Facts(
        *("here", ledger.tallies(), ledger.waiting(), {}, ledger.runs(), "", None, 0, {}, (), desk.now),
        contradictions=[alarm],
    )
    (found,) = status_document(facts)["findings"]
    assert (found["id"], found["severity"], found["count"]) == ("contradiction", "error", 3)
    for words in ("3 messages", "delivered all the same", "zs1-A", "resolve --alarm"):
        assert words in found["message"]
