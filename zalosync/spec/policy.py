"""The policy as it is written: what no campaign may override. A guard that no policy names does not exist."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from zalosync.catalogue import FINDINGS
from zalosync.spec import patterns
from zalosync.spec.model import MAX_INT32, TemplateName
from zalosync.spec.values import (
    DURATION_SCHEMA,
    Currency,
    Day,
    Duration,
    DurationField,
    FilePath,
    Money,
    Name,
    SenderId,
    Shape,
    ShareField,
    Tag,
    Text,
)
from zalosync.spec.window import QuietHours

Severity = Literal["error", "warn", "off"]
CALENDAR_MONTH: Literal["calendar-month"] = "calendar-month"
_Count = Annotated[int, Field(ge=1, le=MAX_INT32)]


class Cost(Shape):
    """An amount of money."""

    amount: Money = Field(description="The amount.", examples=[5000])
    currency: Currency = Field(description="Three letters, the currency of prices.yaml.", examples=["EUR"])


class _DurationHolder(Shape):
    value: DurationField


def _period(value: Any) -> Duration | Literal["calendar-month"]:
    if value == CALENDAR_MONTH:
        return CALENDAR_MONTH
    try:
        return _DurationHolder.model_validate({"value": value}).value
    except ValidationError as error:
        message = "a period is `calendar-month`, or a duration such as 24h"
        raise PydanticCustomError("ZS137", message) from error


class FrequencyCap(Shape):
    """How many messages one person may get in a period, over all campaigns."""

    max: _Count = Field(description="At most this many attempts.", examples=[4])
    per: Annotated[
        Duration | Literal["calendar-month"],
        PlainValidator(_period),
        PlainSerializer(lambda value: value if isinstance(value, str) else value.seconds),
        WithJsonSchema({"anyOf": [{"const": CALENDAR_MONTH}, *DURATION_SCHEMA["anyOf"]]}),
    ] = Field(
        description="`calendar-month`, or a duration that looks back from the time of sending.",
        examples=["24h"],
    )
    tag: Tag | None = Field(
        default=None, description="Counts only templates of this tag.", examples=["PROMOTION"]
    )
    labels: Mapping[Text, Text] = Field(
        default_factory=dict,
        description="Counts only campaigns that have all of these labels.",
        examples=[{"team": "crm"}],
    )

    def holds_for(self, tag: str, labels: Mapping[str, str]) -> bool:
        """Whether messages of this tag and these labels count, and are counted."""
        same = all(labels.get(name) == value for name, value in self.labels.items())
        return same and self.tag in (None, tag)


class Approval(Shape):
    """How many people must approve a plan of a size."""

    above: Annotated[int, Field(ge=0, le=MAX_INT32)] = Field(
        description="Plans that send more messages than this need it; a campaign with `smsFailover` counts "
        "twice, as each of its messages may be followed by an SMS.",
        examples=[1000],
    )
    count: Annotated[int, Field(ge=1, le=10)] = Field(
        default=1,
        description="So many different people: two names of one user, key or look are one person's.",
        examples=[2],
    )
    not_author: bool = Field(
        default=False,
        description="None of them may be the author of a campaign: the Git author of the last commit that "
        "touched its file.",
        examples=[True],
    )
    signed: bool = Field(
        default=False,
        description="Each of them must be signed with an SSH key of `allowedSigners`.",
        examples=[True],
    )


class Rule(Shape):
    """The severity of one finding. Weaker than its own severity is a waiver: it has a reason and an end."""

    severity: Severity = Field(description="error, warn or off.", examples=["warn"])
    reason: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        default=None,
        description="Why; needed for a waiver.",
        examples=["legal agreed until the new template"],
    )
    until: Day | None = Field(
        default=None, description="The last day of a waiver; needed for one.", examples=["2027-01-31"]
    )

    def in_force(self, today: date) -> bool:
        """Whether the rule still counts on a day (UTC)."""
        return self.until is None or today <= self.until


class _RuleHolder(Shape):
    value: Rule


def _rule(value: Any) -> Rule:
    if isinstance(value, Rule):
        return value
    if isinstance(value, str):
        if value not in {"error", "warn", "off"}:
            raise PydanticCustomError("ZS134", "a rule's severity is error, warn or off")
        return Rule.model_validate({"severity": value})
    if isinstance(value, dict):
        return _RuleHolder.model_validate({"value": value}).value
    raise PydanticCustomError("ZS134", "a rule is error, warn or off, or {severity, reason, until}")


RuleField = Annotated[
    Rule,
    PlainValidator(_rule),
    PlainSerializer(lambda rule: rule.model_dump(mode="json", by_alias=True), return_type=dict),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["error", "warn", "off"]},
                {
                    "type": "object",
                    "properties": {
                        "severity": {"enum": ["error", "warn", "off"]},
                        "reason": {"type": "string", "minLength": 1, "maxLength": 500},
                        "until": {"type": "string", "pattern": patterns.DAY},
                    },
                    "required": ["severity"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class PolicySpec(Shape):
    """The limits. Several policies hold all at once: the strictest of each counts."""

    max_recipients_per_plan: _Count | None = Field(
        default=None, description="A plan that sends more messages is blocked.", examples=[500000]
    )
    max_new_share: ShareField | None = Field(
        default=None,
        description="Of an audience that an earlier plan of the same campaign and occurrence named: a larger "
        "share of new rows is blocked.",
        examples=["50%"],
    )
    max_cost: Cost | None = Field(
        default=None,
        description="A plan whose estimate may be higher is blocked.",
        examples=[{"amount": 5000, "currency": "EUR"}],
    )
    require_encrypted: bool = Field(
        default=False, description="Campaigns must be `encrypted`.", examples=[True]
    )
    allow_plaintext_failover: bool = Field(
        default=True,
        description="false: an encrypted campaign may not have an SMS failover, whose text is plain.",
        examples=[False],
    )
    allowed_senders: tuple[SenderId, ...] | None = Field(
        default=None,
        json_schema_extra={"minItems": 1},
        description="Campaigns may use no other sender.",
        examples=[["4097700000000000001"]],
    )
    allowed_templates: tuple[TemplateName, ...] | None = Field(
        default=None,
        json_schema_extra={"minItems": 1},
        description="Campaigns may use no other template.",
        examples=[[322307]],
    )
    quiet_hours: QuietHours | None = Field(
        default=None,
        description="Hours in which nothing may reach a recipient.",
        examples=[{"from": "22:00", "to": "06:00", "timezone": "Asia/Ho_Chi_Minh"}],
    )
    frequency_caps: tuple[FrequencyCap, ...] = Field(
        default=(),
        max_length=50,
        description="How often one person may be messaged; counts every attempt that is not proven unsent or "
        "refused.",
        examples=[[{"max": 4, "per": "calendar-month", "tag": "PROMOTION"}]],
    )
    suppressions: tuple[FilePath, ...] = Field(
        default=(),
        max_length=100,
        description="Suppression lists for all campaigns, relative to this file.",
        examples=[["../suppressions/global.csv"]],
    )
    approvals: tuple[Approval, ...] = Field(
        default=(),
        max_length=20,
        description="Who must approve a plan, by its size.",
        examples=[[{"above": 1000, "count": 1}]],
    )
    allowed_signers: FilePath | None = Field(
        default=None,
        description="Who may sign approvals, with which SSH keys: a file as ssh-keygen reads it, relative to "
        "this file.",
        examples=["../allowed_signers"],
    )
    rules: Mapping[str, RuleField] = Field(
        default_factory=dict,
        json_schema_extra={"propertyNames": {"enum": [*FINDINGS]}},
        description="The severity of findings, by their id: error, warn or off; a waiver has a reason and an "
        "end date.",
        examples=[{"failover-without-optout": "warn"}],
    )

    @field_validator("allowed_senders", "allowed_templates", mode="after")
    @classmethod
    def _some(cls, value: tuple[Any, ...] | None, info: ValidationInfo) -> tuple[Any, ...] | None:
        if value is not None and not value:
            what = str(info.field_name).removeprefix("allowed_").removesuffix("s")
            message = f"an empty list would forbid every {what}; name one or leave it out"
            raise PydanticCustomError("ZS141", message)
        return value


class PolicyMetadata(Shape):
    """What the policy is called."""

    name: Name = Field(description="The policy's name, unique in the project.", examples=["guardrails"])


class Policy(Shape):
    """A policy: limits that no campaign may override."""

    api_version: Literal["zalosync/v1"] = Field(
        description="The version of this language.", examples=["zalosync/v1"]
    )
    kind: Literal["Policy"] = Field(description="What this file is.", examples=["Policy"])
    metadata: PolicyMetadata = Field(description="What it is called.", examples=[{"name": "guardrails"}])
    spec: PolicySpec = Field(description="The limits.")
