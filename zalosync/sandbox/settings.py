"""Every switch of the sandbox: what the contract leaves unknown, and the world this run plays in.

One frozen record. The defaults are those of the embedded sandbox: the likeliest reading of the contract, with
short delays, so that a rehearsal takes seconds. `faithful()` takes the shortcuts out. The documentation has
one row for each switch: the unknown, the values, the default.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from zalosync.sandbox import contradictions

DEFAULT_API_KEY = "sandbox"
HOUR_MS = 3_600_000
Tag = Literal["TRANSACTION", "CUSTOMER_CARE", "PROMOTION"]
Scope = Literal["message:send", "zalo:message:send", "zalo:manage", "zalo:logs:read", "subscriptions:manage"]
ALL_SCOPES: frozenset[Scope] = frozenset(get_args(Scope)) - {
    "subscriptions:manage"
}  # which opens no Zalo call
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Positive = Annotated[int, Field(ge=1, le=2**63 - 1)]
Span = Annotated[int, Field(ge=0, le=10**13)]  # milliseconds; three centuries are enough
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
# What `--faithful` sets: no shortcut in time.
FAITHFUL: Mapping[str, Any] = {
    "validity_cap_ms": None,
    "review_ms": 24 * HOUR_MS,
    "delay_median_ms": 5000,
    "delay_max_ms": 600_000,
    "log_lag_ms": 2000,
}


class SettingsError(ValueError):
    """A setting has an unknown name or a value that cannot be; the text lists every one."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Credential(_Record):
    """Who may call, with which scopes. `secret` is the key, the token, or `user:password` for Basic."""

    scheme: Literal["App", "Basic", "Bearer", "IBSSO"] = "App"
    secret: str = Field(default=DEFAULT_API_KEY, repr=False)
    scopes: frozenset[Scope] = ALL_SCOPES


class Property(_Record):
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


class ListedTemplate(_Record):
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


class Rule(_Record):
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


class Shares(_Record):
    """How many of the messages without a rule end how; what is missing to 1 is delivered."""

    no_account: Share = 0.03
    expired: Share = 0.02
    refused: Share = 0.004
    provider_error: Share = 0.003
    no_report: Share = 0.003
    silent: Share = 0.0  # delivered, but never reported

    @model_validator(mode="after")
    def _a_whole(self) -> Self:
        told = sum(self.model_dump().values())
        if told > 1 + 1e-9:
            raise ValueError(f"the shares make {told:g} together, and all messages are 1: lower some")
        return self


class Push(_Record):
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


