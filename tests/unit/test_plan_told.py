"""What a reviewer reads of a plan is true and the same in text, Markdown and HTML, whatever became of it."""

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.desk import KEYS, Desk, phones
from zalosync.compose.message import Status
from zalosync.console.markdown import LONGEST
from zalosync.console.plan_html import plan_html
from zalosync.console.plan_markdown import plan_markdown
from zalosync.console.plan_state import state_lines
from zalosync.console.plan_text import plan_lines
from zalosync.console.planned import plan_document
from zalosync.plan.adopt import build_adoption
from zalosync.plan.approve import approvals_needed
from zalosync.spec.load import load_project

Document = Mapping[str, Any]
HOLD = "schedule: {sendAt: 2026-12-04T09:00:00+07:00, mode: hold}\n"
FAILOVER = 'smsFailover: {sender: SHOPVN, text: "Don {{ code }} da gui."}\n'


def plain(text: str) -> str:
    """Without marks of a form, and on one line: what a person reads of it."""
    text = re.sub(r"<(style|svg).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(text).replace("`", "").replace("**", "").replace("\u200b", "").split())


def forms(document: Document, *, explain: bool = True) -> dict[str, str]:
    """The plan in each form, as a person reads it."""
    return {
        "text": plain("\n".join(plan_lines(document, explain=explain))),
        "markdown": plain(plan_markdown(document, explain=explain)),
        "html": plain(plan_html(document)),
    }


def drawn(desk: Desk) -> dict[str, Any]:
    """The document of a plan of all campaigns, with the approvals that it takes."""
    project = load_project(desk.root, environment=None, now=desk.now)
    with desk.plan() as plan:
        needed = approvals_needed(project, plan.contacts)
        return plan_document(plan, zone="Asia/Ho_Chi_Minh", needed=needed)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A project without campaigns."""
    return Desk(tmp_path)


SEALED = {
    "state": "applicable",
    "reason": "",
    "missing": "",
    "created_at": "2026-12-01T05:00:00Z",
    "expires_at": "2026-12-02T05:00:00Z",
    "actor": "lan@shop",
    "commit": "0123456789ab",
    "dirty": False,
    "approvals": [
        {
            "name": "Minh",
            "at": "2026-12-01T06:00:00Z",
            "reason": "seen",
            "actor": "minh",
            "signed": True,
            "older": False,
        }
    ],
}


@pytest.mark.parametrize("state", ["applicable", "expired", "consumed", "stale", "unknown"])
def test_every_form_says_what_became_of_a_sealed_plan(desk: Desk, state: str) -> None:
    """State, reason, by when it expires and who approved it; only an applicable one is called so."""
    desk.campaign("a", phones(3))
    reason = "" if state == "applicable" else "the `reason` & why"
    document = {**drawn(desk), "sealed": {**SEALED, "state": state, "reason": reason}}
    lines = [plain(line) for line in state_lines(document["sealed"], "Asia/Ho_Chi_Minh") if line]
    assert "approved 2026-12-01 13:00 +07:00 by Minh, signed: seen" in lines
    page, comment = plan_html(document), plan_markdown(document)
    for line in lines:
        assert line in plain(page)
        assert line in plain(comment)
    assert ("✓ can be applied" in page) == ('class="badge ok"' in page) == (state == "applicable")
    assert ("🛑" in comment) == (state in ("expired", "consumed", "stale"))


def test_a_plan_that_waits_for_approval_is_not_called_applicable(desk: Desk) -> None:
    """Each form says what is missing, and the page does not say that it can be applied as it is."""
    desk.campaign("a", phones(3))
    missing = "the plan needs 2 approvals and has 1"
    document = {**drawn(desk), "sealed": {**SEALED, "missing": missing}}
    page = plan_html(document)
    for shown in (plain(page), plain(plan_markdown(document))):
        assert f"once it is approved: {missing}" in shown
    assert "✓" not in page
    assert 'class="badge">to be approved<' in page


def test_any_number_of_approvals_fits(desk: Desk) -> None:
    """Those that do not fit the comment are counted."""
    desk.campaign("a", phones(3))
    many = [{**SEALED["approvals"][0], "name": "n" * 60, "reason": "r" * 300}] * 500  # type: ignore[index]
    comment = plan_markdown({**drawn(desk), "sealed": {**SEALED, "approvals": many}})
    assert len(comment) < LONGEST
    assert "more approvals" in comment


def with_findings(document: Document, count: int, findings: Mapping[int, Any]) -> dict[str, Any]:
    """The same campaign so many times, with these findings by number."""
    (campaign,) = document["campaigns"]
    many = [
        {**campaign, "name": f"campaign-{number:03}", "findings": findings.get(number, [])}
        for number in range(count)
    ]
    return {**document, "blocked": True, "campaigns": many}


def finding(name: str, severity: str) -> dict[str, Any]:
    """One of a campaign."""
    return {"id": name, "severity": severity, "message": f"what {name} says", "count": 1, "place": None}


def test_what_blocks_is_never_left_out(desk: Desk) -> None:
    """The last campaign of two hundred blocks: it comes first, then who warns, then the others."""
    desk.campaign("a", phones(3))
    findings = {199: [finding("max-recipients", "error")], 150: [finding("recontacted", "warn")]}
    comment = plan_markdown(with_findings(drawn(desk), 200, findings))
    shown = re.findall("^#### `(.*)`$", comment, flags=re.MULTILINE)
    assert shown[:3] == ["campaign-199", "campaign-150", "campaign-000"]
    assert "🛑 **max-recipients** `what max-recipients says`" in comment
    assert "- 🛑 **max-recipients**, 1 finding, in `campaign-199`" in comment
    assert "**112 more campaigns** did not fit" not in comment
    assert len(comment) < LONGEST


def test_every_rule_that_blocks_is_named_at_any_size(desk: Desk) -> None:
    """Each id with its count, although hardly a campaign fits; the same of the plan's own findings."""
    desk.campaign("a", phones(3))
    ids = [f"rule-{'x' * number}" for number in range(1, 40)]
    noise = [{**finding("quiet-hours", "error"), "message": "m" * 400}] * 40
    findings = {number: [*noise, finding(ids[number % 39], "error")] for number in range(390)}
    document = with_findings(drawn(desk), 390, findings)
    own = [*noise, finding("max-cost", "error")]
    comment = plan_markdown({**document, "findings": own})
    assert len(comment) < LONGEST
    assert "more campaigns** did not fit" in comment
    assert re.search(
        r"\*\*quiet-hours\*\*, 15,600 findings, in `campaign-000`, .* more campaigns$", comment, re.MULTILINE
    )
    for name in ids:
        assert f"**{name}**, 10 findings, in `campaign-" in comment
    assert re.search(r"- and \d+ more findings: .*1 🛑 \*\*max-cost\*\*", comment)


@pytest.mark.parametrize(
    ("more", "way"),
    [
        ({"sealed": SEALED, "blocked": False}, "zalosync show FILE"),
        ({}, "zalosync plan"),
        ({"complete": False, "digest": None}, "zalosync plan --preview"),
    ],
)
def test_what_did_not_fit_is_found_in_a_way_that_exists(desk: Desk, more: Document, way: str) -> None:
    """`show` needs a sealed file, and what is blocked or a preview has none."""
    desk.campaign("a", phones(3))
    comment = plan_markdown({**with_findings(drawn(desk), 300, {}), **more})
    assert f"did not fit here: `{way}` has all of them" in comment


def crashed(desk: Desk) -> None:
    """A run sent 12 of 30 and died with the others in flight; elsewhere two failed, five are held."""
    desk.campaign("a", [*phones(30), "12"])
    desk.send("a", limit=12)
    desk.send("a", state=Status.UNKNOWN)
    desk.campaign("b", phones(2, first=100))
    desk.send("b", state=Status.UNDELIVERABLE)
    desk.campaign("c", phones(5, first=200), more=HOLD)
    desk.send("c", state=Status.HELD)


def test_heads_add_up_in_every_form(desk: Desk) -> None:
    """Rows are skipped, sent before, held, in doubt or failed, or to send; each form has the same numbers."""
    crashed(desk)
    desk.campaign("d", phones(4, first=300))
    document = drawn(desk)
    shown = forms(document)
    parts = {
        "skipped": 1,
        "sent before": 12,
        "held until due": 5,
        "in doubt or failed": 20,
        "to send": 4,
    }
    assert sum(parts.values()) == document["totals"]["audience"] == 42
    words = "42 rows in 4 campaigns: 1 skipped, 12 sent before, 5 held until due, 20 in doubt or failed"
    assert words in shown["text"]
    assert "4 messages to send" in shown["text"]
    assert (
        "| rows | skipped | sent before | held until due | in doubt or failed | to send | cost |"
        in shown["markdown"]
    )
    assert "| 42 | 1 | 12 | 5 | 20 | 4 | 0.04 EUR |" in shown["markdown"]
    page = plan_html(document)
    tiles = dict(re.findall(r"<strong>([\d,]+)</strong><span>([^<]*)</span>", page))
    assert {words: int(count) for count, words in tiles.items()} == {
        **{words: count for words, count in parts.items() if words != "to send"},
        "rows": 42,
        "messages to send": 4,
    }


def test_what_is_not_there_takes_no_place(desk: Desk) -> None:
    """Nobody is held, in doubt or failed: none of the forms speaks of it."""
    desk.campaign("a", phones(3))
    for shown in forms(drawn(desk), explain=False).values():
        assert "held until due" not in shown
        assert "in doubt" not in shown


def test_no_changes_is_said_only_where_it_is_true(desk: Desk) -> None:
    """Where messages are held, in doubt or failed, not everybody has one; each is told with its way out."""
    desk.campaign("z", phones(3, first=900))
    desk.send("z")
    assert "No changes: everybody who should have a message has one" in forms(drawn(desk))["text"]
    crashed(desk)
    text = forms(drawn(desk))["text"]
    assert "No changes" not in text
    assert "Nothing to send now, and not everybody has a message for certain:" in text
    assert "18 may have been sent: zalosync refresh, then zalosync resolve" in text
    assert "2 failed on Zalo and are not sent again" in text
    assert "5 held until due: zalosync apply --due sends them then" in text


def adoption(desk: Desk, known: int) -> dict[str, Any]:
    """The document of a plan that marks as sent those whom the provider's logs know: so many."""
    import polars as pl

    def attempts(messages: pl.DataFrame) -> pl.Series:
        return pl.Series([1 if n < known else None for n in range(messages.height)], dtype=pl.UInt64)

    project = load_project(desk.root, environment=None, now=desk.now)
    with build_adoption(
        project,
        project.campaign("a"),
        desk.ledger,
        KEYS,
        base_url="https://x.api.infobip.com",
        files=None,
        attempts=attempts,
        now=desk.now,
        emit=desk.emitted.append,
    ) as plan:
        needed = approvals_needed(project, plan.contacts)
        return plan_document(plan, zone="Asia/Ho_Chi_Minh", needed=needed)


def test_a_plan_that_adopts_sends_nothing_in_any_form(desk: Desk) -> None:
    """It marks as sent: no cost, no time, nothing to send; who is not found is not in the provider's logs."""
    desk.write("prices.yaml", "currency: EUR\n")
    desk.campaign("a", phones(5), more=FAILOVER)
    document = adoption(desk, 3)
    for name, shown in forms(document).items():
        assert "3 messages to mark as sent before; nothing goes out" in shown or name == "html"
        assert "to mark as sent" in shown
        assert "not found in the provider's logs" in shown
        assert "the provider's logs have no message of this identity" in shown
        for wrong in (
            "to send",
            "Cost",
            "cost",
            "not known",
            "When",
            "when nothing",
            "where",
            "wanted",
            "SMS",
            "not encrypted",
            "since run",
            "No changes",
        ):
            assert wrong not in shown, name
    assert "to send" not in plan_html(document)


def test_a_plan_that_adopts_nobody(desk: Desk) -> None:
    """Not "no changes": nobody was found, or the ledger has them."""
    desk.campaign("a", phones(5))
    desk.send("a", limit=3)
    text = forms(adoption(desk, 3))["text"]
    assert "Nothing to mark" in text
    assert "3 in the ledger already" in text


DAYS = "days: [MONDAY, TUESDAY, WEDNESDAY]"
SLOW = f"""\
schedule:
  sendAt: 2026-12-03T09:00:00+07:00
  expiresAt: 2026-12-05T20:00:00+07:00
  sendingSpeedLimit: {{amount: 1000, timeUnit: HOUR}}
  deliveryTimeWindow: {{{DAYS}, from: "08:00", to: "21:00"}}
validityPeriod: 90m
"""


def test_a_reviewer_sees_from_whom_and_when(desk: Desk) -> None:
    """Senders, schedule, speed, window, validity and end: in text with --explain, in the others always."""
    desk.campaign("a", phones(5), more=SLOW + FAILOVER)
    desk.campaign("b", phones(5, first=10), more='smsFailover: {text: "Don"}\n')
    document = drawn(desk)
    for shown in (*forms(document).values(), forms(document, explain=False)["markdown"]):
        words = shown.replace(": ", " ").lower()
        for wanted in (
            "sender 4097700000000000001",
            "sms sender shopvn",
            "sms sender the account's own",
            "sendat 2026-12-03 09:00 +07:00, mode provider",
            "speed limit 1,000 messages per hour",
            "delivery window monday, tuesday, wednesday, 08:00 to 21:00 asia/ho_chi_minh",
            "validity 90 minutes",
            "expiresat 2026-12-05 20:00 +07:00",
        ):
            assert wanted in words
    assert "shopvn" not in forms(document, explain=False)["text"].lower()


def test_every_form_names_the_address(desk: Desk) -> None:
    """Where the name of an environment does not say it."""
    desk.campaign("a", phones(5))
    document = {**drawn(desk), "base_url": "https://x.api.infobip.com"}
    for shown in forms(document).values():
        assert "https://x.api.infobip.com" in shown


def test_a_cost_that_is_not_known_is_told(desk: Desk) -> None:
    """Of one campaign, too, and in each form."""
    desk.write("prices.yaml", "currency: EUR\n")
    desk.campaign("a", phones(5))
    for shown in forms(drawn(desk)).values():
        assert "not known: prices.yaml does not say" in shown


def test_the_sms_that_a_rule_counts_is_told(desk: Desk) -> None:
    """600 messages are above 1,000 where an SMS may follow each; what is asked of any size counts nothing."""
    desk.policy("many", "approvals: [{above: 1000}]")
    desk.campaign("a", phones(600), more=FAILOVER)
    document = drawn(desk)
    (needed,) = document["approvals_needed"]
    assert (needed["above"], needed["messages"], needed["sms"]) == (1000, 600, 600)
    for shown in forms(document).values():
        assert "above 1,000 messages" in shown
        assert "it counts 600 messages and up to 600 SMS" in shown
    for other in (
        {**needed, "above": None},
        {**needed, "sms": 0},
        {"by": "x", "count": 1, "not_author": 0, "signed": 0},
    ):
        for shown in forms({**document, "approvals_needed": [other]}).values():
            assert "it counts" not in shown


def test_bars_are_told_apart(desk: Desk) -> None:
    """No two labels of a chart are the same."""
    desk.campaign("a", phones(10))
    desk.send("a", limit=5)
    desk.campaign("a", phones(4), text="Don {{ code }}")
    desk.send("a", state=Status.UNKNOWN)
    desk.audience("a", phones(10))
    page = plan_html(drawn(desk))
    labels = re.findall(r'<text x="184"[^>]*>([^<]*)</text>', page)
    assert "sent before, changed" in labels
    assert len(labels) == len(set(labels))


def test_when_names_the_zone(desk: Desk) -> None:
    """Findings have times in UTC: beside them, a time says whose it is by name."""
    desk.campaign("a", phones(5), more=HOLD)
    for shown in forms(drawn(desk)).values():
        assert "held by us until 2026-12-04 09:00 +07:00 Asia/Ho_Chi_Minh; cancel ends it until then" in shown
