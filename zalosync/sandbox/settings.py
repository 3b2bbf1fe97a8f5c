"""Every switch of the sandbox: what the contract leaves unknown, and the world this run plays in.

One frozen record. The defaults are those of the embedded sandbox: the likeliest reading of the contract, with
short delays, so that a rehearsal takes seconds. `faithful()` takes the shortcuts out. The documentation has
one row for each switch: the unknown, the values, the default.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

ALL_SCOPES = frozenset({"message:send", "zalo:message:send", "zalo:manage", "zalo:logs:read"})
DEFAULT_API_KEY = "sandbox"
HOUR_MS = 3_600_000
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
    scopes: frozenset[str] = ALL_SCOPES


class Property(_Record):
    """One parameter of a template's contract; lengths in characters of the plain value."""

    name: str
    required: bool = True
    type: str = "STRING"
    max_length: int = 200
    min_length: int = 0
    accept_null: bool = False


class ListedTemplate(_Record):
    """A template that exists from the start."""

    id: int
    sender: str | None = None  # None: every sender has it
    name: str = ""
    status: Literal["ENABLE", "PENDING_REVIEW", "REJECT", "DISABLE"] = "ENABLE"
    reason: str = ""
    tag: Literal["TRANSACTION", "CUSTOMER_CARE", "PROMOTION"] = "TRANSACTION"
    otp: bool = False
    properties: tuple[Property, ...] | None = None  # None: any parameters
    daily_cap: int | None = None
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
    to: str | None = None  # a glob over the destination, such as 8490*
    template: int | None = None
    sender: str | None = None
    share: float = Field(default=1.0, ge=0, le=1)


class Shares(_Record):
    """How many of the messages without a rule end how; what is missing to 1 is delivered."""

    no_account: float = Field(default=0.03, ge=0, le=1)
    expired: float = Field(default=0.02, ge=0, le=1)
    refused: float = Field(default=0.004, ge=0, le=1)
    provider_error: float = Field(default=0.003, ge=0, le=1)
    no_report: float = Field(default=0.003, ge=0, le=1)
    silent: float = Field(default=0.0, ge=0, le=1)  # delivered, but never reported


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
    accepts: tuple[int, ...] = (200,)
    duplicate_share: float = Field(default=0.0, ge=0, le=1)
    duplicate_copies: int = Field(default=1, ge=1, le=100)
    disorder: bool = False
    delay_ms: int = Field(default=0, ge=0)
    unknown_status_share: float = Field(default=0.0, ge=0, le=1)
    bad_signature_share: float = Field(default=0.0, ge=0, le=1)
    extra_fields: bool = False
    omit_optional: bool = False
    timeout_ms: int = Field(default=5000, ge=1)
    only_loopback: bool = (
        True  # nothing leaves the machine; reports for other addresses are counted and dropped
    )


class Settings(_Record):
    """All switches. Durations are milliseconds of the sandbox's clock, shares are 0..1."""

    seed: int = 1
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
    max_entries: int | None = None
    max_destinations: int | None = None
    max_body_bytes: int | None = None
    bad_destination: Literal["row", "report"] = "row"
    # answers
    accepted_status: Literal[7, 26] = 7
    refused_rows: Literal["none", "log", "both"] = "both"
    retry_after: bool = False
    json_content_type: bool = True
    # the same message id again
    duplicates: Literal["reject_in_response", "reject_async", "accept_twice"] = "reject_in_response"
    duplicate_own_row: bool = False
    duplicate_window_ms: int | None = None  # None: an id is never forgotten
    failed_frees_id: bool = False
    duplicate_bulk: Literal["accept", "refuse"] = "accept"
    # logs
    log_lag_ms: int = 0
    log_window_ms: int = 48 * HOUR_MS
    log_order: Literal["newest", "oldest"] = "newest"
    log_edges: Literal["inclusive", "exclusive"] = "inclusive"
    log_rows: int = 1000
    log_text: bool = False
    logs_per_minute: int = 10
    calls_per_second: int = 10
    # one-time reports
    reports_path: str | None = "/zalo/1/reports"
    reports_once: Literal["account", "credential", "never"] = "account"
    reports_window_ms: int = 48 * HOUR_MS
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
    validity_cap_ms: int | None = 4000  # how long an `expired` fate waits at most; None: its whole validity
    # Zalo
    mgf1: Literal["any", "sha1", "sha256"] = "any"
    key_bits: Literal[1024, 2048, 3072, 4096] = 4096
    key_before_create: Literal["404", "create"] = "404"
    check_first: int = 100
    check_share: float = Field(default=0.01, ge=0, le=1)
    night: bool = True
    night_tags: tuple[str, ...] = ("CUSTOMER_CARE", "PROMOTION")
    daily_quota: int = 10_000_000
    monthly_promotion_quota: int = 1_000_000
    promotion_cap: int = 4  # promotions to one user in a month
    extra_parameters: Literal["ignore", "refuse"] = "ignore"
    balance: float | None = None  # Infobip's credit; None: without end
    review_ms: int = 3000
    review_verdict: Literal["ENABLE", "REJECT"] = "ENABLE"
    # fates
    rules: tuple[Rule, ...] = ()
    shares: Shares = Shares()
    sms_delivered_share: float = Field(default=0.95, ge=0, le=1)
    delay_median_ms: int = 1200
    delay_max_ms: int = 4500
    price: float = 0.01
    over_limit_price: float = 0.015
    sms_price: float = 0.03
    currency: str = "EUR"
    push: Push = Push()

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
            lines = [".".join(str(part) for part in e["loc"]) + ": " + e["msg"] for e in error.errors()]
            raise SettingsError("sandbox settings: " + "; ".join(lines)) from None


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
