"""Why rows are skipped: said of each in a list, and of the first of each reason in the plan."""

import json
from pathlib import Path
from typing import Any

from tests.support.desk import Desk
from zalosync.audience.screen import Reason
from zalosync.console.planned import plan_document
from zalosync.plan.shape import Plan
from zalosync.plan.skips import SAMPLES, skip_samples, write_skips
from zalosync.spec.load import load_project
from zalosync.spec.loaded import LoadedProject

LOCK = """\
templates:
  "322307":
    sender: "4097700000000000001"
    status: ENABLE
    tag: TRANSACTION
    pulledAt: 2026-11-23T08:00:00Z
    parameters:
      order_code: {required: true, minLength: 3, maxLength: 8}
"""
# The spelling of a phone, and the word for what is wrong with it.
PHONES = {
    "": "empty",
    " - ": "empty",
    "09O1234567": "character",
    "0901234567 ext 5": "character",
    "090123": "not-a-number",
    "+66 81 234 5678": "other-region",
    "028 3822 1234": "not-mobile",
}
GOOD = "0901234567"


def desk_with(root: Path, rows: list[tuple[str, str]], audience: str = "") -> Desk:
    """A project of one campaign whose template is pinned."""
    desk = Desk(root)
    desk.write("templates.lock.yaml", LOCK)
    desk.campaign("shipped", rows, audience=audience)
    return desk


def project(desk: Desk) -> LoadedProject:
    """The project of a desk, as read."""
    return load_project(desk.root, environment=None, now=desk.now)


def listed(desk: Desk, plan: Plan) -> list[tuple[int, str, str]]:
    """The rows of a list of skipped rows: line, reason, why."""
    path = desk.root / "skips.jsonl"
    write_skips(path, project(desk), plan)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row["line"], row["reason"], row["why"]) for row in rows]


def sampled(desk: Desk, plan: Plan, *, phones: bool = False) -> list[dict[str, Any]]:
    """The samples of a plan's document."""
    (campaign,) = plan.campaigns
    skips = {campaign.name: skip_samples(project(desk), campaign)}
    (told,) = plan_document(plan, skips=skips, phones=phones)["campaigns"]
    found: list[dict[str, Any]] = told["skip_samples"]
    return found


def test_an_invalid_phone_is_named_by_its_fault(tmp_path: Path) -> None:
    """Whoever mends the audience sees what is wrong with each spelling, and never the spelling."""
    desk = desk_with(tmp_path, [*((spelling, "DH1") for spelling in PHONES), (GOOD, "DH2")])
    with desk.plan() as plan:
        assert listed(desk, plan) == [
            (line, "invalid-phone", why) for line, why in enumerate(PHONES.values(), 2)
        ]


def test_values_that_do_not_fit_name_their_parameter(tmp_path: Path) -> None:
    """Too short, too long: with the parameter of the template that it is about."""
    rows = [("0900000001", "D1"), ("0900000002", "DH1234567"), (GOOD, "DH2")]
    desk = desk_with(tmp_path, rows)
    with desk.plan() as plan:
        assert listed(desk, plan) == [
            (2, "invalid-values", "too-short: order_code"),
            (3, "invalid-values", "too-long: order_code"),
        ]


def test_an_unreadable_row_says_what_of_it_cannot_be_read(tmp_path: Path) -> None:
    """A condition that cannot be judged and a key that is empty are two things to mend."""
    desk = desk_with(
        tmp_path,
        [("0900000001", "x7"), ("0900000002", "   "), (GOOD, "100")],
        audience="where: \"{{ code | trim == '' or code | int > 5 }}\"\n",
    )
    with desk.plan() as plan:
        assert [each for each in listed(desk, plan) if each[1] == "unreadable"] == [
            (2, "unreadable", "condition"),
            (3, "unreadable", "key"),
        ]


def test_a_plan_shows_the_first_rows_of_each_reason(tmp_path: Path) -> None:
    """Place, reason and why of at most three rows; values are dots; no phone but on a terminal, masked."""
    twice = [("0900000009", "DH9")] * 5
    desk = desk_with(tmp_path, [*(("", f"DH{n}") for n in range(9)), *twice, ("0900000008", "D1")])
    with desk.plan() as plan:
        found = sampled(desk, plan)
        shown = sampled(desk, plan, phones=True)
    assert SAMPLES == 3
    assert [(each["reason"], each["line"]) for each in found] == [
        ("invalid-phone", 2),
        ("invalid-phone", 3),
        ("invalid-phone", 4),
        ("duplicate-key", 12),
        ("duplicate-key", 13),
        ("duplicate-key", 14),
        ("invalid-values", 16),
    ]
    assert found[-1] == {
        "reason": "invalid-values",
        "file": "audiences/shipped.csv",
        "line": 16,
        "why": "too-short: order_code",
        "values": {"order_code": "••"},
    }
    assert [each.get("phone") for each in shown] == [None] * 3 + ["+84•••••009"] * 3 + ["+84•••••008"]
    assert "900000" not in json.dumps(shown)


def test_what_is_suppressed_is_sampled_with_that_reason(tmp_path: Path) -> None:
    """A row that would be a message but for a list keeps the list as its reason."""
    desk = desk_with(tmp_path, [(GOOD, "DH1")], audience="exclude: [../stop.csv]\n")
    desk.write("stop.csv", f"phone\n{GOOD}\n")
    with desk.plan() as plan:
        (campaign,) = plan.campaigns
        (sample,) = skip_samples(project(desk), campaign)
    assert (sample.reason, sample.line, sample.why) == (Reason.SUPPRESSED, 2, "")


def test_an_sms_of_nothing_is_no_failover(tmp_path: Path) -> None:
    """Blank, folded to nothing, or not to be made: such a row is skipped, not sent an empty SMS."""
    desk = desk_with(tmp_path, [(GOOD, "DH1"), ("0901234568", "DH2"), ("0901234569", "DH3")])
    text = "{% if code == 'DH1' %}  {% elif code == 'DH2' %}\u200d{% else %}Don {{ code }}{% endif %}"
    more = f'smsFailover: {{text: "{text}", asciiOnly: true}}\n'
    desk.campaign("shipped", more=more)
    with desk.plan() as plan:
        assert plan.to_send == 1
        assert listed(desk, plan) == [
            (2, "invalid-values", "failover text"),
            (3, "invalid-values", "failover text"),
        ]


def test_an_audience_without_skipped_rows_is_not_read_again(tmp_path: Path) -> None:
    """The list is empty, whatever became of the file meanwhile."""
    desk = desk_with(tmp_path, [(GOOD, "DH1")])
    with desk.plan() as plan:
        (tmp_path / "audiences" / "shipped.csv").unlink()
        assert listed(desk, plan) == []
