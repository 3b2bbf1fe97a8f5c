"""A plan as text: read in ten seconds at 80 columns, the same with and without a terminal."""

import textwrap
from collections.abc import Iterator, Mapping

from zalosync.console.display import display, plural
from zalosync.console.plan_counts import errors, steps, told
from zalosync.console.plan_details import details
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

WIDTH = 80
_FILES = 3  # named, of an audience of many
_MARKS = {"error": "✗", "warn": "!"}


def plan_lines(document: Document, *, digest: str | None = None, explain: bool = False) -> Iterator[str]:
    """A plan.

    Args:
        document: as `plan_document` gives it.
        digest: of the sealed plan that it comes from, where that is another.
        explain: also why each group of rows has its fate, and what the messages look like.
    """
    yield from _head(document)
    for finding in document["findings"]:
        yield from _finding(finding)
    for name, count, why in cancels(document):
        yield from _wrapped(f"{plural(count, 'held message')} of {display(name)} to cancel: {why}", "  ")
    for campaign in document["campaigns"]:
        yield ""
        yield from _campaign(campaign, document, explain=explain)
    yield ""
    yield from _end(document, digest or document["digest"])


def sealed_lines(file: str) -> Iterator[str]:
    """What to do with a sealed plan."""
    name = display(file)
    yield f"Sealed for 24 hours in {name}: `zalosync approve {name} --as NAME`,"
    yield f"then `zalosync apply {name}`."


def shrunk_lines(counts: Mapping[str, int]) -> Iterator[str]:
    """What lies outside of the approval and takes messages away."""
    why = ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items()))
    yield f"{plural(sum(counts.values()), 'message')} less than planned, since the plan was made: {why}"


def _head(document: Document) -> Iterator[str]:
    totals = document["totals"]
    name, url = place(document)
    where = display(name) + (f" ({display(url, 60)})" if url else "")
    count = plural(to_send(totals), "message")
    if document["complete"]:
        yield f"Plan for {where}: {count} {sending(document)}"
    else:
        yield f"Preview of a plan for {where}: at most {count} {sending(document)}"
    rows = f"of {plural(totals['audience'], 'row')} in {plural(len(document['campaigns']), 'campaign')}"
    yield from _wrapped(f"{rows}: {told(totals, document['kind'])}", "  ", "    ")
    if len(document["campaigns"]) > 1 and leaving(document, totals):
        yield f"  cost {cost(document['cost'])}"
    if document["blocked"]:
        yield f"  BLOCKED by {plural(errors(document), 'finding')}, marked ✗"


def _campaign(campaign: Document, document: Document, *, explain: bool) -> Iterator[str]:
    zone, plan = document["timezone"], document["kind"]
    yield f"campaign {display(campaign['name'])}"
    yield from _wrapped(kind(campaign, plan), "  ")
    if explain:
        for name, value in details(campaign, zone, plan):
            yield from _wrapped(f"{name} {value}", "  ", "    ")
    yield from _steps(campaign, plan, explain=explain)
    if leaving(document, campaign["totals"]):
        yield from _leaving(campaign, zone)
    moved = since(campaign, zone, plan)
    if moved is not None:
        yield from _wrapped(moved, "  ")
    for what, how, named in hosts(campaign, plan):
        yield from _wrapped(f"{what.lower()} {how} {', '.join(map(display, named))}", "  ")
    yield from _repairs(campaign, explain=explain)
    if explain:
        yield from _skips(campaign)
        yield from _samples(campaign)
    for finding in campaign["findings"]:
        yield from _finding(finding)


def _steps(campaign: Document, plan: str, *, explain: bool) -> Iterator[str]:
    files = ", ".join(display(file, 60) for file in campaign["files"][:_FILES])
    left = len(campaign["files"]) - _FILES
    more = f" and {left} more files" if left > 0 else ""
    for step in steps(campaign, plan):
        words = f"rows in {files}{more}" if step.kind == "rows" else step.words
        yield from _wrapped(words, f"  {step.signed:>11}  ", " " * 15)
        if explain and step.why and step.count:
            yield from _wrapped(step.why, " " * 17, " " * 17)


