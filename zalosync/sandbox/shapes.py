"""The request bodies of the contract, as checkers: limits and names from the OpenAPI file 3.210.0.

Where the file and the text around it disagree, or the text promises more than the schema says, the switch that decides
is an argument of `send_request`.
"""

from typing import Any, Final

from zalosync.sandbox.validate import (
    INT64,
    Checker,
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
MAX_INT32 = 2**31 - 1


def _time_of_day(strict: bool) -> Checker:
    return record({"hour": integer(0, 23), "minute": integer(0, 59)}, ("hour", "minute"), strict=strict)


def _window_rule(wrap: bool) -> Checker:
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
        if minutes % 1440 < 60:
            return [("to", "must be at least one hour after from")]
        return None

    return check


def _period(strict: bool) -> Checker:
    return record(
        {"amount": integer(1), "timeUnit": one_of("SECONDS", "MINUTES", "HOURS")}, ("amount",), strict=strict
    )


def _failover(strict: bool) -> Checker:
    india = {"contentTemplateId": text(), "principalEntityId": text(), "telemarketerId": text()}
    turkey = {"brandCode": integer(), "recipientType": one_of("BIREYSEL", "TACIR")}
    korea = {"title": text(0, 66), "resellerCode": integer()}
    regional = {
        "indiaDlt": record(india, ("principalEntityId",), strict=strict),
        "turkeyIys": record(turkey, ("recipientType",), strict=strict),
        "southKorea": record(korea, strict=strict),
    }
    pair = record({"initial": text(1), "failover": text(1)}, ("initial", "failover"), strict=strict)
    return record(
        {
            "sender": text(),
            "text": text(1),
            "validityPeriod": _period(strict),
            "regional": record(regional, strict=strict),
            "destinationMatching": array(pair),
        },
        ("text",),
        strict=strict,
    )


def _no_string_value(value: Any) -> list[Violation] | None:
    return None if value is None or type(value) is str else [("", "must be a string")]


def _content(strict: bool, template_id_max: int, strings_only: bool) -> Checker:
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
        {name: record(kind | fields, required, strict=strict) for name, (fields, required) in shapes.items()}
    )


def send_request(
    *,
    strict: bool = False,
    clip_ids: bool = False,
    wrap: bool = True,
    template_id_max: int = 2**63 - 1,
    strings_only: bool = False,
    max_entries: int | None = None,
    max_destinations: int | None = None,
) -> Checker:
    """The body of POST /zalo/2/messages under the switches; `clip_ids` takes ids of any length."""
    platform = {"entityId": text(0, 255), "applicationId": text(0, 255)}
    window = {
        "days": array(one_of(*DAYS), 1),
        "from": _time_of_day(strict),
        "to": _time_of_day(strict),
    }
    options = {
        "platform": record(platform, strict=strict),
        "validityPeriod": _period(strict),
        "deliveryTimeWindow": record(window, ("days",), strict=strict, rule=_window_rule(wrap)),
        "campaignReferenceId": text(0, 255),
        "smsFailover": _failover(strict),
        "encrypted": boolean,
        "sendingMode": one_of("REGULAR", "OVER_THE_LIMIT", "AUTO"),
    }
    delivery = {"url": text(), "intermediateReport": boolean, "notify": boolean}
    webhooks = {
        "delivery": record(delivery, strict=strict),
        "contentType": one_of("application/json", "application/xml"),
        "callbackData": text(0, 4000),
    }
    destination = record(
        {"to": text(), "messageId": text(0, None if clip_ids else 200)}, ("to",), strict=strict
    )
    entry = record(
        {
            "sender": text(1),
            "destinations": array(destination, 1, max_destinations),
            "content": _content(strict, template_id_max, strings_only),
            "options": record(options, strict=strict),
            "webhooks": record(webhooks, strict=strict),
        },
        ("sender", "destinations", "content"),
        strict=strict,
    )
    speed = {"amount": integer(1), "timeUnit": one_of("MINUTE", "HOUR", "DAY")}
    schedule = {
        "bulkId": text(0, None if clip_ids else 100),
        "sendAt": date_time,
        "sendingSpeedLimit": record(speed, ("amount",), strict=strict),
    }
    tracking = {
        "shortenUrl": boolean,
        "trackClicks": boolean,
        "trackingUrl": text(),
        "removeProtocol": boolean,
        "customDomain": text(),
    }
    request_options = {
        "schedule": record(schedule, strict=strict),
        "tracking": record(tracking, strict=strict),
    }
    return record(
        {
            "messages": array(entry, 1, max_entries),
            "options": record(request_options, strict=strict),
        },
        ("messages",),
        strict=strict,
    )


