"""The report that managers read: one HTML page that needs no network, no script and no other file. Pure.

Nothing personal is in it: counts, codes in plain words, names of campaigns and of who ran them.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from zalosync import __version__
from zalosync.audit import chart
from zalosync.audit.chart import Step
from zalosync.audit.summary import MICRO, CampaignSummary, RunSummary, Summary
from zalosync.compose.message import Status
from zalosync.errors import ExitCode

SKIPPED = {
    "unreadable": "the row could not be read",
    "invalid-phone": "no valid mobile number",
    "not-where": "outside the campaign's condition",
    "no-consent": "no consent on record",
    "suppressed": "on a suppression or exclude list",
    "duplicate-key": "the same as an earlier row",
    "invalid-values": "a value does not fit the template",
    "frequency-cap": "contacted as often as the policy allows",
}
ENDED = {
    ExitCode.DONE: "done",
    ExitCode.INTERNAL: "ended by an internal error",
    ExitCode.BLOCKED: "blocked by a rule",
    ExitCode.PLAN: "plan refused",
    ExitCode.STOPPED: "stopped early",
    ExitCode.UNKNOWN: "messages of unknown fate remain",
    ExitCode.LEDGER: "stopped by the ledger",
    ExitCode.PROVIDER: "refused by the provider",
    ExitCode.INTERRUPTED: "stopped by a signal",
}
STATES = {
    Status.ACCEPTED: "taken by Infobip, no final report yet",
    Status.DELIVERED: "a report says that it arrived",
    Status.UNDELIVERABLE: "a report says that it cannot arrive",
    Status.EXPIRED: "its validity ended, or no report came in time",
    Status.REJECTED: "refused by Infobip or Zalo",
    Status.UNKNOWN: "may have been sent; no proof yet, and never sent again on a guess",
    Status.INTENT: "written down for sending; the run has not noted the answer",
    Status.HELD: "waits for its time",
    Status.CANCELLED: "ended before anything was sent",
    Status.ABANDONED: "unknown for good; counted as maybe sent",
    Status.RELEASED: "proven not sent; a later run may send it",
}
# As `status` says it.
SMS_WAITING, SMS_UNKNOWN = "waiting for their SMS", "of unknown SMS outcome"
_GLUE = "\N{NO-BREAK SPACE}"


def render(summary: Summary, *, zone: tzinfo = UTC, gate: Callable[[str], str] = str) -> str:
    """The page.

    Args:
        summary: what it tells.
        zone: in which times are shown.
        gate: every text that is not ours passes it: it takes out what could move, hide or fake text.
    """
    style = _read("report.css")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: gate(value) if type(value) is str else value,
    )
    environment.filters.update(count=_count, share=_share, money=_money)
    template = environment.from_string(_read("report.html"))
    return template.render(
        s=summary,
        style=Markup(style),  # noqa: S704 - our own file
        # Only this very style sheet, and nothing else at all, may have an effect on the page.
        policy=f"default-src 'none'; style-src '{_digest(style)}'; base-uri 'none'; form-action 'none'",
        tiles=list(_tiles(summary)),
        steps=_steps,
        bars=chart.waterfall,
        chart=chart,
        skipped=SKIPPED,
        states=STATES,
        ended=_ended,
        when=lambda at: _when(at, zone),
        zone=str(zone),
        version=__version__,
    )


@cache
def _read(name: str) -> str:
    return resources.files("zalosync.audit").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _tiles(summary: Summary) -> Iterator[dict[str, Any]]:
    """The few numbers that stand on top; shares are of all messages."""
    whole = sum(each.attempts for each in summary.campaigns)
    tiles = [
        ("taken by Infobip", sum(each.taken for each in summary.campaigns), "taken"),
        ("delivered", summary.total(Status.DELIVERED), "good"),
        ("not delivered", summary.failed, "bad"),
        ("awaiting a report", summary.total(Status.ACCEPTED), "open"),
        (SMS_WAITING, summary.sms_waiting, "open"),
        (SMS_UNKNOWN, summary.sms_unknown, "doubt"),
        ("of unknown fate", sum(each.doubtful for each in summary.campaigns), "doubt"),
    ]
    for label, count, kind in tiles:
        if count or (kind != "open" and label != SMS_UNKNOWN):
            yield {"label": label, "count": count, "whole": whole, "kind": kind if count else "calm"}


def _steps(campaign: CampaignSummary) -> list[Step]:
    """The waterfall of a campaign, from the rows of the audience to what arrived where."""
    count, planned, whole = campaign.states.get, campaign.planned, campaign.attempts
    steps: list[Step] = []
    if planned is not None and campaign.planned_fits:
        skipped = sum(planned.skipped.values())
        steps.append(Step("in the audience", planned.audience, 0, 0, "rows", "rows that were read"))
        if skipped:
            words = "rows that get no message, for the reasons below"
            steps.append(Step("skipped", skipped, planned.audience, whole, "loss", words))
    words = "Infobip answered that it has them"
    first = [
        ("taken by Infobip", campaign.taken, "taken", words),
        ("refused", campaign.refused, "bad", STATES[Status.REJECTED]),
        ("of unknown fate", campaign.doubtful, "doubt", STATES[Status.UNKNOWN]),
        ("held", count(Status.HELD, 0), "calm", STATES[Status.HELD]),
        ("abandoned", count(Status.ABANDONED, 0), "doubt", STATES[Status.ABANDONED]),
        ("cancelled", count(Status.CANCELLED, 0), "calm", STATES[Status.CANCELLED]),
        ("not sent", count(Status.RELEASED, 0), "calm", STATES[Status.RELEASED]),
    ]
    by = campaign.by_channel.get
    then = [
        ("delivered by Zalo", by("Zalo", 0), "good", STATES[Status.DELIVERED]),
        ("delivered by SMS", by("SMS", 0), "sms", "a report says that the SMS in its place arrived"),
        ("awaiting a report", count(Status.ACCEPTED, 0), "open", STATES[Status.ACCEPTED]),
        (SMS_WAITING, campaign.sms_waiting, "open", "failed on Zalo; the SMS in its place may still arrive"),
        (SMS_UNKNOWN, campaign.sms_unknown, "doubt", "failed on Zalo; the SMS in its place may have arrived"),
        ("not delivered", campaign.undelivered, "bad", "reports say so, for the reasons below"),
    ]
    for group, share_of in ((first, whole), (then, campaign.taken)):
        start = 0
        for label, number, kind, meaning in group:
            if number:
                steps.append(Step(label, number, share_of, start, kind, meaning))
                start += number
    return steps


def _ended(run: RunSummary) -> str:
    if run.exit_code is None:
        return "has not ended: it runs, or was killed"
    try:
        return ENDED.get(ExitCode(run.exit_code), f"exit {run.exit_code}")
    except ValueError:
        return f"exit {run.exit_code}"


def _when(at: datetime | None, zone: tzinfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _count(number: int) -> str:
    return f"{number:,}"


def _share(count: int, whole: int) -> str:
    """A share in percent that never rounds some to none, or nearly all to all."""
    if not whole:
        return ""
    percent = 100 * count / whole
    if count and percent < 0.05:  # noqa: PLR2004 - half of the last digit shown
        return f"< 0.1{_GLUE}%"
    if count < whole and percent >= 99.95:  # noqa: PLR2004 - half of the last digit shown
        return f"> 99.9{_GLUE}%"
    return f"{percent:.1f}{_GLUE}%"


def _money(millionths: int) -> str:
    return f"{millionths / MICRO:,.2f}"
