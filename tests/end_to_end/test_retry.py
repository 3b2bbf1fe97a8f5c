"""A campaign with an SMS failover and retries: whom the SMS may have reached, nothing is sent to again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.desk import KEYS, Desk, found, phones
from zalosync.apply.letters import Letters
from zalosync.compose.message import Status
from zalosync.ledger.records import Kind, Move, Recorded, Standing

RETRY = """\
retry: {on: [UNDELIVERABLE_NOT_DELIVERED, EXPIRED_EXPIRED], maxAttempts: 2, after: 1s}
"""
FAILOVER = """\
smsFailover: {text: "Don {{ code }} da gui", sender: SHOP}
"""
ON_ZALO = Standing(Status.UNDELIVERABLE, status_group=2, status_id=9)
BOTH = ON_ZALO._replace(sms_group=2, sms_id=9)
BY_SMS = ON_ZALO._replace(state=Status.DELIVERED, sms_group=3, sms_id=5)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A campaign of four people with failover and retries, sent and accepted."""
    made = Desk(tmp_path)
    made.campaign("shipped", phones(4), more=RETRY + FAILOVER)
    assert made.send() == 4
    yield made
    made.ledger.close()


def attempts(desk: Desk) -> list[Recorded]:
    """What the ledger has, in order."""
    return sorted(desk.ledger.by_message_ids([row[2] for row in desk.ledger.attempts()]).values())


def learn(desk: Desk, *ends: Standing) -> None:
    """What reports say of the first messages."""
    moves = [Move(record, end) for record, end in zip(attempts(desk), ends, strict=False)]
    with desk.ledger.change(Kind.EVIDENCE, desk.now) as change:
        change.move(moves)


def planned(desk: Desk) -> tuple[int, int, int]:
    """How many would be tried again, failed for good, or have it."""
    desk.now = desk.now.replace(hour=desk.now.hour + 1)
    with desk.plan() as plan:
        (campaign,) = plan.campaigns
        totals = campaign.totals
        return totals["retry"], totals["failed"], totals["unchanged"] + totals["changed"]


def test_an_sms_that_nobody_has_heard_of(desk: Desk) -> None:
    """A report that was lost may have been that of an SMS that arrived: nobody gets two."""
    assert all(each.failover for each in attempts(desk))
    learn(desk, ON_ZALO, BOTH, BY_SMS)
    assert planned(desk) == (1, 1, 2)
    with desk.plan() as plan:
        assert found(plan)["retry-with-failover"].severity == "warn"


def test_a_failover_that_the_spec_forgot(desk: Desk) -> None:
    """What counts is what went out: removing the failover from the spec afterwards changes nothing."""
    desk.campaign("shipped", more=RETRY)
    learn(desk, ON_ZALO, BOTH)
    assert planned(desk) == (1, 1, 2)
    with desk.plan() as plan:
        assert "retry-with-failover" not in found(plan)


def test_a_failover_that_came_later(tmp_path: Path) -> None:
    """What went out without a failover is tried again, also where the spec has one by now."""
    desk = Desk(tmp_path)
    desk.campaign("shipped", phones(2), more=RETRY)
    desk.send()
    desk.campaign("shipped", more=RETRY + FAILOVER)
    learn(desk, ON_ZALO)
    assert planned(desk) == (1, 0, 1)
    desk.ledger.close()


def test_evidence_after_the_plan(desk: Desk) -> None:
    """A retry that was planned is not made where the SMS turns out to have arrived, or may have."""
    learn(desk, BOTH, BOTH, BOTH, BOTH)
    desk.now = desk.now.replace(hour=desk.now.hour + 1)
    with desk.plan(content=True) as plan:
        (campaign,) = plan.campaigns
        assert campaign.to_send == 4
        later = ON_ZALO._replace(sms_group=4, sms_id=29)
        learn(desk, BY_SMS, later)
        letters = Letters(campaign, 1, desk.ledger, KEYS)
        ready = [letter for part in letters for letter in part]
    assert [letter.claim.attempt for letter in ready] == [2, 2]
    assert all(letter.claim.failover for letter in ready)
    assert letters.shrunk == 2
