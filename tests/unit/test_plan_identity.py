"""What makes a message the same one: name, occurrence and key, and nothing of what it says or when."""

from pathlib import Path

import pytest

from tests.support.desk import Desk, phones
from zalosync.plan.decide import Action
from zalosync.plan.shape import Plan

ROWS = 4


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A campaign that everybody got."""
    desk = Desk(tmp_path)
    desk.campaign("tet", phones(ROWS))
    assert desk.send() == ROWS
    return desk


def counts(plan: Plan, campaign: int = 0) -> dict[Action, int]:
    """What is to be done about how many."""
    actions = plan.campaigns[campaign].messages.actions
    return {action: actions[action] for action in Action if actions[action]}


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Don {{ code }}"},
        {"values": '{order_code: "{{ code }}", more: x}'},
        {"more": 'smsFailover: {text: "Don {{ code }}"}\n'},
    ],
    ids=["text", "values", "failover"],
)
def test_changed_content_is_counted_and_sent_to_nobody(desk: Desk, change: dict[str, str]) -> None:
    """What people would see now differs from what they got: `changed`, with how many."""
    desk.campaign("tet", **change)
    with desk.plan() as plan:
        assert counts(plan) == {Action.CHANGED: ROWS}
        assert plan.to_send == 0


def test_another_template_is_changed_content(desk: Desk) -> None:
    """The same values in another template are another text."""
    spec = desk.root / "campaigns" / "tet.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("322307", "322308"), encoding="utf-8")
    with desk.plan() as plan:
        assert counts(plan) == {Action.CHANGED: ROWS}


@pytest.mark.parametrize(
    "more",
    [
        "schedule: {sendAt: 2026-12-24T09:00:00+07:00}\n",
        "schedule: {sendAt: 2026-12-24T09:00:00+07:00, mode: hold}\n",
        "validityPeriod: 2h\n",
        "encrypted: true\n",
        "sendingMode: REGULAR\ntracking: {shortenUrl: true}\n",
    ],
)
def test_another_time_or_way_sends_nothing_again(desk: Desk, more: str) -> None:
    """Neither schedule nor options make another message, or another text."""
    desk.campaign("tet", more=more)
    with desk.plan() as plan:
        assert counts(plan) == {Action.UNCHANGED: ROWS}


def test_a_raised_occurrence_is_for_the_same_people_again(desk: Desk) -> None:
    """Another occurrence is another message to each of them; lowered again, nothing is sent."""
    desk.campaign("tet", more="occurrence: 2\n")
    assert desk.send() == ROWS
    desk.campaign("tet")
    with desk.plan() as plan:
        assert counts(plan) == {Action.UNCHANGED: ROWS}


def test_another_key_is_another_message(desk: Desk) -> None:
    """The phone beside it does not matter: the same person may have two orders."""
    desk.audience("tet", [(phone, f"second-{phone}") for phone in phones(ROWS)])
    with desk.plan() as plan:
        assert counts(plan) == {Action.SEND: ROWS}


def test_a_renamed_campaign_sends_nothing_again(desk: Desk) -> None:
    """With its former name it is the same campaign, also after a second renaming."""
    (desk.root / "campaigns" / "tet.yaml").unlink()
    desk.audience("lunar", phones(ROWS + 1))
    desk.campaign("lunar", metadata="previousNames: [tet]\n")
    with desk.plan() as plan:
        assert counts(plan) == {Action.SEND: 1, Action.UNCHANGED: ROWS}
    assert desk.send() == 1
    (desk.root / "campaigns" / "lunar.yaml").unlink()
    desk.audience("new-year", phones(ROWS + 1))
    desk.campaign("new-year", metadata="previousNames: [tet, lunar]\n")
    with desk.plan() as plan:
        assert counts(plan) == {Action.UNCHANGED: ROWS + 1}


def test_a_list_of_a_policy_holds_for_every_campaign(tmp_path: Path) -> None:
    """Its path is relative to the policy; a row that ended suppresses nobody any more."""
    desk = Desk(tmp_path)
    first, second, third = phones(3)
    desk.campaign("one", [first, second, third])
    desk.campaign("two", [second, third])
    desk.policy("global", "suppressions: [lists/*.csv]\n")
    (desk.root / "policies" / "lists").mkdir()
    desk.write(
        "policies/lists/gone.csv", f"phone,until,reason\n+84{second[1:]},,asked\n{third},2026-11-30,\n"
    )
    with desk.plan() as plan:
        assert counts(plan, 0) == {Action.SEND: 2, Action.SUPPRESSED: 1}
        assert counts(plan, 1) == {Action.SEND: 1, Action.SUPPRESSED: 1}
