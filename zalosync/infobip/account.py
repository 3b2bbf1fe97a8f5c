"""What belongs to a sender: its public key, its templates with their contracts, its quotas.

The template and quota calls are early access: the provider's promise not to change them does not hold yet,
so every field but the template's number may be missing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from zalosync.infobip.answer import is_code, strict_json
from zalosync.provider import Malformed


class TemplateStatus(StrEnum):
    """The provider's words in one spelling: it says both ENABLE and ENABLED, REJECT and REJECTED."""

    ENABLED = "ENABLE"
    PENDING_REVIEW = "PENDING_REVIEW"
    REJECTED = "REJECT"
    DISABLED = "DISABLE"
    UNKNOWN = "UNKNOWN"


_STATUSES = {
    "ENABLE": TemplateStatus.ENABLED,
    "ENABLED": TemplateStatus.ENABLED,
    "PENDING_REVIEW": TemplateStatus.PENDING_REVIEW,
    "REJECT": TemplateStatus.REJECTED,
    "REJECTED": TemplateStatus.REJECTED,
    "DISABLE": TemplateStatus.DISABLED,
    "DISABLED": TemplateStatus.DISABLED,
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One placeholder of a template; lengths in characters of the plain value, None where not said."""

    name: str
    type: str
    required: bool
    min_length: int | None
    max_length: int | None
    accept_null: bool


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a template. `content` is a URL or a number to call."""

    type: str
    title: str
    content: str


@dataclass(frozen=True, slots=True)
class Template:
    """A template as the provider has it.

    Attributes:
        name: the number that is its id everywhere but in display.
        tag: TRANSACTION, CUSTOMER_CARE or PROMOTION; empty where not said.
        parameters: None where the answer has no list of them, as in the list of templates.
    """

    name: int
    display_name: str = ""
    status: TemplateStatus = TemplateStatus.UNKNOWN
    reason: str = ""
    tag: str = ""
    preview_url: str = ""
    parameters: tuple[Parameter, ...] | None = None
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplatePage:
    """One page of the list of templates; pages count from 0."""

    templates: tuple[Template, ...]
    page: int
    total_pages: int


@dataclass(frozen=True, slots=True)
class Quota:
    """What the Official Account may still send; None where the provider does not say."""

    daily: int | None
    remaining_daily: int | None
    monthly_promotion: int | None
    remaining_monthly_promotion: int | None
    estimated_next_month_promotion: int | None


def read_public_key(body: bytes) -> str | Malformed:
    """The key's text, still to be read by `PublicKey.read`."""
    answer = strict_json(body)
    if isinstance(answer, Malformed):
        return answer
    key = answer.get("publicKey") if isinstance(answer, dict) else None
    return key if isinstance(key, str) and key else Malformed.SHAPE


def read_template(body: bytes) -> Template | Malformed:
    """One template with its contract."""
    answer = strict_json(body)
    if isinstance(answer, Malformed):
        return answer
    return _template(answer) or Malformed.SHAPE


def read_templates(body: bytes) -> TemplatePage | Malformed:
    """A page of the list of templates."""
    answer = strict_json(body)
    if isinstance(answer, Malformed):
        return answer
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
        return Malformed.SHAPE
    found = [_template(one) for one in answer["results"]]
    paging = answer.get("paging")
    paging = paging if isinstance(paging, dict) else {}
    page, pages = paging.get("page"), paging.get("totalPages")
    if None in found or type(page) is not int or type(pages) is not int:
        return Malformed.SHAPE
    return TemplatePage(tuple(one for one in found if one is not None), page, pages)


def read_quota(body: bytes) -> Quota | Malformed:
    """The sender's quotas."""
    answer = strict_json(body)
    if isinstance(answer, Malformed):
        return answer
    if not isinstance(answer, dict):
        return Malformed.SHAPE
    return Quota(
        daily=_number(answer, "dailyQuota"),
        remaining_daily=_number(answer, "remainingDailyQuota"),
        monthly_promotion=_number(answer, "monthlyPromotionQuota"),
        remaining_monthly_promotion=_number(answer, "remainingMonthlyPromotionQuota"),
        estimated_next_month_promotion=_number(answer, "estimatedNextMonthPromotionQuota"),
    )


def _number(answer: dict[str, Any], name: str) -> int | None:
    value = answer.get(name)
    return value if type(value) is int else None


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""


def _dicts(answer: dict[str, Any], name: str) -> list[dict[str, Any]] | None:
    value = answer.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else None


def _template(answer: Any) -> Template | None:
    name = answer.get("templateName") if isinstance(answer, dict) else None
    if type(name) is not int:
        return None
    properties = _dicts(answer, "templateProperties")
    return Template(
        name=name,
        display_name=_text(answer, "displayName"),
        status=_STATUSES.get(_text(answer, "status").upper(), TemplateStatus.UNKNOWN),
        reason=_text(answer, "reason"),
        tag=_text(answer, "templateTag"),
        preview_url=_text(answer, "previewUrl"),
        parameters=None if properties is None else tuple(_parameter(one) for one in properties),
        buttons=tuple(
            Button(_text(one, "type"), _text(one, "title"), _text(one, "content"))
            for one in _dicts(answer, "templateButtons") or ()
        ),
    )


def _parameter(answer: dict[str, Any]) -> Parameter:
    return Parameter(
        name=_text(answer, "name"),
        type=_text(answer, "type"),
        required=answer.get("required") is True,
        min_length=_length(answer, "minLength"),
        max_length=_length(answer, "maxLength"),
        accept_null=answer.get("acceptNull") is True,
    )


def _length(answer: dict[str, Any], name: str) -> int | None:
    value = answer.get(name)
    return value if is_code(value) and value >= 0 else None
