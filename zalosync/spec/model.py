"""The campaign as it is written: every key, its type, its default and what it means.

Attributes are the YAML keys in snake_case. Shapes are read with `Campaign.model_validate_json(…,
context=Reading(…))`; `load` does it with positions. Limits without another source come from the Infobip
Zalo contract 3.210.0.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from zalosync.spec import conditions, patterns
from zalosync.spec.values import (
    SECONDS_IN,
    VALIDITY_SCHEMA,
    Duration,
    DurationField,
    FilePath,
    Host,
    Moment,
    Name,
    Region,
    SenderId,
    Shape,
    SpeedUnit,
    Tag,
    Text,
    WebUrl,
)
from zalosync.spec.window import DeliveryTimeWindow

API_VERSION = "zalosync/v1"
MAX_VALIDITY_SECONDS = 48 * 3600  # contract: a longer validity is clipped to 48 hours without an error
MAX_TEMPLATE_CHARACTERS = 2000  # of a template's source
MAX_INT32 = 2**31 - 1

SendingMode = Literal["REGULAR", "OVER_THE_LIMIT", "AUTO"]
# Final statuses after which another attempt may do better. EXPIRED_DLR_UNKNOWN (29) is never among them:
# the recipient may have seen the message.
RetryStatus = Literal[
    "UNDELIVERABLE_REJECTED_OPERATOR",
    "UNDELIVERABLE_NOT_DELIVERED",
    "UNDELIVERABLE_NOT_SENT",
    "EXPIRED_EXPIRED",
    "REJECTED_NOT_ENOUGH_CREDITS",
    "REJECTED_ROUTE_NOT_AVAILABLE",
    "REJECTED_FLOODING_FILTER",
    "REJECTED_SYSTEM_ERROR",
    "UNDELIVERABLE_REJECTED_PLATFORM",
]


def _several(value: Any) -> Any:
    """One text or a list of texts, always as a tuple."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


_PATH_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": patterns.PATH}
Paths = Annotated[
    tuple[FilePath, ...],
    BeforeValidator(_several),
    Field(min_length=1, max_length=100),
    WithJsonSchema(
        {
            "anyOf": [
                _PATH_SCHEMA,
                {"type": "array", "items": _PATH_SCHEMA, "minItems": 1, "maxItems": 100},
            ]
        }
    ),
]
Template = Annotated[str, Field(max_length=MAX_TEMPLATE_CHARACTERS)]
Expression = Annotated[str, Field(min_length=1, max_length=MAX_TEMPLATE_CHARACTERS)]


