"""A plan as one HTML page that needs no network, no script and no other file; its waterfall is drawn."""

import base64
import hashlib
from importlib import resources

import jinja2
from markupsafe import Markup

from zalosync.audit import chart
from zalosync.console.display import display
from zalosync.console.plan_words import (
    WHY,
    Document,
    approvals,
    at,
    cancels,
    cost,
    kind,
    second,
    sending,
    since,
    steps,
    to_send,
    ways,
    when,
)

_LONGEST = 2_000  # characters of a text that is not ours
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
        sending=sending,
        to_send=to_send,
        cost=cost,
        ways=ways,
        kind=kind,
        second=second,
        since=since,
        when=when,
        at=at,
        why=WHY,
        approvals=list(approvals(document)),
        cancels=list(cancels(document)),
        steps=bar_steps,
        bars=chart.waterfall,
        chart=chart,
    )


def bar_steps(campaign: Document) -> list[chart.Step]:
    """The waterfall of a campaign: losses hang from what is left before them, what is sent stands."""
    whole = left = campaign["totals"]["audience"]
    found = []
    for step in steps(campaign):
        if step.kind == "rows":
            start = 0
        else:
            left -= step.count
            start = left
        found.append(
            chart.Step(
                step.words.removeprefix("skipped: "),
                step.count,
                whole,
                start,
                _KINDS[step.kind],
                WHY.get(step.name, "rows that were read"),
            )
        )
    return found
