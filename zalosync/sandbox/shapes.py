"""The body of a send request, as a checker: limits and names from the OpenAPI file 3.210.0.

Where the file and the text around it disagree, or the text promises more than the schema says, the switch
that decides is an argument of `send_request`.
"""

from typing import Any, Final

from zalosync.sandbox.validate import (
    USUAL,
    Checker,
    Manner,
    Violation,
    anything,
    array,
    boolean,
    by_type,
    date_time,
    integer,
    mapping,
    one_of,
    record,
    text,
)

DAYS: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_HOUR, _DAY = 60, 24 * 60  # minutes
_SECONDS: Final = {"SECONDS": 1, "MINUTES": 60, "HOURS": 3600}
_TWO_DAYS: Final = 48 * 3600


def _time_of_day(*, manner: Manner) -> Checker:
    return record({"hour": integer(0, 23), "minute": integer(0, 59)}, ("hour", "minute"), manner=manner)


def _window_rule(*, wrap: bool) -> Checker:
    """`from` and `to` come together and lie an hour apart at least; a wrap over midnight is a switch."""

    def check(value: Any) -> list[Violation] | None:
        start, end = value.get("from"), value.get("to")
        if start is None and end is None:
            return None
        if start is None or end is None:
            return [
                ("to" if end is None else "from", "must be given together with the other end of the window")
            ]
        minutes = (end["hour"] * 60 + end["minute"]) - (start["hour"] * 60 + start["minute"])
        if minutes < 0 and not wrap:
            return [("to", "must be after from")]
        if minutes % _DAY < _HOUR:
            return [("to", "must be at least one hour after from")]
        return None

    return check


def _period(*, manner: Manner, longest: int | None = None) -> Checker:
    fields = {"amount": integer(1), "timeUnit": one_of(*_SECONDS)}

    def check(value: Any) -> list[Violation] | None:
        long = value["amount"] * _SECONDS[value.get("timeUnit") or "MINUTES"] > longest
        return [("amount", "must be at most 48 hours")] if long else None

    return record(fields, ("amount",), manner=manner, rule=None if longest is None else check)


def _failover(*, manner: Manner) -> Checker:
    india = {"contentTemplateId": text(), "principalEntityId": text(), "telemarketerId": text()}
    turkey = {"brandCode": integer(), "recipientType": one_of("BIREYSEL", "TACIR")}
    korea = {"title": text(0, 66), "resellerCode": integer()}
    regional = {
        "indiaDlt": record(india, ("principalEntityId",), manner=manner),
        "turkeyIys": record(turkey, ("recipientType",), manner=manner),
        "southKorea": record(korea, manner=manner),
    }
    pair = record({"initial": text(), "failover": text()}, ("initial", "failover"), manner=manner)
    return record(
        {
            "sender": text(),
            "text": text(),
            "validityPeriod": _period(manner=manner),
            "regional": record(regional, manner=manner),
            "destinationMatching": array(pair),
        },
        ("text",),
        manner=manner,
    )


def _no_string_value(value: Any) -> list[Violation] | None:
    return None if value is None or type(value) is str else [("", "must be a string")]


def _content(*, manner: Manner, template_id_max: int, strings_only: bool) -> Checker:
    values = mapping(_no_string_value if strings_only else anything)
    kind = {"type": anything}
    caption = text(0, 2000)
    shapes: dict[str, tuple[dict[str, Checker], tuple[str, ...]]] = {
        "TEMPLATE": (
            {"templateName": integer(1, template_id_max), "templateData": values},
            ("templateName",),
        ),
        "TEXT": ({"text": text(0, 2000)}, ("text",)),
        "IMAGE": ({"caption": caption, "url": text()}, ("caption", "url")),
        "GIF": (
            {"caption": caption, "url": text(), "width": integer(), "height": integer()},
            ("caption", "url", "width", "height"),
        ),
        "STICKER": ({"id": text()}, ("id",)),
        "QUOTE_CONSULTATION": ({"text": text(0, 2000), "quoteMessageId": text()}, ("text", "quoteMessageId")),
        "USER_INFORMATION_REQUEST_FORM": (
            {"title": text(0, 100), "subtitle": text(0, 500), "imageUrl": text()},
            ("title", "subtitle", "imageUrl"),
        ),
        "FILE": ({"url": text(0, 1000)}, ("url",)),
        "REACTION": (
            {
                "reactIcon": one_of(
                    "LAUGH", "NERVOUS", "CRYING", "STRONG", "HEART", "ANGRY", "SHOCKED", "REMOVE"
                ),
                "reactMessageId": text(0, 50),
            },
            ("reactIcon", "reactMessageId"),
        ),
    }
    return by_type(
        {name: record(kind | fields, required, manner=manner) for name, (fields, required) in shapes.items()}
    )


def send_request(
    *,
    manner: Manner = USUAL,
    clip_ids: bool = False,
    wrap: bool = True,
    template_id_max: int = 2**63 - 1,
    strings_only: bool = False,
    max_entries: int | None = None,
    max_destinations: int | None = None,
    clip_validity: bool = True,
) -> Checker:
    """The body of POST /zalo/2/messages under the switches; `clip_ids` takes ids of any length."""
    platform = {"entityId": text(0, 255), "applicationId": text(0, 255)}
    window = {
        "days": array(one_of(*DAYS), 1),
        "from": _time_of_day(manner=manner),
        "to": _time_of_day(manner=manner),
    }
    options = {
        "platform": record(platform, manner=manner),
        "validityPeriod": _period(manner=manner, longest=None if clip_validity else _TWO_DAYS),
        "deliveryTimeWindow": record(window, ("days",), manner=manner, rule=_window_rule(wrap=wrap)),
        "campaignReferenceId": text(0, 255),
        "smsFailover": _failover(manner=manner),
        "encrypted": boolean,
        "sendingMode": one_of("REGULAR", "OVER_THE_LIMIT", "AUTO"),
    }
    delivery = {"url": text(), "intermediateReport": boolean, "notify": boolean}
    webhooks = {
        "delivery": record(delivery, manner=manner),
        "contentType": one_of("application/json", "application/xml"),
        "callbackData": text(0, 4000),
    }
    destination = record(
        {"to": text(), "messageId": text(0, None if clip_ids else 200)}, ("to",), manner=manner
    )
    entry = record(
        {
            "sender": text(),
            "destinations": array(destination, 1, max_destinations),
            "content": _content(manner=manner, template_id_max=template_id_max, strings_only=strings_only),
            "options": record(options, manner=manner),
            "webhooks": record(webhooks, manner=manner),
        },
        ("sender", "destinations", "content"),
        manner=manner,
    )
    speed = {"amount": integer(1), "timeUnit": one_of("MINUTE", "HOUR", "DAY")}
    schedule = {
        "bulkId": text(0, None if clip_ids else 100),
        "sendAt": date_time,
        "sendingSpeedLimit": record(speed, ("amount",), manner=manner),
    }
    tracking = {
        "shortenUrl": boolean,
        "trackClicks": boolean,
        "trackingUrl": text(),
        "removeProtocol": boolean,
        "customDomain": text(),
    }
    request_options = {
        "schedule": record(schedule, manner=manner),
        "tracking": record(tracking, manner=manner),
    }
    return record(
        {
            "messages": array(entry, 1, max_entries),
            "options": record(request_options, manner=manner),
        },
        ("messages",),
        manner=manner,
    )
