"""Plans in all forms, as they are checked in: text at 80 columns, JSON with its schema, Markdown, HTML."""

import html
import json
import os
import re
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import polars as pl
import pytest

from tests.support.desk import KEYS, Desk, phones
from zalosync.compose.message import Status
from zalosync.compose.preview import preview
from zalosync.console.markdown import LONGEST
from zalosync.console.plan_html import plan_html
from zalosync.console.plan_markdown import plan_markdown
from zalosync.console.plan_state import diff_lines
from zalosync.console.plan_text import plan_lines
from zalosync.console.planned import plan_document
from zalosync.plan.adopt import build_adoption
from zalosync.plan.approve import Needed
from zalosync.plan.shape import SEND, Plan
from zalosync.plan.skips import skip_samples
from zalosync.spec.load import load_project

FOLDER = Path(__file__).resolve().parent / "plan"
DAYS = "days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY]"


def checked_in(name: str, text: str) -> None:
    """The file is what would be written now, but for digests; `REWRITE_GOLDEN=1` writes it."""
    path = FOLDER / name
    text = re.sub(r"sha256:[0-9a-f]{64}", "sha256:…", text)
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def document(desk: Desk, plan: Plan) -> dict[str, Any]:
    """The plan's document, with a masked message of each campaign that sends."""
    project = load_project(desk.root, environment=None, now=desk.now)
    samples = {
        campaign.name: preview(project, campaign.loaded, KEYS, now=desk.now, budget=None)
        for campaign in plan.campaigns
        if campaign.to_send and plan.kind == SEND
    }
    needed = [
        Needed(1, "above 100 messages, approvals in policies/limits.yaml", above=100),
        Needed(
            2,
            "above 150 messages, approvals in policies/limits.yaml",
            not_author=True,
            signed=True,
            signers="x",
            above=150,
        ),
    ]
    skips = {campaign.name: skip_samples(project, campaign) for campaign in plan.campaigns}
    return plan_document(
        plan,
        zone="Asia/Ho_Chi_Minh",
        needed=needed if plan.complete else (),
        samples=samples,
        skips=skips if plan.complete else {},
    )


def ordinary(desk: Desk) -> None:
    """Three campaigns: one with dirt and a past, one that is held, one scheduled at a limited speed."""
    dirty = [
        ("12", "DH1"),
        (phones(1)[0], "DH2"),
        (phones(1)[0], "DH2"),
        ("+84 90-000.0005", "DH3"),
        ("", "DH4"),
    ]
    desk.campaign("a-shipped", [*((phone, f"DH{phone}") for phone in phones(120))], more="encrypted: true\n")
    desk.send("a-shipped", limit=30)
    desk.now += timedelta(days=1)
    failover = 'smsFailover: {sender: SHOPVN, text: "Don {{ code }} da gui."}\n'
    desk.campaign(
        "a-shipped",
        [*dirty, *((phone, f"DH{phone}") for phone in phones(150))],
        more=f"encrypted: true\n{failover}",
        metadata="description: Tells a customer\n",
    )
    held = "schedule: {sendAt: 2026-12-04T09:00:00+07:00, mode: hold, expiresAt: 2026-12-04T12:00:00+07:00}\n"
    desk.campaign("b-held", phones(20, first=500), tag="PROMOTION", more=held)
    ends = "expiresAt: 2026-12-05T20:00:00+07:00"
    window = f'deliveryTimeWindow: {{{DAYS}, from: "08:00", to: "21:00"}}'
    slow = "sendAt: 2026-12-03T09:00:00+07:00, sendingSpeedLimit: {amount: 10, timeUnit: HOUR}"
    desk.campaign(
        "c-slow",
        phones(60, first=900),
        tag="CUSTOMER_CARE",
        more=f"schedule: {{{slow}, {ends}, {window}}}\nvalidityPeriod: 6h\n",
    )


def blocked(desk: Desk) -> None:
    """A campaign that breaks several limits."""
    desk.policy(
        "limits", "maxRecipientsPerPlan: 10\nmaxCost: {amount: 1, currency: EUR}\nrequireEncrypted: true\n"
    )
    desk.campaign("offers", phones(2000), tag="PROMOTION", audience="maxRecipients: 1000\n")


def nothing(desk: Desk) -> None:
    """Everybody has a message, of several fates."""
    desk.campaign("a", phones(10))
    desk.send("a", limit=6)
    desk.send("a", limit=2, state=Status.EXPIRED)
    desk.send("a", state=Status.UNKNOWN)


def crashed(desk: Desk) -> None:
    """Of three hundred rows a run sent 120 and died with the others in flight; others are held."""
    desk.campaign("a", phones(300))
    desk.send("a", limit=120)
    desk.send("a", state=Status.UNKNOWN)
    later = "schedule: {sendAt: 2026-12-04T09:00:00+07:00, mode: hold}\n"
    desk.campaign("b", phones(20, first=500), more=later)
    desk.send("b", state=Status.HELD)


def before(desk: Desk) -> None:
    """Ten people, of whom the ledger has four; it is planned which of the others the logs know."""
    failover = 'smsFailover: {text: "Don {{ code }} da gui."}\n'
    desk.campaign("a", [*phones(10), "12"], more=failover)
    desk.send("a", limit=4)