def _leaving(campaign: Document, zone: str) -> Iterator[str]:
    """When, at what cost, and how many SMS may follow."""
    yield from _wrapped(when(campaign["schedule"], zone), "  when  ")
    yield f"  cost  {cost(campaign['cost'])}"
    if campaign["cost"] is not None and campaign["failover"]:
        yield f"        {ways(campaign['cost'])}"
    sms = second(campaign)
    if sms is not None:
        yield from _wrapped(sms, "  SMS   ", "        ")


def _repairs(campaign: Document, *, explain: bool) -> Iterator[str]:
    repairs = campaign["repairs"]
    if not (repairs and explain):
        return
    yield "  phones were read as one number whatever their spelling:"
    for name, count in repairs.items():
        yield f"  {count:>11,}  {REPAIRS.get(name, name)}"


def _skips(campaign: Document) -> Iterator[str]:
    skips = campaign.get("skip_samples", [])
    if skips:
        yield "  rows that are skipped, the first of each reason:"
    for skip in skips:
        place = f"{display(skip['file'], 200)}:{skip['line']}"
        parts = [f"{skip['reason']}: {place}", display(skip["why"]), skip.get("phone", "")]
        parts += [f"{display(name)} {display(text, 60)}" for name, text in skip["values"].items()]
        yield from _wrapped(", ".join(filter(None, parts)), "    ", "      ")


def _samples(campaign: Document) -> Iterator[str]:
    for sample in campaign["samples"]:
        yield "  a message, with what comes from the row as dots:"
        for name, text in sample["values"].items():
            yield from _wrapped(f"{display(name)}: {display(text, 300)}", "    ")
        if sample["failover"] is not None:
            yield from _wrapped(f"SMS instead: {display(sample['failover'], 300)}", "    ")


def _finding(finding: Document) -> Iterator[str]:
    place = f" {display(finding['place'], 200)}" if finding["place"] else ""
    text = f"{display(finding['message'], 400)} [{finding['id']}]{place}"
    yield from _wrapped(text, f"  {_MARKS[finding['severity']]} ", "    ")


def _wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    """A text in lines of at most 80 columns; words that are longer stay whole."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first) if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _end(document: Document, digest: str | None) -> Iterator[str]:
    totals = document["totals"]
    if not document["complete"]:
        yield "A preview: made without key, ledger and network, it says nothing of what was"
        yield "sent before, and cannot be applied."
        return
    if not document["campaigns"]:
        yield "No campaign was asked for: nothing to compare."
    elif document["blocked"]:
        yield f"Nothing can be applied: {plural(errors(document), 'finding')} of severity error."
    elif not to_send(totals):
        yield from _nothing(document)
    for line in approvals(document):
        yield from _wrapped(line, "", "  ")
    yield f"Digest: {digest}"


def _nothing(document: Document) -> Iterator[str]:
    """Why there is nothing to send: only where nobody is held, in doubt or failed has everybody a message."""
    totals, cancel = document["totals"], document.get("cancel", 0)
    open_ends = [
        (totals["held"], "held until due: `zalosync apply --due` sends them then"),
        (totals["unknown"], "may have been sent: `zalosync refresh`, then `zalosync resolve`"),
        (totals["failed"], "failed on Zalo and are not sent again"),
    ]
    if document["kind"] == ADOPT:
        yield "Nothing to mark: who was found is in the ledger already."
    elif cancel:
        yield f"Nothing to send; {plural(cancel, 'held message')} to cancel."
    elif any(count for count, _ in open_ends):
        yield "Nothing to send now, and not everybody has a message for certain:"
    else:
        yield "No changes: everybody who should have a message has one, or is named above."
    for count, words in open_ends:
        if count:
            yield f"  {count:>11,}  {words}"