def _template_content(strict: bool) -> Checker:
    attachment = record(
        {"type": one_of("IMAGE"), "mediaId": text(1, 100)}, ("type", "mediaId"), strict=strict
    )
    logo = record({"light": attachment, "dark": attachment}, ("light", "dark"), strict=strict)
    title = record({"value": text(9, 65)}, ("value",), strict=strict)
    paragraph = record({"value": text(9, 400)}, ("value",), strict=strict)
    paragraphs = array(paragraph, 1, 4)
    row = record(
        {
            "title": text(3, 36),
            "value": text(3, 90),
            "rowType": one_of("NO_EFFECT", "SUCCESS", "UPDATE", "NOTE", "ERROR", "BASICS"),
        },
        ("title", "value"),
        strict=strict,
    )
    table = record({"rows": array(row, 2, 8)}, ("rows",), strict=strict)
    button = record(
        {"type": one_of(*BUTTONS), "title": text(5, 30), "content": text(1, 200)},
        ("type", "title", "content"),
        strict=strict,
    )
    buttons = record({"items": array(button, 1, 3)}, ("items",), strict=strict)
    compact = record({"items": array(button, 1, 2)}, ("items",), strict=strict)
    images = record({"items": array(attachment, 1, 3)}, strict=strict)
    tag = one_of(*TAGS)
    otp = record({"value": text(1, 10)}, ("value",), strict=strict)
    payment = record(
        {
            "bankCode": text(1, 6),
            "accountName": text(1, 100),
            "bankAccount": text(1, 100),
            "amount": text(),
            "note": text(0, 90),
        },
        ("bankCode", "accountName", "bankAccount", "amount", "note"),
        strict=strict,
    )
    voucher = record(
        {
            "name": text(1, 30),
            "condition": text(1, 40),
            "startDate": text(0, 30),
            "endDate": text(0, 30),
            "voucherCode": text(1, 25),
        },
        ("name", "condition", "startDate", "endDate", "voucherCode"),
        strict=strict,
    )
    rating_item = record(
        {
            "rate": text(0, None, "[1-5]"),
            "title": text(1, 50),
            "question": text(0, 100),
            "answers": array(text(1, 5), 1, 5),
            "thanks": text(1, 100),
            "description": text(1, 200),
        },
        ("rate", "title", "thanks", "description"),
        strict=strict,
    )
    rating = record(
        {"option": one_of("THREE_EMOTIONS", "FIVE_EMOTIONS", "FIVE_STARS"), "items": array(rating_item)},
        ("items",),
        strict=strict,
    )
    kind = {"type": anything, "logo": logo}
    body = kind | {"title": title, "paragraphs": paragraphs, "table": table}
    return by_type(
        {
            "CUSTOM": record(
                body | {"tag": tag, "buttons": buttons, "image": images},
                ("buttons", "tag", "title"),
                strict=strict,
            ),
            "AUTHENTICATION": record(
                kind | {"otp": otp, "securityWarning": paragraph},
                ("logo", "otp", "securityWarning"),
                strict=strict,
            ),
            "PAYMENT_REQUEST": record(
                body | {"payment": payment, "buttons": compact},
                ("buttons", "logo", "payment", "title"),
                strict=strict,
            ),
            "VOUCHER": record(
                body | {"tag": tag, "image": images, "voucher": voucher, "buttons": compact},
                ("buttons", "tag", "title", "voucher"),
                strict=strict,
            ),
            "SERVICE_REVIEW": record(
                kind | {"title": title, "rating": rating, "paragraph": paragraph, "buttons": compact},
                ("buttons", "logo", "rating", "title"),
                strict=strict,
            ),
        }
    )


def template_request(*, edit: bool, strict: bool = False) -> Checker:
    """The body of create (POST) or edit (PUT) template."""
    parameter = record(
        {
            "type": one_of(*PARAMETER_TYPES),
            "name": text(1, 20, "[A-Za-z0-9_-]+"),
            "sampleValue": text(1, 200),
        },
        ("name", "sampleValue", "type"),
        strict=strict,
    )
    fields: dict[str, Checker] = {
        "templateName": text(10, 60),
        "templateContent": _template_content(strict),
        "params": array(parameter),
        "note": text(1, 400),
        "trackingId": text(1, 200),
    }
    required = ("note", "templateContent", "templateName", "trackingId")
    if edit:
        return record(fields | {"templateId": _template_id}, ("templateId", *required), strict=strict)
    return record(fields, required, strict=strict)


def _template_id(value: Any) -> list[Violation] | None:
    """A string by the schema, a number in the examples of the same file: both are taken."""
    if type(value) is int and 0 < value <= INT64[1]:
        return None
    return None if type(value) is str and value.isdecimal() else [("", "must be a template id")]


TAGS: Final = ("TRANSACTION", "CUSTOMER_CARE", "PROMOTION")
BUTTONS: Final = (
    "GO_TO_COMPANY_PAGE",
    "MAKE_PHONE_CALL",
    "GO_TO_OA_INFORMATION_PAGE",
    "GO_TO_ZALO_MINI_APP",
    "GO_TO_COMPANY_APPLICATION_PAGE",
    "GO_TO_ANOTHER_WEBSITE_OR_MINI_APP",
    "GO_TO_ANOTHER_APPLICATION",
    "GO_TO_OA_POST",
    "COPY",
    "PAY_NOW",
    "SEE_DETAILS",
    "GO_TO_ELECTRONIC_INVOICE_LOOKUP_PAGE",
    "GO_TO_LANDING_PAGE_APP_DOWNLOAD",
)
PARAMETER_TYPES: Final = (
    "CUSTOMER_NAME",
    "PHONE_NUMBER",
    "ADDRESS",
    "CODE",
    "CUSTOM_LABELS",
    "TRADING_STATUS",
    "CONTACT_INFORMATION",
    "GENDER_TITLE",
    "PRODUCT_NAME_BRAND",
    "QUANTITY_AMOUNT",
    "TIME",
    "OTP",
    "URL",
    "CURRENCY_VND",
    "BANK_TRANSFER_NOTE",
)
