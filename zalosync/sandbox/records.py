"""The parts of the settings: who may call, which templates exist, fates, shares, pushes."""

from functools import cached_property
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

DEFAULT_API_KEY = "sandbox"
Tag = Literal["TRANSACTION", "CUSTOMER_CARE", "PROMOTION"]
Scope = Literal["message:send", "zalo:message:send", "zalo:manage", "zalo:logs:read", "subscriptions:manage"]
OPENS_NOTHING: Scope = "subscriptions:manage"  # here: it is no scope of a Zalo call
ALL_SCOPES: frozenset[Scope] = frozenset(get_args(Scope)) - {OPENS_NOTHING}
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Positive = Annotated[int, Field(ge=1, le=2**63 - 1)]
Span = Annotated[int, Field(ge=0, le=10**13)]  # milliseconds; three centuries are enough
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Record(BaseModel):
    """Frozen, and without names that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Credential(Record):
    """Who may call, with which scopes. `secret` is the key, the token, or `user:password` for Basic."""

    scheme: Literal["App", "Basic", "Bearer", "IBSSO"] = "App"
    secret: str = Field(default=DEFAULT_API_KEY, repr=False)
    scopes: frozenset[Scope] = ALL_SCOPES


class Property(Record):
    """One parameter of a template's contract; lengths in characters of the plain value."""

    name: str
    required: bool = True
    type: str = "STRING"
    max_length: Count = 200
    min_length: Count = 0
    accept_null: bool = False

    @model_validator(mode="after")
    def _some_length(self) -> Self:
        if self.min_length > self.max_length:
            raise ValueError(
                f"no value is {self.min_length} characters at least and {self.max_length} at most"
            )
        return self


class ListedTemplate(Record):
    """A template that exists from the start."""

    id: int
    sender: str | None = None  # None: every sender has it
    name: str = ""
    status: Literal["ENABLE", "PENDING_REVIEW", "REJECT", "DISABLE"] = "ENABLE"
    reason: str = ""
    tag: Tag = "TRANSACTION"
    otp: bool = False
    properties: tuple[Property, ...] | None = None  # None: any parameters
    daily_cap: Count | None = None
    uid_allowed: bool = True


class Rule(Record):
    """A fate for a seeded `share` of the messages that match and that no rule before it took."""

    fate: Literal[
        "delivered",
        "no_account",
        "refused",
        "old_app",
        "provider_error",
        "expired",
        "no_report",
        "dnd",
        "silent",
    ]
    to: str | None = Field(default=None, min_length=1)  # a glob over the destination, such as 8490*
    template: int | None = None
    sender: str | None = None
    share: float = Field(default=1.0, gt=0, le=1)


class Shares(Record):
    """How many of the messages without a rule end how; what is missing to 1 is delivered."""

    no_account: Share = 0.03
    expired: Share = 0.02
    refused: Share = 0.004
    provider_error: Share = 0.003
    no_report: Share = 0.003
    silent: Share = 0.0  # delivered, but never reported

    @cached_property
    def listed(self) -> tuple[tuple[str, float], ...]:
        """Those that are not nothing: asked for with every message."""
        return tuple((name, share) for name, share in self.model_dump().items() if share)

    @model_validator(mode="after")
    def _a_whole(self) -> Self:
        told = sum(self.model_dump().values())
        if told > 1 + 1e-9:
            raise ValueError(f"the shares make {told:g} together, and all messages are 1: lower some")
        return self


class Push(Record):
    """How reports are pushed. `url` is the account's Subscription, used where a message names none."""

    url: str | None = None
    content_type: Literal["application/json", "application/xml"] = "application/json"
    security: Literal["none", "basic", "hmac"] = "none"
    user: str = ""
    secret: str = Field(default="", repr=False)
    hmac_algorithm: Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] = "sha256"
    hmac_header: str = "X-Hub-Signature-256"
    hmac_encoding: Literal["hex", "base64"] = "hex"
    hmac_prefix: str = "sha256="
    batch: int = Field(default=100, ge=1, le=2000)
    retries: int = Field(default=20, ge=0)
    accepts: tuple[Annotated[int, Field(ge=100, le=599)], ...] = (200,)
    duplicate_share: Share = 0.0
    duplicate_copies: int = Field(default=1, ge=1, le=100)
    disorder: bool = False
    delay_ms: Span = 0
    unknown_status_share: Share = 0.0
    bad_signature_share: Share = 0.0
    extra_fields: bool = False
    omit_optional: bool = False
    timeout_ms: Positive = 5000
    only_loopback: bool = (
        True  # nothing leaves the machine; reports for other addresses are counted and dropped
    )
