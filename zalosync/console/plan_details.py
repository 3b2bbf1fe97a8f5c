"""From whom and when a campaign's messages go out, as its spec says: what a reviewer holds a plan against."""

from collections.abc import Iterator

from zalosync.console.display import display, plural
from zalosync.console.plan_words import ADOPT, Document, at

_DAYS = 7
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def details(campaign: Document, zone: str, plan: str) -> Iterator[tuple[str, str]]:
    """What the spec says, by name; of a plan that adopts only whose messages they were.

    Args:
        campaign: of a plan's document.
        zone: the project's time zone.
        plan: its kind.
    """
    yield "sender", display(campaign["sender"], 60)
    if plan == ADOPT:
        return
    if campaign["failover"]:
        yield "SMS sender", display(campaign.get("failover_sender") or "the account's own", 60)
    schedule = campaign["schedule"]
    if schedule["send_at"] is not None:
        mode = "we hold them until then" if schedule["mode"] == "hold" else "the provider keeps the time"
        yield "sendAt", f"{at(schedule['send_at'], zone)}, mode {schedule['mode']}: {mode}"
    if schedule["speed_limit"] is not None:
        limit = schedule["speed_limit"]
        yield "speed limit", f"{limit['amount']:,} messages per {limit['time_unit'].lower()}"
    if schedule["window"] is not None:
        yield "delivery window", _window(schedule["window"])
    if schedule["validity_seconds"] is not None:
        yield "validity", _length(schedule["validity_seconds"])
    if schedule["expires_at"] is not None:
        yield "expiresAt", at(schedule["expires_at"], zone)


def _window(window: Document) -> str:
    days = "every day" if len(window["days"]) == _DAYS else ", ".join(map(str.capitalize, window["days"]))
    hours = "all day" if window["from"] is None else f"{window['from']} to {window['to']}"
    return display(f"{days}, {hours} {window['timezone']}", 200)


def _length(seconds: int) -> str:
    """In the largest unit that has it whole: `6 hours`, `90 minutes`."""
    size, name = next((size, name) for size, name in _UNITS if seconds % size == 0)
    return plural(seconds // size, name)