def adoption(desk: Desk) -> Plan:
    """The plan that marks those of `a` whom the provider's logs know: every other one."""

    def known(messages: pl.DataFrame) -> pl.Series:
        return pl.Series([None if n % 2 else 1 for n in range(messages.height)], dtype=pl.UInt64)

    project = load_project(desk.root, environment=None, now=desk.now)
    return build_adoption(
        project,
        project.campaign("a"),
        desk.ledger,
        KEYS,
        base_url="sandbox",
        files=None,
        attempts=known,
        now=desk.now,
        emit=desk.emitted.append,
    )


def preview_only(desk: Desk) -> None:
    """As in a pull request."""
    desk.campaign("a", phones(10))


PLANS = {
    "ordinary": ordinary,
    "blocked": blocked,
    "nothing": nothing,
    "crashed": crashed,
    "adopt": before,
    "preview": preview_only,
}


@pytest.fixture(params=PLANS)
def planned(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    """The name of a plan, and its document."""
    name = str(request.param)
    desk = Desk(tmp_path)
    PLANS[name](desk)
    with adoption(desk) if name == "adopt" else desk.plan(preview=name == "preview") as plan:
        return name, document(desk, plan)


def test_text(planned: tuple[str, dict[str, Any]]) -> None:
    """No line is wider than 80 columns; the first says what would happen, blocked or not."""
    name, shown = planned
    lines = list(plan_lines(shown))
    checked_in(f"{name}.txt", "\n".join(lines) + "\n")
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("Preview of a plan for here" if name == "preview" else "Plan for here")
    assert any("BLOCKED" in line for line in lines[:3]) == (name == "blocked")


def test_text_explained(planned: tuple[str, dict[str, Any]]) -> None:
    """With --explain every group of rows has its reason."""
    name, shown = planned
    lines = list(plan_lines(shown, explain=True))
    checked_in(f"{name}-explained.txt", "\n".join(lines) + "\n")
    assert max(map(len, lines)) <= 80


def test_json(planned: tuple[str, dict[str, Any]]) -> None:
    """The document fits its published schema, and its counts balance."""
    name, shown = planned
    given = {"format_version": "1.0", **shown}
    checked_in(f"{name}.json", json.dumps(given, ensure_ascii=False, indent=2) + "\n")
    schema = json.loads(resources.files("zalosync.console").joinpath("schemas/plan.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(given)
    for totals in (given["totals"], *(campaign["totals"] for campaign in given["campaigns"])):
        assert totals["audience"] == sum(count for key, count in totals.items() if key != "audience")


def test_markdown(planned: tuple[str, dict[str, Any]]) -> None:
    """Short enough for any comment, and found again by its first line."""
    name, shown = planned
    text = plan_markdown(shown)
    checked_in(f"{name}.md", text)
    assert len(text) < LONGEST
    assert text.startswith("<!-- zalosync:plan environment=here truncated=false -->\n")


def test_html(planned: tuple[str, dict[str, Any]]) -> None:
    """One page that fetches nothing and runs nothing; each campaign's waterfall is drawn."""
    name, shown = planned
    page = plan_html(shown)
    checked_in(f"{name}.html", re.sub(r"<style>.*?</style>|style-src '[^']*'", "", page, flags=re.DOTALL))
    assert page.count("<svg ") == len(shown["campaigns"])
    assert not re.search(r"<script|https?://(?!www\.w3\.org)|url\(|@import|<link|<img", page)
    assert "default-src 'none'" in html.unescape(page)


def test_nothing_personal_is_in_any_form(planned: tuple[str, dict[str, Any]]) -> None:
    """No phone and no value, in no form."""
    _, shown = planned
    forms = (
        json.dumps(shown),
        plan_markdown(shown, explain=True),
        plan_html(shown),
        *plan_lines(shown, explain=True),
    )
    for form in forms:
        assert not re.search(r"(?:84|0)90[ .-]?0{2}[ .-]?\d{5}|DH\d{2}", form)


def test_a_diff(tmp_path: Path) -> None:
    """What came, went, changed, and why, in text and in JSON that fits its schema."""
    from zalosync.cli.diff import _document
    from zalosync.console.diff_markdown import diff_markdown
    from zalosync.plan.bundle import seal, unseal
    from zalosync.plan.diff import diff

    desk = Desk(tmp_path)
    desk.campaign("a", [(phone, phone) for phone in phones(50)])
    desk.campaign("gone", phones(5))
    with desk.plan() as plan:
        seal(tmp_path / "a.zsplan", plan, KEYS, {})
    desk.send("a", limit=7)
    (tmp_path / "campaigns" / "gone.yaml").unlink()
    desk.campaign("new", phones(3))
    desk.policy("more", "maxRecipientsPerPlan: 1000")
    desk.campaign("a", [(phone, phone) for phone in phones(60, first=10)], text="Don {{ code }}")
    with desk.plan() as plan:
        seal(tmp_path / "b.zsplan", plan, KEYS, {})
    shown = _document(diff(unseal(tmp_path / "a.zsplan", KEYS), unseal(tmp_path / "b.zsplan", KEYS)))
    schema = json.loads(resources.files("zalosync.console").joinpath("schemas/diff.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate({"format_version": "1.0", **shown})
    checked_in("diff.txt", "\n".join(diff_lines(shown)) + "\n")
    checked_in("diff.md", diff_markdown(shown))
    assert [(each["name"], each["in"], each["came"], each["went"]) for each in shown["campaigns"]] == [
        ("a", "both", 20, 10),
        ("gone", "before", 0, 5),
        ("new", "after", 3, 0),
    ]
    assert shown["campaigns"][0]["changed"] == 40
