"""Every switch of the sandbox: what the contract leaves unknown, and the world this run plays in.

One frozen record. The defaults are those of the embedded sandbox: the likeliest reading of the contract, with
short delays, so that a rehearsal takes seconds. `faithful()` takes the shortcuts out. The documentation has
one row for each switch: the unknown, the values, the default.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from zalosync.sandbox import contradictions
from zalosync.sandbox.records import (
    ALL_SCOPES,
    DEFAULT_API_KEY,
    Amount,
    Count,
    Credential,
    ListedTemplate,
    Positive,
    Property,
    Push,
    Record,
    Rule,
    Scope,
    Share,
    Shares,
    Span,
    Tag,
)

__all__ = [
    "DEFAULT_API_KEY",
    "FAITHFUL",
    "HOUR_MS",
    "Credential",
    "ListedTemplate",
    "Property",
    "Push",
    "Rule",
    "Settings",
    "SettingsError",
    "Shares",
    "load_mapping",
    "told",
]

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


class Settings(Record):
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
    invalid_message: Literal["request", "partial", "row"] = "request"  # one that breaks the shapes
    violation_paths: Literal["brackets", "dots"] = "brackets"
    sends_per_second: Positive | None = None  # None: sends are never throttled
    flood_per_hour: Positive | None = None  # messages to one destination; None: no filter
    flood_same_per_hour: Positive | None = None  # of the same content
    # answers
    accepted_status: Literal[7, 26] = 7
    refused_rows: Literal["none", "log", "both"] = "both"
    retry_after: bool = False
    json_content_type: bool = True
    # the same message id again
    duplicates: Literal["reject_in_response", "reject_async", "accept_twice"] = "reject_in_response"
    duplicates_in_request: Literal["alike", "take", "refuse"] = "alike"
    duplicate_own_row: bool = False
    duplicate_charged: bool = False
    duplicate_window_ms: Span | None = None  # None: an id is never forgotten
    failed_frees_id: bool = False
    duplicate_bulk: Literal["accept", "refuse"] = "accept"
    # logs
    log_lag_ms: Span = 0
    log_window_ms: Span = 48 * HOUR_MS
    log_order: Literal["newest", "oldest"] = "newest"
    log_edges: Literal["inclusive", "exclusive"] = "inclusive"
    log_rows: Positive = 1000
    log_message_ids: Literal["both", "commas", "repeated"] = "both"
    log_ids_length: Positive | None = None  # characters of all ids in one query
    log_text: bool = False
    logs_per_minute: Positive = 10
    calls_per_second: Positive = 10
    throttle: Literal["sliding", "fixed"] = "sliding"
    # one-time reports
    reports_path: str | None = "/zalo/1/reports"
    reports_scopes: frozenset[Scope] = ALL_SCOPES  # one of them is enough; none: any credential may
    reports_per_minute: Positive | None = None
    reports_once: Literal["account", "credential", "filter", "never"] = "account"
    reports_mark: Literal["read", "receipt"] = "read"
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
    long_validity: Literal["clip", "refuse"] = "clip"
    window_days: Literal["utc", "local"] = "utc"
    window_wrap: Literal["allow", "refuse"] = "allow"
    closed_window: Literal["wait", "expire"] = "wait"
    window_binds_failover: bool = False
    failover_number: Literal["ignore", "refuse"] = "ignore"  # an SMS failover of a user id without a number
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
    sending_mode: Literal["REGULAR", "AUTO"] = "REGULAR"  # of a message that names none
    text_to_phone: Literal["refuse", "accept"] = "refuse"  # whatever is no template
    wrong_key: Literal["report", "refuse"] = "report"
    templates_shown: Literal["all", "enabled"] = "all"  # by a list that asks for no status
    # cause -> status group, status, error; the rest stands in `codes.CAUSES`
    codes: dict[str, tuple[int, int, int]] = Field(default_factory=dict)
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