class Settings(_Record):
    """All switches. Durations are milliseconds of the sandbox's clock, shares are 0..1."""

    seed: int = Field(default=1, ge=-(2**63), le=2**63 - 1)
    # who and what exists
    credentials: tuple[Credential, ...] = (Credential(),)
    senders: tuple[str, ...] | None = None  # None: every sender exists
    templates: tuple[ListedTemplate, ...] = ()
    unlisted_templates: bool = True  # a template nobody listed exists and takes any parameters
    unknown_sender: Literal["row", "400"] = "row"
    # what a request may hold
    unknown_keys: Literal["ignore", "refuse"] = "ignore"
    null_values: Literal["ignore", "refuse"] = "refuse"  # for what may be absent
    long_ids: Literal["refuse", "clip"] = "refuse"
    value_types: Literal["any", "string"] = "any"  # templateData values
    template_id_bits: Literal[32, 64] = 64
    max_entries: Positive | None = None
    max_destinations: Positive | None = None
    max_body_bytes: Positive | None = None
    bad_destination: Literal["row", "report"] = "row"
    # answers
    accepted_status: Literal[7, 26] = 7
    refused_rows: Literal["none", "log", "both"] = "both"
    retry_after: bool = False
    json_content_type: bool = True
    # the same message id again
    duplicates: Literal["reject_in_response", "reject_async", "accept_twice"] = "reject_in_response"
    duplicate_own_row: bool = False
    duplicate_window_ms: Span | None = None  # None: an id is never forgotten
    failed_frees_id: bool = False
    duplicate_bulk: Literal["accept", "refuse"] = "accept"
    # logs
    log_lag_ms: Span = 0
    log_window_ms: Span = 48 * HOUR_MS
    log_order: Literal["newest", "oldest"] = "newest"
    log_edges: Literal["inclusive", "exclusive"] = "inclusive"
    log_rows: Positive = 1000
    log_text: bool = False
    logs_per_minute: Positive = 10
    calls_per_second: Positive = 10
    # one-time reports
    reports_path: str | None = "/zalo/1/reports"
    reports_once: Literal["account", "credential", "never"] = "account"
    reports_window_ms: Span = 48 * HOUR_MS
    reports_order: Literal["latest", "oldest"] = "oldest"
    push_consumes_pull: bool = False
    intermediate_reports: bool = (
        False  # status 2 before the final one, also where a message does not ask for it
    )
    # time
    past_send_at: Literal["now", "refuse"] = "now"
    validity_start: Literal["send_at", "acceptance", "first_attempt"] = "send_at"
    queue_uses_validity: bool = True
    window_wrap: Literal["allow", "refuse"] = "allow"
    closed_window: Literal["wait", "expire"] = "wait"
    window_binds_failover: bool = False
    failover_reports: Literal["both", "final"] = "both"  # final: the last step only
    pace_scope: Literal["request", "bulk"] = "request"
    validity_cap_ms: Span | None = 4000  # how long an `expired` fate waits at most; None: its whole validity
    # Zalo
    mgf1: Literal["any", "sha1", "sha256"] = "any"
    key_bits: Literal[1024, 2048, 3072, 4096] = 4096
    key_before_create: Literal["404", "create"] = "404"
    check_first: Count = 100
    check_share: Share = 0.01
    night: bool = True
    night_tags: tuple[Tag, ...] = ("CUSTOMER_CARE", "PROMOTION")
    daily_quota: Count = 10_000_000
    monthly_promotion_quota: Count = 1_000_000
    promotion_cap: Count = 4  # promotions to one user in a month
    extra_parameters: Literal["ignore", "refuse"] = "ignore"
    balance: Amount | None = None  # Infobip's credit; None: without end
    review_ms: Span = 3000
    review_verdict: Literal["ENABLE", "REJECT"] = "ENABLE"
    # fates
    rules: tuple[Rule, ...] = ()
    shares: Shares = Shares()
    sms_delivered_share: Share = 0.95
    delay_median_ms: Span = 1200
    delay_max_ms: Span = 4500
    price: Amount = 0.01
    over_limit_price: Amount = 0.015
    sms_price: Amount = 0.03
    currency: str = "EUR"
    push: Push = Push()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        found = list(contradictions.of_settings(self))
        if found:
            raise ValueError("; ".join(found))
        return self

    @classmethod
    def faithful(cls, **changes: Any) -> Self:
        """No shortcut: validity runs its whole length, review takes a day, delays reach minutes."""
        return cls(**{**FAITHFUL, **changes})

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Settings from a parsed YAML or JSON mapping; raises SettingsError that names every problem."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise SettingsError("sandbox settings: " + "; ".join(told(error))) from None


def told(error: ValidationError, root: str = "") -> list[str]:
    """Each problem as `where: what`, the place counted from `root`; no value is repeated."""
    found = []
    for each in error.errors():
        where = ".".join(filter(None, (root, *map(str, each["loc"]))))
        said = each["msg"].removeprefix("Value error, ")
        found.append(f"{where}: {said}" if where else said)
    return found


def load_mapping(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; raises SettingsError if it is not one."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe").load(path)
    except (OSError, YAMLError) as error:
        raise SettingsError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(found, dict):
        raise SettingsError(f"{path}: expected a mapping of names to values")
    return found
