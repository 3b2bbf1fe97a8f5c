"""Held messages and the audience of now: what a plan cancels, what stays held, and why."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.desk import KEYS, NOON, Desk, found, phones
from tests.unit.test_run_execute import HOLD, Office
from zalosync.apply.conduct import Applied
from zalosync.audit.verify import verify
from zalosync.cli.apply import _question
from zalosync.compose.message import Status
from zalosync.console.diff_markdown import diff_markdown
from zalosync.console.documents import apply_document
from zalosync.console.plan_html import plan_html
from zalosync.console.plan_markdown import plan_markdown
from zalosync.console.plan_state import diff_lines
from zalosync.console.plan_text import plan_lines
from zalosync.console.planned import plan_document
from zalosync.console.text import apply_lines
from zalosync.errors import ExitCode
from zalosync.plan.bundle import Sealed, seal, unseal
from zalosync.plan.check import check_same, check_usable, narrowed
from zalosync.plan.diff import diff
from zalosync.plan.shape import TOTALS, Plan

GONE = phones(3)  # whose rows go


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Twelve messages of `tet` and five of `noel` are held."""
    made = Office(Desk(tmp_path))
    made.desk.campaign("tet", phones(12), more=HOLD)
    made.desk.campaign("noel", phones(5, first=100), more=HOLD)
    assert made.apply().totals.held == 17
    yield made
    assert verify(made.desk.ledger).problems == ()
    made.desk.ledger.close()


def lose_rows(office: Office) -> None:
    """Three rows of `tet` go, two come."""
    office.desk.audience("tet", [*phones(9, first=3), *phones(2, first=50)])


def lose_campaign(office: Office) -> None:
    """`noel` goes."""
    (office.desk.root / "campaigns" / "noel.yaml").unlink()


def cancels(plan: Plan) -> dict[str, int]:
    """What the plan would cancel, by campaign."""
    return {name: messages.count for name, messages in plan.cancels.items()}


def sealed(office: Office, name: str = "a.zsplan") -> Sealed:
    """The plan of now, sealed and read again."""
    with office.desk.plan() as plan:
        seal(office.desk.root / name, plan, KEYS, {})
        assert unseal(office.desk.root / name, KEYS).digest == plan.digest
    return unseal(office.desk.root / name, KEYS)


def test_gone_rows_are_cancelled(office: Office) -> None:
    """Held messages without a row are named by the plan, and are in none of the audience's counts."""
    with office.desk.plan() as plan:
        assert (plan.cancels, set(found(plan))) == ({}, {"template-unpinned"})
    lose_rows(office)
    with office.desk.plan() as plan:
        assert cancels(plan) == {"tet": 3}
        assert found(plan)["held-gone"].count == 3
        totals = plan.totals
        assert (totals["audience"], totals["held"], totals["send"]) == (16, 14, 2)
        assert totals["audience"] == sum(totals[name] for name in TOTALS)


def test_a_gone_campaign_is_cancelled(office: Office) -> None:
    """What is held of a campaign that is gone from the project is cancelled, by a plan of everything only."""
    lose_campaign(office)
    with office.desk.plan() as plan:
        assert cancels(plan) == {"noel": 5}
        assert "noel" in found(plan)["held-gone"].message
    with office.desk.plan("tet") as plan:
        assert cancels(plan) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"audience": "where: \"{{ code != '0900000001' }}\"\n"},
        {"audience": "consent: code\nwhere: \"{{ code != '0900000001' }}\"\n"},
        {"metadata": "previousNames: [tet]\n"},
    ],
)
def test_what_is_gone(office: Office, change: dict[str, str]) -> None:
    """A row that `where` drops is gone; a campaign that was renamed as it should be is not."""
    renamed = "metadata" in change
    if renamed:
        (office.desk.root / "campaigns" / "tet.yaml").unlink()
        shutil.copy(office.desk.root / "audiences" / "tet.csv", office.desk.root / "audiences" / "lunar.csv")
    office.desk.campaign("lunar" if renamed else "tet", more=HOLD, **change)
    with office.desk.plan() as plan:
        assert cancels(plan) == ({} if renamed else {"tet": 1})


def test_a_suppressed_row_is_not_gone(office: Office) -> None:
    """Lists may change again: whoever is on one keeps the held message, which is not sent meanwhile."""
    office.desk.write("audiences/stop.csv", f"phone\n{phones(1)[0]}\n")
    office.desk.campaign("tet", audience="exclude: [../audiences/stop.csv]\n", more=HOLD)
    with office.desk.plan() as plan:
        assert cancels(plan) == {}
        assert plan.totals["skipped"] == 1