class Metadata(Shape):
    """Who a campaign is."""

    name: Name = Field(
        description="The campaign's identity: lower-case letters, digits and `-`, unique in the project.",
        examples=["order-shipped"],
    )
    description: Annotated[str, Field(max_length=2000)] = Field(
        default="",
        description="What the campaign is for; for readers only.",
        examples=["Tells a customer that the order left the warehouse"],
    )
    owner: Annotated[str, Field(max_length=255)] = Field(
        default="", description="Who answers for it; for readers only.", examples=["crm@example.vn"]
    )
    labels: Mapping[Text, Text] = Field(
        default_factory=dict,
        max_length=50,
        description="Free words that policies can name.",
        examples=[{"team": "crm"}],
    )
    previous_names: tuple[Name, ...] = Field(
        default=(),
        max_length=50,
        description="Earlier names, oldest first: a rename keeps the history, nothing is sent again.",
        examples=[["order-sent"]],
        json_schema_extra={"uniqueItems": True},
    )

    @field_validator("previous_names", mode="after")
    @classmethod
    def _names_differ(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if len({*names, info.data.get("name")}) != len(names) + 1:
            raise PydanticCustomError("ZS202", "a name stands twice among `name` and `previousNames`")
        return names


TemplateName = Annotated[int, Field(ge=1, le=MAX_INT32)]


class TemplateRef(Shape):
    """Which approved Zalo template is filled."""

    name: TemplateName = Field(
        description="Infobip's templateName: the template's number (int32).", examples=[322307]
    )
    tag: Tag = Field(description="What kind of message the template is for.", examples=["TRANSACTION"])


class Audience(Shape):
    """Who gets it: the files with the recipients and how they are read."""

    path: Paths = Field(
        description="One path or glob, or a list, relative to this file: csv, tsv, jsonl, parquet, xlsx; the "
        "text ones also as .gz.",
        examples=["../audiences/orders.csv"],
    )
    encoding: Literal["utf-8", "utf-16", "windows-1258"] | None = Field(
        default=None,
        description="Of the text files; recognised where it is absent, and refused where it is not certain.",
        examples=["windows-1258"],
    )
    phone: Text = Field(description="The column with the destination.", examples=["phone"])
    key: Expression | None = Field(
        default=None,
        description="A template for what makes a message distinct, spaces around it aside; the normalised "
        "phone where it is absent.",
        examples=["{{ order_code }}"],
    )
    region: Region = Field(
        default="VN", description="The country by which national numbers are read.", examples=["VN"]
    )
    where: Expression | None = Field(
        default=None,
        description="An expression; only rows for which it is true are kept.",
        examples=["{{ status == 'shipped' }}"],
    )
    exclude: tuple[FilePath, ...] = Field(
        default=(),
        max_length=100,
        description="Suppression lists, paths or globs: a column `phone`, optional `until` and `reason`.",
        examples=[["../suppressions/*.csv"]],
    )
    consent: Text | None = Field(
        default=None, description="A column that must not be empty.", examples=["consent_at"]
    )
    on_invalid: Literal["skip", "fail"] = Field(
        default="skip",
        description="What becomes of rows whose phone or values do not fit.",
        examples=["fail"],
    )
    on_duplicate: Literal["first", "last", "fail"] = Field(
        default="first", description="Which of several rows with the same key is used.", examples=["last"]
    )
    min_recipients: Annotated[int, Field(ge=0, le=MAX_INT32)] = Field(
        default=1, description="Fewer recipients than this block the plan.", examples=[1]
    )
    max_recipients: Annotated[int, Field(ge=1, le=MAX_INT32)] | None = Field(
        default=None, description="More recipients than this block the plan.", examples=[200000]
    )


class SpeedLimit(Shape):
    """How fast the whole campaign goes out."""

    amount: Annotated[int, Field(ge=1, le=MAX_INT32)] = Field(
        description="Messages per unit of time.", examples=[300]
    )
    time_unit: SpeedUnit = Field(default="MINUTE", description="The unit of time.", examples=["MINUTE"])

    @property
    def unit_seconds(self) -> int:
        """The unit's length in seconds."""
        return SECONDS_IN[self.time_unit]


class Schedule(Shape):
    """When the campaign goes out."""

    model_config = ConfigDict(json_schema_extra=conditions.SCHEDULE)

    send_at: Moment | None = Field(
        default=None,
        description="When sending begins, at most 180 days ahead; as soon as applied where it is absent.",
        examples=["2026-12-01T09:00:00+07:00"],
    )
    expires_at: Moment | None = Field(
        default=None,
        description="Nothing is submitted, nor scheduled by us, after this.",
        examples=["2026-12-01T11:00:00+07:00"],
    )
    mode: Literal["provider", "hold"] = Field(
        default="provider",
        description="provider: hand `sendAt` to Infobip, which cannot be recalled. hold: keep until due, "
        "then apply sends.",
        examples=["hold"],
    )
    sending_speed_limit: SpeedLimit | None = Field(
        default=None,
        description="A limit for the whole campaign, over all its requests.",
        examples=[{"amount": 300, "timeUnit": "MINUTE"}],
    )
    delivery_time_window: DeliveryTimeWindow | None = Field(
        default=None,
        description="Days and hours in which messages may reach recipients.",
        examples=[{"days": ["MONDAY", "TUESDAY"], "from": "08:00", "to": "21:00"}],
    )


def _within_48_hours(duration: Duration) -> Duration:
    if duration.seconds > MAX_VALIDITY_SECONDS:
        raise PydanticCustomError(
            "ZS209", "a validity is at most 48 hours; the provider would cut a longer one without a word"
        )
    return duration


class SmsFailover(Shape):
    """The SMS that goes out where the Zalo message cannot be delivered in time."""

    sender: (
        Annotated[
            str, Field(min_length=1, max_length=16, json_schema_extra=patterns.form(patterns.SMS_SENDER))
        ]
        | None
    ) = Field(
        default=None,
        description="The SMS sender, as registered; the account's own where it is absent.",
        examples=["SHOPVN"],
    )
    text: Expression = Field(
        description="A template for the text; it is sent as plain text even when `encrypted`. Rows for which "
        "it is blank are skipped.",
        examples=["Don hang {{ order_code }} da duoc gui di."],
    )
    validity_period: Annotated[DurationField, WithJsonSchema(VALIDITY_SCHEMA)] | None = Field(
        default=None,
        description="How long the SMS is tried, at most 48 hours.",
        examples=["2h"],
    )
    ascii_only: bool = Field(
        default=False,
        description="Fold Vietnamese letters so that the text stays in GSM-7 segments.",
        examples=[True],
    )

    @field_validator("validity_period", mode="after")
    @classmethod
    def _validity(cls, value: Duration | None) -> Duration | None:
        return value and _within_48_hours(value)


class Platform(Shape):
    """Infobip's platform options for grouping traffic."""

    entity_id: Text | None = Field(
        default=None, description="Infobip's entityId, at most 255 characters.", examples=["shop-1"]
    )
    application_id: Text | None = Field(
        default=None, description="Infobip's applicationId, at most 255 characters.", examples=["prod"]
    )


class Tracking(Shape):
    """Link shortening and click tracking; off unless it is asked for."""

    model_config = ConfigDict(json_schema_extra=conditions.TRACKING)

    shorten_url: bool = Field(
        default=False,
        description="Shorten all links in values; false is sent where absent.",
        examples=[False],
    )
    track_clicks: bool = Field(
        default=False, description="Count clicks on shortened links; false is sent.", examples=[False]
    )
    tracking_url: WebUrl | None = Field(
        default=None,
        description="Where clicks are reported; its host must be in `allowedWebhookHosts`.",
        examples=["https://hooks.example.vn/clicks"],
    )
    remove_protocol: bool = Field(
        default=False, description="Leave `https://` out of short links.", examples=[False]
    )
    custom_domain: Host | None = Field(
        default=None,
        description="The verified domain of short links; it must be in `allowedWebhookHosts`.",
        examples=["go.example.vn"],
    )


class DeliveryWebhook(Shape):
    """Where the provider pushes delivery reports of this campaign's messages."""

    model_config = ConfigDict(json_schema_extra=conditions.DELIVERY)

    url: Annotated[WebUrl, Field(json_schema_extra=patterns.form(patterns.REPORTS_URL))] | None = Field(
        default=None,
        description="An https URL whose host is in `allowedWebhookHosts`; `{token}` is derived from the "
        "project's key per environment. Without it the account's subscription applies.",
        examples=["https://hooks.example.vn/zalo/{token}"],
    )
    intermediate_report: bool = Field(
        default=False, description="Also push reports that are not final.", examples=[False]
    )
    notify: bool = Field(default=True, description="false: no report is pushed at all.", examples=[True])


class Webhooks(Shape):
    """What the provider pushes."""

    delivery: DeliveryWebhook = Field(
        description="Delivery reports.", examples=[{"url": "https://hooks.example.vn/zalo/{token}"}]
    )


class Retry(Shape):
    """A further attempt after a known, final, non-permanent failure."""

    on: tuple[RetryStatus, ...] = Field(
        min_length=1,
        description="Statuses after which another attempt is made; never EXPIRED_DLR_UNKNOWN, which may have "
        "been seen. With `smsFailover` only once the SMS has failed for certain too.",
        examples=[["EXPIRED_EXPIRED"]],
    )
    max_attempts: Annotated[int, Field(ge=2, le=10)] = Field(
        default=2, description="Attempts in all, the first one included.", examples=[2]
    )
    after: DurationField = Field(
        default=Duration(1, "HOURS"),
        description="The least time between two attempts.",
        examples=["6h"],
        json_schema_extra={"default": "1h"},
    )


class CampaignSpec(Shape):
    """What is sent, to whom, when and how."""

    model_config = ConfigDict(json_schema_extra=conditions.CAMPAIGN)

    occurrence: Annotated[int, Field(ge=1, le=MAX_INT32)] = Field(
        default=1,
        description="Raising it is the only way to message the same people again.",
        examples=[1],
    )
    sender: SenderId = Field(
        description="The Zalo Official Account's id, in quotes.", examples=["4097700000000000001"]
    )
    template: TemplateRef = Field(
        description="The approved template.", examples=[{"name": 322307, "tag": "TRANSACTION"}]
    )
    audience: Audience = Field(
        description="Who gets it.", examples=[{"path": "../audiences/orders.csv", "phone": "phone"}]
    )
    template_data: Mapping[Annotated[str, Field(min_length=1, max_length=100)], Template] = Field(
        max_length=100,
        description="A template for each value, by the template's parameter.",
        examples=[{"customer_name": "{{ name | title }}"}],
    )
    encrypted: bool = Field(
        default=False, description="Encrypt each value with the sender's RSA key.", examples=[True]
    )
    schedule: Schedule = Field(
        default_factory=Schedule, description="When it goes out.", examples=[{"mode": "hold"}]
    )
    validity_period: Annotated[DurationField, WithJsonSchema(VALIDITY_SCHEMA)] | None = Field(
        default=None,
        description="How long delivery is tried, at most 48 hours (which is also the provider's default).",
        examples=["6h"],
    )
    sms_failover: SmsFailover | None = Field(
        default=None,
        description="The SMS that takes the place of an undelivered message.",
        examples=[{"sender": "SHOPVN", "text": "Don hang {{ order_code }} da duoc gui di."}],
    )
    platform: Platform | None = Field(
        default=None,
        description="Infobip's platform options.",
        examples=[{"entityId": "shop-1", "applicationId": "prod"}],
    )
    sending_mode: SendingMode = Field(
        default="REGULAR",
        description="OVER_THE_LIMIT and AUTO send beyond the quota, at a higher price; with PROMOTION only.",
        examples=["REGULAR"],
    )
    tracking: Tracking = Field(
        default_factory=Tracking,
        description="Link shortening and click tracking.",
        examples=[{"shortenUrl": False}],
    )
    webhooks: Webhooks | None = Field(
        default=None,
        description="What the provider pushes.",
        examples=[{"delivery": {"url": "https://hooks.example.vn/zalo/{token}"}}],
    )
    retry: Retry | None = Field(
        default=None,
        description="Further attempts after known failures; none where it is absent.",
        examples=[{"on": ["EXPIRED_EXPIRED"], "maxAttempts": 2, "after": "6h"}],
    )
    on_unknown: Literal["hold", "abandon"] = Field(
        default="hold",
        description="What becomes of a message whose fate cannot be proven.",
        examples=["hold"],
    )
    on_change: Literal["ignore", "fail"] = Field(
        default="ignore",
        description="What a changed text of messages that were already sent does to the plan; they are never "
        "sent again.",
        examples=["ignore"],
    )

    @field_validator("validity_period", mode="after")
    @classmethod
    def _validity(cls, value: Duration | None) -> Duration | None:
        return value and _within_48_hours(value)


class Campaign(Shape):
    """One campaign: a template, an audience, and when it goes out."""

    api_version: Literal["zalosync/v1"] = Field(
        description="The version of this language.", examples=[API_VERSION]
    )
    kind: Literal["Campaign"] = Field(description="What this file is.", examples=["Campaign"])
    metadata: Metadata = Field(description="Who the campaign is.", examples=[{"name": "order-shipped"}])
    spec: CampaignSpec = Field(description="What is sent.")
