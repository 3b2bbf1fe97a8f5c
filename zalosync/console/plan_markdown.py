"""A plan as Markdown for a pull request: safe against whatever is in names, and never too long.

Everything that is not ours stands in inline code behind a fence that it cannot close, with `@` and comment
marks broken; tables hold our words and numbers only. A comment is found again by its first line.
"""

import re
from collections import Counter
from collections.abc import Iterator

from zalosync.console.display import plural
from zalosync.console.markdown import LINES_ROOM, LONGEST, MARKER, MOST_CAMPAIGNS, MOST_LINES, code, fitting
from zalosync.console.plan_counts import shares, steps, told
from zalosync.console.plan_details import details
from zalosync.console.plan_state import OVER, state_lines
from zalosync.console.plan_words import (
    ADOPT,
    REPAIRS,
    Document,
    approvals,
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

_MOST_FINDINGS, _MOST_FILES, _MOST_SKIPS, _MOST_RULES, _MOST_NAMES = 30, 20, 30, 100, 200
# Characters of the findings of a list, of the campaigns named as blocking, of a sealed plan's state: with
# held messages to cancel and approvals, they leave room for campaigns.
_FINDINGS_ROOM, _NAMES_ROOM, _STATE_ROOM = 12_000, 6_000, 4_000
_LONGEST_NAME = 60  # of an environment, in the marker
_SEVERITIES = {"error": "🛑", "warn": "⚠️"}


def plan_markdown(document: Document, *, digest: str | None = None, explain: bool = False) -> str:
    """The whole comment, under 60,000 characters whatever the plan's size."""
    head = "\n".join(_head(document))
    end = "\n".join(_end(document, digest or document["digest"]))
    environment = re.sub("[^a-z0-9-]", "", document["environment"].lower())[:_LONGEST_NAME]
    marker = f"{MARKER} environment={environment} truncated={{}} -->"
    campaigns = sorted(document["campaigns"], key=_worst)
    count = len(campaigns)
    shown = ("\n".join(_campaign(each, document, explain=explain)) for each in campaigns)
    room = LONGEST - len(marker) - len(head) - len(end) - len(_more(document, count)) - 10
    parts, left = fitting(shown, count, room, MOST_CAMPAIGNS)
    rest = [_more(document, left)] if left else []
    text = "\n".join([head, *parts, *rest, *([end] if end else [])])
    return f"{marker.format('true' if left else 'false')}\n{text}\n"


def _worst(campaign: Document) -> int:
    """What blocks comes first, then what warns: the others may be left out."""
    severities = {finding["severity"] for finding in campaign["findings"]}
    return 0 if "error" in severities else 1 if severities else 2


def _more(document: Document, campaigns: int) -> str:
    count = plural(campaigns, "more campaign")
    if "sealed" in document:
        way = "zalosync show FILE"
    else:  # what is blocked, or was not sealed, is in no file
        way = "zalosync plan" if document["complete"] else "zalosync plan --preview"
    return f"**{count}** did not fit here: `{way}` has all of them.\n"


def _head(document: Document) -> Iterator[str]:
    count = plural(to_send(document["totals"]), "message")
    most = "" if document["complete"] else "at most "
    name, url = place(document)
    where = code(name) + (f" ({code(url)})" if url else "")
    yield f"### Plan for {where}: {most}{count} {sending(document)}"
    yield ""
    yield from _state(document)
    if document["blocked"]:
        yield "**Blocked**: nothing can be applied until the findings marked 🛑 are mended."
        yield ""
    if not document["complete"]:
        yield (
            "A **preview**, made without key, ledger and network: it does not know what was sent before,"
            " and cannot be applied."
        )
        yield ""
    yield from _totals(document)
    yield from _cancels(document)
    yield from _findings(document["findings"])
    yield from _blocks(document)


def _state(document: Document) -> Iterator[str]:
    """What became of a sealed plan, by when it expires, and who approved it."""
    if "sealed" not in document:
        return
    verdict, *rest = filter(None, map(str.strip, state_lines(document["sealed"], document["timezone"])))
    mark = "🛑 " if document["sealed"]["state"] in OVER else ""
    yield f"{mark}**{code(verdict, 800)}**"
    yield ""
    kept, left = fitting((f"- {code(line, 400)}" for line in rest), len(rest), _STATE_ROOM, MOST_LINES)
    yield from kept
    if left:
        yield f"- and {plural(left, 'more approval')}"
    yield ""


def _totals(document: Document) -> Iterator[str]:
    """All counts of a row together are its first."""
    totals = document["totals"]
    adopts = document["kind"] == ADOPT
    columns = [("rows", f"{totals['audience']:,}")]
    columns += [(words, f"{count:,}") for words, count in shares(totals, document["kind"])]
    columns += [(f"**to {'mark as sent' if adopts else 'send'}**", f"**{to_send(totals):,}**")]
    if not adopts:
        columns += [("cost", cost(document["cost"]) if leaving(document, totals) else "nothing")]
    yield f"| {' | '.join(name for name, _ in columns)} |"
    yield f"|{'|'.join('---' if name == 'cost' else '---:' for name, _ in columns)}|"
    yield f"| {' | '.join(value for _, value in columns)} |"
    yield ""


def _blocks(document: Document) -> Iterator[str]:
    """Which rules block which campaigns: each rule by its id, and as many campaigns as fit."""
    found: dict[str, list[str]] = {}
    for campaign in document["campaigns"]:
        for finding in campaign["findings"]:
            if finding["severity"] == "error":
                found.setdefault(finding["id"], []).append(campaign["name"])
    if not found:
        return
    yield "Campaigns that block:"
    yield ""
    room = _NAMES_ROOM // len(found)
    for name in list(found)[:_MOST_RULES]:
        campaigns = list(dict.fromkeys(found[name]))
        kept, left = fitting(map(code, campaigns), len(campaigns), room, _MOST_NAMES)
        named = ", ".join([*kept, *([plural(left, "more campaign")] if left else [])])
        yield f"- {_SEVERITIES['error']} **{name}**, {plural(len(found[name]), 'finding')}, in {named}"
    yield ""


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


def _campaign(campaign: Document, document: Document, *, explain: bool) -> Iterator[str]:
    zone, plan = document["timezone"], document["kind"]
    yield f"#### {code(campaign['name'])}"
    yield ""
    yield f"{kind(campaign, plan)}; from {code(campaign['file'])}"
    yield ""
    if leaving(document, campaign["totals"]):
        yield f"- **When:** {when(campaign['schedule'], zone)}"
        price = cost(campaign["cost"])
        split = f" ({ways(campaign['cost'])})" if campaign["cost"] and campaign["failover"] else ""
        yield f"- **Cost:** {price}{split}"
    moved = since(campaign, zone, plan)
    if moved is not None:
        yield f"- **Change:** {code(moved, 400)}"
    sms = second(campaign)
    if sms is not None:
        yield f"- **SMS:** {sms}"
    for what, how, named in hosts(campaign, plan):
        yield f"- **{what}** {how} {', '.join(map(code, named))}"
    yield ""
    yield from _findings(campaign["findings"])
    yield from _rows(campaign, document, explain=explain)
    yield from _samples(campaign)


def _rows(campaign: Document, document: Document, *, explain: bool) -> Iterator[str]:
    totals, plan = campaign["totals"], document["kind"]
    left = f"{to_send(totals):,} {'to mark as sent' if plan == ADOPT else 'to send'}"
    yield "<details>"
    yield f"<summary>{totals['audience']:,} rows: {told(totals, plan)}, {left}</summary>"
    yield ""
    for file in campaign["files"][:_MOST_FILES]:
        yield f"- {code(file)}"
    if len(campaign["files"]) > _MOST_FILES:
        yield f"- and {len(campaign['files']) - _MOST_FILES} more files"
    yield ""
    yield "| | | why |" if explain else "| | |"
    yield "|---:|---|---|" if explain else "|---:|---|"
    for step in steps(campaign, plan):
        words = step.words if step.kind != "rows" else "rows read"
        why = f" {_cell(step.why)} |" if explain else ""
        yield f"| {step.signed} | {words} |{why}"
    yield ""
    yield "From whom, and when, as the spec says:"
    yield ""
    for name, value in details(campaign, document["timezone"], plan):
        yield f"- {name}: {code(value)}"
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
        ids = Counter(finding["id"] for finding in findings[-left:] if finding["severity"] == "error")
        blocking = ", ".join(f"{count:,} 🛑 **{name}**" for name, count in ids.items())
        yield f"- and {plural(left, 'more finding')}{': ' if blocking else ''}{blocking}"
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