def test_applying_cancels(office: Office) -> None:
    """They end as cancelled, are never sent, and no later plan names them."""
    lose_rows(office)
    lose_campaign(office)
    applied = office.apply()
    assert (applied.code, applied.totals.cancelled, applied.totals.held) == (ExitCode.DONE, 8, 2)
    assert office.states() == {Status.CANCELLED: 8, Status.HELD: 11}
    run = office.desk.ledger.runs()[-1]
    assert run.started["to_cancel"] == 8
    assert run.ended is not None
    assert (run.ended["totals"]["cancelled"], run.ended["consumed"]) == (8, True)
    office.desk.now = NOON + timedelta(days=2)
    assert office.apply(due=True).totals.accepted == 11
    assert not {"84" + phone[1:] for phone in GONE} & set(office.destinations())
    with office.desk.plan() as plan:
        assert cancels(plan) == {}
    office.desk.audience("tet", phones(12))
    with office.desk.plan() as plan:
        assert (plan.to_send, plan.totals["failed"]) == (0, 3)


def test_a_higher_occurrence_cancels_and_sends_anew(office: Office) -> None:
    """One plan ends what is held of the last occurrence, and has the messages of the next."""
    office.desk.campaign("tet", more=f"occurrence: 2\n{HOLD}", text="anew {{ code }}")
    with office.desk.plan() as plan:
        assert (cancels(plan), plan.to_send) == ({"tet": 12}, 12)
    office.apply()
    office.desk.now = NOON + timedelta(days=2)
    office.apply(due=True)
    assert office.states() == {Status.CANCELLED: 12, Status.ACCEPTED: 17}


def test_a_plan_is_bound_to_what_it_cancels(office: Office) -> None:
    """The digest is over the messages to cancel; a sealed plan names each, and says so only where it does."""
    before = sealed(office)
    assert "cancels" not in before.meaning
    lose_campaign(office)
    after = sealed(office)
    assert (after.to_cancel, after.digest != before.digest) == (5, True)
    assert [each["count"] for each in after.meaning["cancels"]] == [5]
    found_by_diff = diff(before, after)
    assert [(each.name, each.before, each.after) for each in found_by_diff.cancels] == [("noel", 0, 5)]


def test_a_sealed_plan_cancels_what_it_names(office: Office) -> None:
    """Approved first, applied later: of what is gone by then, only what the plan names is cancelled."""
    office.desk.audience("noel", phones(4, first=100))
    (office.desk.root / "campaigns" / "tet.yaml").rename(office.desk.root / "tet.away")
    plan_of_both = sealed(office)
    assert {name: each.count for name, each in plan_of_both.cancels.items()} == {"noel": 1, "tet": 12}

    def narrow(plan: Plan) -> None:
        check_same(plan_of_both, plan)
        assert narrowed(plan_of_both, plan) == {}

    def narrow_to_less(plan: Plan) -> None:
        del plan_of_both.cancels["tet"]  # type: ignore[attr-defined]
        narrow(plan)

    applied = office.apply(change=narrow_to_less)
    assert applied.totals.cancelled == 1
    assert office.states() == {Status.CANCELLED: 1, Status.HELD: 16}


def test_a_run_that_was_cut_off_is_taken_up(office: Office) -> None:
    """The same plan goes on after its own run has cancelled: what that run did does not make it stale."""
    lose_rows(office)
    office.desk.campaign("late", phones(5, first=200))
    plan = sealed(office)

    def narrow(now: Plan) -> None:
        check_usable(plan, "here", "sandbox", office.desk.ledger, office.desk.now)
        check_same(plan, now)
        narrowed(plan, now)

    first = office.apply(change=narrow, limit=2)
    assert (first.code, first.totals.cancelled, first.totals.accepted) == (ExitCode.STOPPED, 3, 2)
    again = office.apply(change=narrow)
    assert (again.code, again.totals.cancelled, again.totals.accepted) == (ExitCode.DONE, 0, 3)


def test_all_forms_say_it(office: Office) -> None:
    """Text, JSON, Markdown and HTML name how many of which campaign, and why."""
    before = sealed(office)
    lose_rows(office)
    lose_campaign(office)
    with office.desk.plan() as plan:
        document = plan_document(plan)
    assert document["cancel"] == 8
    assert document["cancels"] == [
        {"campaign": "noel", "gone": "campaign", "count": 5},
        {"campaign": "tet", "gone": "row", "count": 3},
    ]
    text = " ".join(" ".join(plan_lines(document)).split())
    for form in (text, plan_markdown(document).replace("**", "").replace("`", "")):
        assert "5 held messages" in form
        assert "the project has it no longer" in form
        assert "3 held messages" in form
        assert "their rows are gone from the audience" in form
    page = plan_html(document)
    assert "5 held messages to cancel</strong> of noel: the project has it no longer." in page
    from zalosync.cli.diff import _document

    moved = _document(diff(before, sealed(office, "b.zsplan")))
    assert "held messages of noel to cancel: 0 before, 5 now" in list(diff_lines(moved))
    assert "- held messages of `tet` to cancel: 0 before, 3 now" in diff_markdown(moved)


def test_a_plan_that_only_cancels_says_so(office: Office) -> None:
    """Nothing to send is not "no changes"."""
    lose_campaign(office)
    with office.desk.plan() as plan:
        lines = list(plan_lines(plan_document(plan)))
    assert "Nothing to send; 5 held messages to cancel." in lines


