"""The words in which plans are told, the same in text, Markdown and HTML."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from zalosync.console.display import display, plural

Document = Mapping[str, Any]
ADOPT = "adopt"  # the kind of a plan that sends nothing, and marks messages as sent before

REPAIRS: Mapping[str, str] = {
    "apostrophe": "a leading apostrophe",
    "international-prefix": "00 for +",
    "lost-zero": "a lost leading zero",
    "national": "written nationally",
    "old-prefix": "a prefix from before 2018",
    "separators": "spaces, dots, dashes",
    "trunk-zero": "a zero after +84",
}


def sending(document: Document) -> str:
    """What would happen to the messages of a plan, behind their number."""
    if document["kind"] == ADOPT:
        return "to mark as sent before; nothing goes out"
    return "to send"


def to_send(totals: Mapping[str, int]) -> int:
    """Messages that applying would submit, or mark as sent."""
    return totals["send"] + totals["retry"]


def leaving(document: Document, totals: Mapping[str, int]) -> int:
    """Messages of these counts that would go out: of a plan that adopts, none."""
    return 0 if document["kind"] == ADOPT else to_send(totals)


def place(document: Document) -> tuple[str, str]:
    """Which environment a plan is for, and its address; empty where the name says it all."""
    url = document["base_url"]
    return document["environment"], "" if url in ("", document["environment"]) else url


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
    begin, about = at(start, zone), f"done about {at(end, zone)}"
    span = f"{begin}, {about}" if end != start else begin
    where = display(zone, 60)  # the zone by name: messages of findings have times in others
    if schedule["irrevocable"] == "when-due":
        return f"held by us until {span} {where}; `cancel` ends it until then"
    if schedule["irrevocable"] == "handed-over":
        if schedule["send_at"] is None:
            return f"from when it is applied, {about} {where}; what is handed over cannot be recalled"
        return f"at {span} {where}; handed over when applied, cannot be recalled then"
    if schedule["window"] is not None and start != schedule["send_at"]:
        return f"when applied, delivered from {begin} {where} on; cannot be recalled"
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


def kind(campaign: Document, plan: str) -> str:
    """What is sent, in a line; how it was sent before, a plan that adopts does not know."""
    parts = [f"template {campaign['template']} {campaign['tag']}", f"occurrence {campaign['occurrence']}"]
    if plan != ADOPT:
        parts.append("encrypted" if campaign["encrypted"] else "not encrypted")
        parts.append("SMS failover" if campaign["failover"] else "no failover")
    return ", ".join(parts)


def second(campaign: Document) -> str | None:
    """What a failover may add to what is sent; None where there is none."""
    segments = campaign["failover_segments"]
    if not segments:
        return None
    count = plural(to_send(campaign["totals"]), "second message")
    return f"up to {count} where Zalo does not deliver, {plural(segments, 'segment')}"


def hosts(campaign: Document, plan: str) -> Iterator[tuple[str, str, list[str]]]:
    """Where else people's data may go: what, how, and the hosts. Nowhere in a plan that adopts."""
    if plan == ADOPT:
        return
    if campaign["webhook_host"] is not None:
        yield "Reports", "are pushed to", [campaign["webhook_host"]]
    if campaign["tracking_hosts"]:
        yield "Links and clicks", "go to", campaign["tracking_hosts"]


def since(campaign: Document, zone: str, plan: str) -> str | None:
    """What changed since the last run that named the campaign; None where there is none to compare with."""
    earlier = campaign["since"]
    if earlier is None or plan == ADOPT:  # whom that wants are those to mark, not those to send to
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
        yield f"needs {people}{signed}{author} ({display(needed['by'])}){_counted(needed)}"


def _counted(needed: Document) -> str:
    """What a rule counts, where that is more than messages. Plans of older versions do not say."""
    if needed.get("above") is None or not needed["sms"]:
        return ""
    return f"; it counts {plural(needed['messages'], 'message')} and up to {needed['sms']:,} SMS"
