"""The words in which plans are told, the same in text, Markdown and HTML."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from zalosync.console.display import display, plural

Document = Mapping[str, Any]

# Why each group of rows has its fate: for `--explain`.
WHY: Mapping[str, str] = {
    "unreadable": "the row, its condition or its key could not be read",
    "invalid-phone": "no phone number of the campaign's region",
    "not-where": "`where` says that the campaign is not for them",
    "no-consent": "the consent column is empty",
    "suppressed": "on a suppression list of the campaign or of a policy",
    "duplicate-key": "another row has the same key and is the one kept (onDuplicate)",
    "invalid-values": "a value does not fit the template's contract, or the key's size",
    "frequency-cap": "a policy's cap on messages to one person",
    "unchanged": "the ledger has this message as sent, with the same content",
    "changed": "sent before with another content; content is not identity, so nothing is sent again",
    "held": "kept by us until its time, under a plan that was applied before",
    "unknown": "may have been sent and is not proven; never sent again on its own",
    "failed": "ended without delivery on Zalo, and `retry` does not name that end; its SMS may have arrived",
    "retry": "ended without delivery in a way that the campaign's `retry` names",
    "send": "wanted, and the ledger has no message of this identity",
}
_ORDER = list(WHY)
_FATES = {
    "unchanged": "sent before, unchanged",
    "changed": "sent before, content changed since: not sent again",
    "held": "held until due",
    "unknown": "may have been sent: refresh, then resolve",
    "failed": "failed on Zalo, not sent again",
}
REPAIRS: Mapping[str, str] = {
    "apostrophe": "a leading apostrophe",
    "international-prefix": "00 for +",
    "lost-zero": "a lost leading zero",
    "national": "written nationally",
    "old-prefix": "a prefix from before 2018",
    "separators": "spaces, dots, dashes",
    "trunk-zero": "a zero after +84",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a waterfall from the rows of an audience to the messages that are sent.

    Attributes:
        kind: `rows` it begins with, `loss` takes away, `sent` before or in doubt, `send` is what is left.
        name: as in the document, or empty.
        count: never negative.
        words: for people.
    """

    kind: Literal["rows", "loss", "sent", "send"]
    name: str
    count: int
    words: str


def steps(campaign: Document) -> Iterator[Step]:
    """The waterfall of a campaign; the rows are the sum of all other steps."""
    totals = campaign["totals"]
    yield Step("rows", "", totals["audience"], "rows")
    skipped = campaign["skipped"]
    for reason in sorted(skipped, key=_ORDER.index):
        yield Step("loss", reason, skipped[reason], f"skipped: {reason}")
    for name, words in _FATES.items():
        if totals[name]:
            yield Step("sent", name, totals[name], words)
    if totals["retry"]:
        yield Step("send", "retry", totals["retry"], "to try again")
    yield Step("send", "send", totals["send"], "to send")


def sending(document: Document) -> str:
    """What would happen to the messages of a plan, behind their number."""
    if document["kind"] == "adopt":
        return "to mark as sent before; nothing goes out"
    return "to send"


def to_send(totals: Mapping[str, int]) -> int:
    """Messages that applying would submit."""
    return totals["send"] + totals["retry"]


def cancels(document: Document) -> Iterator[tuple[str, int, str]]:
    """Held messages to be cancelled: of which campaign, how many, why. Plans of older versions have none."""
    why = {"row": "their rows are gone from the audience", "campaign": "the project has it no longer"}
    for cancel in document.get("cancels", ()):
        yield cancel["campaign"], cancel["count"], why[cancel["gone"]]


def both(cancel: Document) -> str:
    """How many held messages of a campaign each of two plans would cancel."""
    return f"{cancel['before']:,} before, {cancel['after']:,} now"


def when(schedule: Document, zone: str) -> str:
    """When a campaign's messages leave, and from when on they cannot be recalled."""
    start, end = schedule["starts_at"], schedule["ends_at"]
    if start is None:
        return "nothing to send"
    about = f"about {at(end, zone)}"
    if schedule["irrevocable"] == "when-due":
        done = f", done {about}" if end != start else ""
        return f"held by us until {at(start, zone)}{done}; `cancel` ends it until then"
    if schedule["irrevocable"] == "handed-over":
        if schedule["send_at"] is None:
            return f"from when it is applied, done {about}; what is handed over cannot be recalled"
        done = f", done {about}" if end != start else ""
        return f"at {at(start, zone)}{done}; handed over when applied, cannot be recalled then"
    window = schedule["window"]
    if window is not None and start != schedule["send_at"]:
        return f"when applied, delivered from {at(start, zone)} on; cannot be recalled"
    return "at once when applied; cannot be recalled"


def at(text: str | None, zone: str) -> str:
    """A time of a document in a time zone: `2026-12-01 09:00 +07:00`."""
    if text is None:
        return "-"
    local = datetime.fromisoformat(text).astimezone(ZoneInfo(zone))
    offset = f"{local:%z}"
    return f"{local:%Y-%m-%d %H:%M} {offset[:3]}:{offset[3:]}"


def cost(document: Document | None) -> str:
    """`96.91 to 242.28 EUR`, or why there is none."""
    if document is None:
        return "not known: prices.yaml does not say"
    if document["min"] == document["max"]:
        return f"{document['min']:,.2f} {document['currency']}"
    return f"{document['min']:,.2f} to {document['max']:,.2f} {document['currency']}"


def ways(document: Document) -> str:
    """What the ends of a range of cost are."""
    return f"all by Zalo {document['all_zalo']:,.2f}, all by SMS {document['all_failover']:,.2f}"


def kind(campaign: Document) -> str:
    """What is sent, in a line."""
    parts = [
        f"template {campaign['template']} {campaign['tag']}",
        f"occurrence {campaign['occurrence']}",
        "encrypted" if campaign["encrypted"] else "not encrypted",
        "SMS failover" if campaign["failover"] else "no failover",
    ]
    return ", ".join(parts)


def second(campaign: Document) -> str | None:
    """What a failover may add to what is sent; None where there is none."""
    segments = campaign["failover_segments"]
    if not segments:
        return None
    count = plural(to_send(campaign["totals"]), "second message")
    return f"up to {count} where Zalo does not deliver, {plural(segments, 'segment')}"


def since(campaign: Document, zone: str) -> str | None:
    """What changed since the last run that named the campaign; None where there was none."""
    earlier = campaign["since"]
    if earlier is None:
        return None
    totals, skipped = campaign["totals"], campaign["skipped"]
    recipients = totals["audience"] - totals["skipped"]
    moved = [
        f"{now - then:+,} {name}"
        for name, then, now in (
            ("rows", earlier["rows"], totals["audience"]),
            ("recipients", earlier["recipients"], recipients),
            *(
                (reason, earlier["skipped"].get(reason, 0), skipped.get(reason, 0))
                for reason in sorted({*earlier["skipped"], *skipped})
            ),
        )
        if now != then
    ]
    run = f"{display(earlier['run_id'], 60)} ({at(earlier['at'], zone)})"
    return f"since {run}: {', '.join(moved) or 'the same rows'}"


def approvals(document: Document) -> Iterator[str]:
    """The approvals that a plan takes, one rule a line."""
    for needed in document["approvals_needed"]:
        people = "1 approval" if needed["count"] == 1 else f"{needed['count']} approvals"
        signed = ", signed" if needed["signed"] else ""
        author = ", not by an author" if needed["not_author"] else ""
        yield f"needs {people}{signed}{author} ({display(needed['by'])})"
