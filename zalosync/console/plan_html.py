"""A plan as one HTML page that needs no network, no script and no other file; its waterfall is drawn."""

import base64
import hashlib
from importlib import resources

import jinja2
from markupsafe import Markup

from zalosync.audit import chart
from zalosync.console.display import display
from zalosync.console.plan_counts import shares, steps
from zalosync.console.plan_details import details
from zalosync.console.plan_state import state_lines
from zalosync.console.plan_words import (
    ADOPT,
    Document,
    approvals,
    at,
    cancels,
    cost,
    hosts,
    kind,
    leaving,
    place,
    second,
    sending,
    since,
    to_send,
    ways,
    when,
)

_LONGEST = 2_000  # characters of a text that is not ours
_TILES = {"held until due": "open", "in doubt or failed": "doubt"}  # by what they count: their colour
_KINDS = {"rows": "rows", "loss": "loss", "sent": "calm", "send": "taken"}


def plan_html(document: Document, *, digest: str | None = None) -> str:
    """The page.

    Args:
        document: as `plan_document` gives it.
        digest: of the sealed plan that it comes from, where that is another.
    """
    style = resources.files("zalosync.audit").joinpath("report.css").read_text(encoding="utf-8")
    page = resources.files("zalosync.console").joinpath("plan.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: display(value, _LONGEST) if type(value) is str else value,
    )
    environment.filters.update(count=lambda number: f"{number:,}")
    digested = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.from_string(page).render(
        plan=document,
        digest=digest or document["digest"],
        style=Markup(style),  # noqa: S704 - our own file
        # Only this very style sheet, and nothing else at all, may have an effect on the page.
        policy=f"default-src 'none'; style-src 'sha256-{digested}'; base-uri 'none'; form-action 'none'",
        adopts=document["kind"] == ADOPT,
        badge=badge(document),
        state=sealed_state(document),
        place=place(document)[1],
        tiles=[
            (count, words, _TILES.get(words, ""))
            for words, count in shares(document["totals"], document["kind"])
        ],
        sending=sending,
        to_send=to_send,
        leaving=leaving,
        cost=cost,
        ways=ways,
        kind=kind,
        second=second,
        since=since,
        when=when,
        at=at,
        details=details,
        titled=titled,
        hosts=hosts,
        approvals=list(approvals(document)),
        cancels=list(cancels(document)),
        steps=steps,
        bar_steps=bar_steps,
        bars=chart.waterfall,
        chart=chart,
    )


def badge(document: Document) -> tuple[str, str]:
    """Whether the plan can be applied, as far as is known: a class of the style sheet, and words."""
    state = document["sealed"]["state"] if "sealed" in document else "applicable"
    if not document["complete"]:
        return "", "a preview: cannot be applied"
    if document["blocked"]:
        return "broken", "✗ blocked"
    if state == "unknown":
        return "", "not held against a ledger"
    if state != "applicable":
        return "broken", f"✗ {state}"
    missing = document["sealed"]["missing"] if "sealed" in document else ""
    return ("", "to be approved") if missing else ("ok", "✓ can be applied")


def sealed_state(document: Document) -> list[str]:
    """What became of a sealed plan, by when it expires, and who approved it; empty of one that is none."""
    if "sealed" not in document:
        return []
    return [line.strip() for line in state_lines(document["sealed"], document["timezone"]) if line]


def titled(name: str) -> str:
    """With a capital, but for keys of the spec language and what has one: `Speed limit`, `sendAt`."""
    return name.capitalize() if name.islower() else name


def bar_steps(campaign: Document, plan: str) -> list[chart.Step]:
    """The waterfall of a campaign: losses hang from what is left before them, what is sent stands."""
    whole = left = campaign["totals"]["audience"]
    found = []
    for step in steps(campaign, plan):
        if step.kind == "rows":
            start = 0
        else:
            left -= step.count
            start = left
        found.append(chart.Step(step.short, step.count, whole, start, _KINDS[step.kind], step.why))
    return found
