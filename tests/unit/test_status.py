"""What `status` says: counts that balance, an estimate that counts nobody twice, occurrences apart."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.desk import Desk, phones
from zalosync.compose.message import Status
from zalosync.console.status import Facts, status_document
from zalosync.console.status_text import status_lines

PRICED = "smsFailover: {sender: SHOPVN, text: hello}\n"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A project and its ledger."""
    made = Desk(tmp_path)
    yield made
    made.ledger.close()


def document(desk: Desk) -> dict[str, object]:
    """The document of everything."""
    ledger = desk.ledger
    facts = Facts(
        "here", ledger.tallies(), ledger.waiting(), {}, ledger.runs(), "", None, 0, {}, (), desk.now
    )
    return status_document(facts)


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
