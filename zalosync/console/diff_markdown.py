"""What differs between two plans as Markdown for a pull request, with the same care as a plan."""

from collections.abc import Iterator

from zalosync.console.display import plural
from zalosync.console.markdown import LINES_ROOM, LONGEST, MARKER, MOST_CAMPAIGNS, MOST_LINES, code, fitting
from zalosync.console.plan_words import Document, both


def diff_markdown(document: Document) -> str:
    """What differs between two plans, under 60,000 characters."""
    head = "\n".join([f"{MARKER}-diff -->", *_diff_head(document)])
    if document["same"]:
        return f"{head}\n"
    end = f"From `{document['before']['digest']}` to `{document['after']['digest']}`\n"
    campaigns = ("\n".join(_diff_campaign(each)) for each in document["campaigns"])
    more = "**{}** did not fit here: `zalosync diff FILE FILE` has all of them.\n"
    room = LONGEST - len(head) - len(end) - len(more) - 40
    kept, left = fitting(campaigns, len(document["campaigns"]), room, MOST_CAMPAIGNS)
    rest = [more.format(plural(left, "more campaign"))] if left else []
    return "\n".join([head, *kept, *rest, end])


def _diff_head(document: Document) -> Iterator[str]:
    if document["same"]:
        yield "### The two plans are the same"
        return
    before, after = document["before"], document["after"]
    yield f"### {before['to_send']:,} messages to send before, {after['to_send']:,} now"
    yield ""
    cancelled = document.get("cancels", ())
    for lines, count, words in (
        (map(code, document["inputs"]), len(document["inputs"]), "more inputs"),
        (map(_diff_cancel, cancelled), len(cancelled), "more campaigns with held messages to cancel"),
    ):
        kept, left = fitting(lines, count, LINES_ROOM, MOST_LINES)
        yield from (f"- {line}" for line in kept)
        if left:
            yield f"- and {left:,} {words}"
    yield ""


def _diff_cancel(cancel: Document) -> str:
    return f"held messages of {code(cancel['campaign'])} to cancel: {both(cancel)}"


def _diff_campaign(campaign: Document) -> Iterator[str]:
    where = {"both": "", "before": ", only in the first plan", "after": ", only in the second plan"}
    yield f"#### {code(campaign['name'])}{where[campaign['in']]}"
    yield ""
    yield "| came | went | changed | the same |"
    yield "|---:|---:|---:|---:|"
    counts = (campaign[name] for name in ("came", "went", "changed", "same"))
    yield "| " + " | ".join(f"{count:,}" for count in counts) + " |"
    yield ""
    for move in campaign["actions"]:
        yield f"- {move['count']:,} were {move['from']}, and are {move['to']} now"
    yield ""
