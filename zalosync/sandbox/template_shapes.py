"""The bodies of create and edit template, as checkers: limits and names from the OpenAPI file 3.210.0."""

from typing import Any, Final

from zalosync.sandbox.validate import (
    INT64,
    Checker,
    Violation,
    anything,
    array,
    by_type,
    one_of,
    record,
    text,
)

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


def _template_content(*, strict: bool) -> Checker:
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
        "templateContent": _template_content(strict=strict),
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
