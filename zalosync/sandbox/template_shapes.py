"""The bodies of create and edit template, as checkers: limits and names from the OpenAPI file 3.210.0."""

import re
from typing import Any, Final

from zalosync.sandbox.validate import (
    INT64,
    USUAL,
    Checker,
    Manner,
    Violation,
    anything,
    array,
    by_type,
    one_of,
    record,
    text,
)

_NUMBER: Final = re.compile(r"[0-9]{1,18}")
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


def _template_content(*, manner: Manner) -> Checker:
    attachment = record(
        {"type": one_of("IMAGE"), "mediaId": text(1, 100)}, ("type", "mediaId"), manner=manner
    )
    logo = record({"light": attachment, "dark": attachment}, ("light", "dark"), manner=manner)
    title = record({"value": text(9, 65)}, ("value",), manner=manner)
    paragraph = record({"value": text(9, 400)}, ("value",), manner=manner)
    paragraphs = array(paragraph, 1, 4)
    row = record(
        {
            "title": text(3, 36),
            "value": text(3, 90),
            "rowType": one_of("NO_EFFECT", "SUCCESS", "UPDATE", "NOTE", "ERROR", "BASICS"),
        },
        ("title", "value"),
        manner=manner,
    )
    table = record({"rows": array(row, 2, 8)}, ("rows",), manner=manner)
    button = record(
        {"type": one_of(*BUTTONS), "title": text(5, 30), "content": text(1, 200)},
        ("type", "title", "content"),
        manner=manner,
    )
    buttons = record({"items": array(button, 1, 3)}, ("items",), manner=manner)
    compact = record({"items": array(button, 1, 2)}, ("items",), manner=manner)
    images = record({"items": array(attachment, 1, 3)}, manner=manner)
    tag = one_of(*TAGS)
    otp = record({"value": text(1, 10)}, ("value",), manner=manner)
    payment = record(
        {
            "bankCode": text(1, 6),
            "accountName": text(1, 100),
            "bankAccount": text(1, 100),
            "amount": text(),
            "note": text(0, 90),
        },
        ("bankCode", "accountName", "bankAccount", "amount", "note"),
        manner=manner,
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
        manner=manner,
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
        manner=manner,
    )
    rating = record(
        {"option": one_of("THREE_EMOTIONS", "FIVE_EMOTIONS", "FIVE_STARS"), "items": array(rating_item)},
        ("items",),
        manner=manner,
    )
    kind = {"type": anything, "logo": logo}
    body = kind | {"title": title, "paragraphs": paragraphs, "table": table}
    return by_type(
        {
            "CUSTOM": record(
                body | {"tag": tag, "buttons": buttons, "image": images},
                ("buttons", "tag", "title"),
                manner=manner,
            ),
            "AUTHENTICATION": record(
                kind | {"otp": otp, "securityWarning": paragraph},
                ("logo", "otp", "securityWarning"),
                manner=manner,
            ),
            "PAYMENT_REQUEST": record(
                body | {"payment": payment, "buttons": compact},
                ("buttons", "logo", "payment", "title"),
                manner=manner,
            ),
            "VOUCHER": record(
                body | {"tag": tag, "image": images, "voucher": voucher, "buttons": compact},
                ("buttons", "tag", "title", "voucher"),
                manner=manner,
            ),
            "SERVICE_REVIEW": record(
                kind | {"title": title, "rating": rating, "paragraph": paragraph, "buttons": compact},
                ("buttons", "logo", "rating", "title"),
                manner=manner,
            ),
        }
    )


def template_request(*, edit: bool, manner: Manner = USUAL) -> Checker:
    """The body of create (POST) or edit (PUT) template."""
    parameter = record(
        {
            "type": one_of(*PARAMETER_TYPES),
            "name": text(1, 20, "[A-Za-z0-9_-]+"),
            "sampleValue": text(1, 200),
        },
        ("name", "sampleValue", "type"),
        manner=manner,
    )
    fields: dict[str, Checker] = {
        "templateName": text(10, 60),
        "templateContent": _template_content(manner=manner),
        "params": array(parameter),
        "note": text(1, 400),
        "trackingId": text(1, 200),
    }
    required = ("note", "templateContent", "templateName", "trackingId")
    if edit:
        return record(fields | {"templateId": _template_id}, ("templateId", *required), manner=manner)
    return record(fields, required, manner=manner)


def _template_id(value: Any) -> list[Violation] | None:
    """A string by the schema, a number in the examples of the same file: both are taken."""
    if type(value) is int and 0 < value <= INT64[1]:
        return None
    if type(value) is str and _NUMBER.fullmatch(value):
        return None
    return [("", "must be a template id")]
