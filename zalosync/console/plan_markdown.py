"""A plan as Markdown for a pull request: safe against whatever is in names, and never too long.

Everything that is not ours stands in inline code behind a fence that it cannot close, with `@` and comment
marks broken; tables hold our words and numbers only. A comment is found again by its first line.
"""

import re
from collections.abc import Iterator

from zalosync.console.display import plural
from zalosync.console.markdown import LINES_ROOM, LONGEST, MARKER, MOST_LINES, code, fitting
from zalosync.console.plan_words import (
    REPAIRS,
    WHY,
    Document,
    approvals,
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

_MOST_FINDINGS, _MOST_FILES, _MOST_SKIPS = 30, 20, 30
_FINDINGS_ROOM = 12_000  # characters of one list, so that what follows always fits
_LONGEST_NAME = 60  # of an environment, in the marker
_SEVERITIES = {"error": "🛑", "warn": "⚠️"}


def plan_markdown(document: Document, *, digest: str | None = None, explain: bool = False) -> str:
    """The whole comment, under 60,000 characters whatever the plan's size."""
    head = "\n".join(_head(document))
    end = "\n".join(_end(document, digest or document["digest"]))
    environment = re.sub("[^a-z0-9-]", "", document["environment"].lower())[:_LONGEST_NAME]
    marker = f"{MARKER} environment={environment} truncated={{}} -->"
    zone, count = document["timezone"], len(document["campaigns"])
    shown = ("\n".join(_campaign(each, zone, explain=explain)) for each in document["campaigns"])
    room = LONGEST - len(marker) - len(head) - len(end) - len(_more(count)) - 10
    parts, left = fitting(shown, count, room, count)
    rest = [_more(left)] if left else []
    text = "\n".join([head, *parts, *rest, *([end] if end else [])])
    return f"{marker.format('true' if left else 'false')}\n{text}\n"


def _more(campaigns: int) -> str:
    count = plural(campaigns, "more campaign")
    return f"**{count}** did not fit here: `zalosync show FILE` has all of them.\n"


def _head(document: Document) -> Iterator[str]:
    totals = document["totals"]
    count = plural(to_send(totals), "message")
    most = "" if document["complete"] else "at most "
    yield f"### Plan for {code(document['environment'])}: {most}{count} {sending(document)}"
    yield ""
    if document["blocked"]:
        yield "**Blocked**: nothing can be applied until the findings marked 🛑 are mended."
        yield ""
    if not document["complete"]:
        yield (
            "A **preview**, made without key, ledger and network: it does not know what was sent before,"
            " and cannot be applied."
        )
        yield ""
    yield "| rows | skipped | sent before | in doubt or failed | **to send** | cost |"
    yield "|---:|---:|---:|---:|---:|---|"
    before = totals["unchanged"] + totals["changed"] + totals["held"]
    doubt = totals["unknown"] + totals["failed"]
    price = cost(document["cost"]) if to_send(totals) else "nothing"
    yield (
        f"| {totals['audience']:,} | {totals['skipped']:,} | {before:,} | {doubt:,} |"
        f" **{to_send(totals):,}** | {price} |"
    )
    yield ""
    yield from _cancels(document)
    yield from _findings(document["findings"])


def _cancels(document: Document) -> Iterator[str]:
    found = list(cancels(document))
    lines = (
        f"- **{plural(number, 'held message')} to cancel** of {code(name)}: {why}"
        for name, number, why in found
    )
    kept, left = fitting(lines, len(found), LINES_ROOM, MOST_LINES)
    yield from kept
    if left:
        count = sum(count for _, count, _ in found[-left:])
        yield f"- and {plural(count, 'held message')} to cancel of {plural(left, 'more campaign')}"
    if found:
        yield ""


def _campaign(campaign: Document, zone: str, *, explain: bool) -> Iterator[str]:
    totals = campaign["totals"]
    yield f"#### {code(campaign['name'])}"
    yield ""
    yield f"{kind(campaign)}; from {code(campaign['file'])}"
    yield ""
    if to_send(totals):
        yield f"- **When:** {when(campaign['schedule'], zone)}"
        price = cost(campaign["cost"])
        split = f" ({ways(campaign['cost'])})" if campaign["cost"] and campaign["failover"] else ""
        yield f"- **Cost:** {price}{split}"
    moved = since(campaign, zone)
    if moved is not None:
        yield f"- **Change:** {code(moved, 400)}"
    sms = second(campaign)
    if sms is not None:
        yield f"- **SMS:** {sms}"
    if campaign["webhook_host"] is not None:
        yield f"- **Reports** are pushed to {code(campaign['webhook_host'])}"
    if campaign["tracking_hosts"]:
        yield f"- **Links and clicks** go to {', '.join(map(code, campaign['tracking_hosts']))}"
    yield ""
    yield from _findings(campaign["findings"])
    yield from _rows(campaign, explain=explain)
    yield from _samples(campaign)


def _rows(campaign: Document, *, explain: bool) -> Iterator[str]:
    totals = campaign["totals"]
    yield "<details>"
    yield (
        f"<summary>{totals['audience']:,} rows: {totals['skipped']:,} skipped,"
        f" {to_send(totals):,} to send</summary>"
    )
    yield ""
    for file in campaign["files"][:_MOST_FILES]:
        yield f"- {code(file)}"
    if len(campaign["files"]) > _MOST_FILES:
        yield f"- and {len(campaign['files']) - _MOST_FILES} more files"
    yield ""
    yield "| | | why |" if explain else "| | |"
    yield "|---:|---|---|" if explain else "|---:|---|"
    for step in steps(campaign):
        sign = {"rows": "", "loss": "-", "sent": "-", "send": "+"}[step.kind]
        words = step.words if step.kind != "rows" else "rows read"
        why = f" {_cell(WHY.get(step.name, ''))} |" if explain else ""
        yield f"| {sign}{step.count:,} | {words} |{why}"
    if campaign["repairs"] and explain:
        yield ""
        yield "Phones were read as one number whatever their spelling:"
        yield ""
        for name, count in campaign["repairs"].items():
            yield f"- {count:,} with {REPAIRS.get(name, name)}"
    yield from _skips(campaign)
    yield ""
    yield "</details>"
    yield ""


def _skips(campaign: Document) -> Iterator[str]:
    skips = campaign.get("skip_samples", [])[:_MOST_SKIPS]
    if skips:
        yield ""
        yield "Rows that are skipped, the first of each reason:"
        yield ""
    for skip in skips:
        place = f"{skip['file']}:{skip['line']}"
        why = f": {code(skip['why'])}" if skip["why"] else ""
        yield f"- {skip['reason']}{why}, {code(place)}"


def _cell(words: str) -> str:
    return words.replace("|", "/")


def _samples(campaign: Document) -> Iterator[str]:
    for sample in campaign["samples"]:
        yield "<details>"
        yield "<summary>A message, with what comes from the row as dots</summary>"
        yield ""
        for name, text in sample["values"].items():
            yield f"- {code(name)}: {code(text, 300)}"
        if sample["failover"] is not None:
            yield f"- SMS instead: {code(sample['failover'], 300)}"
        yield ""
        yield "</details>"
        yield ""


def _findings(findings: list[Document]) -> Iterator[str]:
    kept, left = fitting(map(_finding, findings), len(findings), _FINDINGS_ROOM, _MOST_FINDINGS)
    yield from kept
    if left:
        yield f"- and {plural(left, 'more finding')}"
    if findings:
        yield ""


def _finding(finding: Document) -> str:
    mark, place = _SEVERITIES[finding["severity"]], finding["place"]
    where = f" in {code(place)}" if place else ""
    return f"- {mark} **{finding['id']}** {code(finding['message'], 400)}{where}"


def _end(document: Document, digest: str | None) -> Iterator[str]:
    found = list(approvals(document))
    lines = (f"- {code(line, 400)}" for line in found)
    kept, left = fitting(lines, len(found), LINES_ROOM, MOST_LINES)
    yield from kept
    if left:
        yield f"- and {plural(left, 'more rule')} about approvals"
    if digest is not None:
        yield ""
        yield f"Digest: `{digest}`"