def test_the_question_names_what_is_cancelled(office: Office) -> None:
    """Who is asked before an apply hears of both, or of the only one."""
    lose_campaign(office)
    with office.desk.plan() as plan:
        assert _question(plan) == ("Cancel 5 held messages of here? What is cancelled is not sent any more.")
    lose_rows(office)
    with office.desk.plan() as plan:
        assert _question(plan) == (
            "Send 2 messages to here, and cancel 8 held messages of here? What is sent cannot be unsent."
        )


def due(office: Office) -> Applied:
    """A run of what is due, when it is."""
    office.desk.now = NOON + timedelta(days=2)
    return office.apply(due=True)


def test_another_text_stays_held_and_the_others_go_out(office: Office) -> None:
    """The run ends well, says how many stay held and why, and says it again each time; so does the plan."""
    rows = [(phone, f"K{number}") for number, phone in enumerate(phones(6, first=300))]
    office.desk.campaign("late", rows, more=HOLD)
    office.apply()
    office.desk.audience("late", [*rows[:4], (phones(1, first=400)[0], "K4"), (rows[5][0], "K5")])
    office.desk.campaign("tet", more=HOLD, text="anew {{ code }}")
    with office.desk.plan() as plan:
        findings = {each.campaign: each for each in plan.all_findings if each.id == "held-changed"}
        assert {name: each.count for name, each in findings.items()} == {"tet": 12, "late": 1}
        assert "raise `occurrence`" in findings["tet"].message
        assert cancels(plan) == {}
    for accepted in (10, 0):
        run = due(office)
        assert (run.code, run.totals.accepted, run.totals.not_sent) == (ExitCode.DONE, accepted, 0)
        assert (run.totals.held, +run.totals.stays) == (13, {"changed": 13})
        ended = office.desk.ledger.runs()[-1].ended
        assert ended is not None
        assert (ended["stays_held"], ended["totals"]["held"]) == ({"changed": 13}, 13)
        text = "\n".join(apply_lines(run, "here"))
        assert "13  stay held: not the text or phone that was approved" in text
        document = apply_document(run)
        assert document["stays_held"] == {"changed": 13}
    assert office.states() == {Status.ACCEPTED: 10, Status.HELD: 13}


def test_what_else_stays_held(office: Office) -> None:
    """A run of what is due also counts those without row or campaign, and the suppressed; it ends none."""
    lose_rows(office)
    lose_campaign(office)
    office.desk.write("audiences/stop.csv", f"phone\n{phones(1, first=5)[0]}\n")
    office.desk.campaign("tet", audience="exclude: [../audiences/stop.csv]\n", more=HOLD)
    run = due(office)
    assert (run.code, run.totals.accepted, run.totals.cancelled) == (ExitCode.DONE, 8, 0)
    assert +run.totals.stays == {"gone": 8, "suppressed": 1}
    assert office.states() == {Status.ACCEPTED: 8, Status.HELD: 9}
    with office.desk.plan(due=True) as plan:
        assert plan.cancels == {}
        assert "until a plan that cancels them is applied" in found(plan)["held-gone"].message


def test_not_yet_due_and_changed(office: Office) -> None:
    """Before its time a changed message is held like the others, and told of already."""
    office.desk.campaign("tet", more=HOLD, text="anew {{ code }}")
    run = office.apply(due=True)
    assert (run.code, run.totals.held, +run.totals.stays) == (ExitCode.DONE, 17, {"changed": 12})


def test_their_time_is_over_too(office: Office) -> None:
    """When `expiresAt` passes, those without a row are cancelled with the others, and counted."""
    until = (NOON + timedelta(days=1, hours=22)).isoformat()
    office.desk.campaign("tet", phones(9, first=3), more=HOLD.replace("}", f', expiresAt: "{until}"}}'))
    lose_campaign(office)
    run = due(office)
    assert (run.totals.cancelled, run.totals.to_send) == (12, 0)
    assert office.states() == {Status.CANCELLED: 12, Status.HELD: 5}


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    kept=st.sets(st.integers(0, 39)),
    fresh=st.sets(st.integers(40, 60)),
    changed=st.sets(st.integers(0, 39)),
)
def test_every_held_message_has_one_fate(
    tmp_path_factory: pytest.TempPathFactory, kept: set[int], fresh: set[int], changed: set[int]
) -> None:
    """Each held message stays as approved, stays with a finding, or is gone, whatever becomes of its row."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    everybody = phones(61)
    desk.campaign("tet", [(everybody[number], f"K{number}") for number in range(40)], more=HOLD)
    desk.send(state=Status.HELD)
    rows = [
        (everybody[60 - number] if number in changed else everybody[number], f"K{number}")
        for number in sorted(kept | fresh)
    ]
    desk.audience("tet", rows)
    with desk.plan() as plan:
        (campaign,) = plan.campaigns
        assert campaign.waits.gone.count == 40 - len(kept)
        assert campaign.waits.changed == len(kept & changed - {30})
        assert campaign.totals["held"] == len(kept)
        assert campaign.totals["send"] == len(fresh)
    desk.ledger.close()
