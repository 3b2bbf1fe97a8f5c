"""The project as it is written: where its files are, its environments, prices and pinned templates."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from zalosync.errors import UsageError
from zalosync.spec import conditions, patterns
from zalosync.spec.endpoint import SANDBOX, base_url_fault
from zalosync.spec.named_secret import REFERENCE_SCHEMA, Reference, reference
from zalosync.spec.receiver import Receiver
from zalosync.spec.safe_open import FileRefused, inside
from zalosync.spec.secret import Secret, SecretRef, resolve
from zalosync.spec.values import (
    Currency,
    FilePath,
    Host,
    Moment,
    Money,
    Name,
    SenderId,
    Shape,
    Tag,
    Text,
    Zone,
    is_loopback,
)

EXTRA_HOSTS_VARIABLE = "ZALOSYNC_ALLOWED_API_HOSTS"
SANDBOX_REPORTS_PATH = "/zalo/1/reports"
_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")
_REPORTS_PATH = re.compile(r"/[A-Za-z0-9/_.-]{1,200}")


def _base_url(value: Any) -> str | SecretRef:
    if isinstance(value, (dict, SecretRef)):
        return reference(value)
    fault = base_url_fault(value if isinstance(value, str) else "")
    if fault is not None and fault[0] != "ZS146":  # the list of hosts is held against the URL when it is used
        raise PydanticCustomError("ZS145", "this base URL is not accepted: {reason}", {"reason": fault[1]})
    return str(value).rstrip("/")


def _ledger(value: Any) -> str | SecretRef:
    if isinstance(value, (dict, SecretRef)):
        return reference(value)
    url = value if isinstance(value, str) else ""
    if url.startswith("sqlite:///"):
        try:
            return f"sqlite:///{inside(url.removeprefix('sqlite:///'))}"
        except FileRefused as error:
            words = {"reason": error.reason}
            raise PydanticCustomError(
                "ZS147", "this ledger is not in the project: {reason}", words
            ) from error
    if url.startswith(("postgresql://", "postgresql+psycopg://")) and url.isprintable():
        if urlsplit(url).password or "password=" in url:
            raise PydanticCustomError(
                "ZS142", "a ledger's password is never written here; write {env: NAME} or {file: path}"
            )
        return url
    raise PydanticCustomError("ZS147", "a ledger is sqlite:///path or postgresql://host/name")


def _fingerprint(value: str) -> str:
    if _FINGERPRINT.fullmatch(value) is None:
        raise PydanticCustomError(
            "ZS148", "a key's fingerprint is `sha256:` and 64 hexadecimal digits; `keys pin` writes it"
        )
    return value


def _reports(value: str) -> str:
    if _REPORTS_PATH.fullmatch(value) is None or "//" in value or ".." in value:
        raise PydanticCustomError(
            "ZS136", "the path begins with `/` and has no query, such as /zalo/1/reports"
        )
    return value


def _text_or_reference(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": "string", "pattern": pattern}, REFERENCE_SCHEMA]})


Fingerprint = Annotated[
    str, AfterValidator(_fingerprint), Field(json_schema_extra=patterns.form(patterns.FINGERPRINT))
]
ReportsPath = Annotated[
    str, AfterValidator(_reports), Field(json_schema_extra=patterns.form(patterns.REPORTS_PATH))
]


def _default_reports_path(given: dict[str, Any]) -> str | None:
    return SANDBOX_REPORTS_PATH if given.get("base_url") == SANDBOX else None


class Environment(Shape):
    """One place to send to: the sandbox, or an account."""

    model_config = ConfigDict(json_schema_extra=conditions.ENVIRONMENT)

    base_url: Annotated[str | SecretRef, PlainValidator(_base_url), _text_or_reference(patterns.BASE_URL)] = (
        Field(
            description="`sandbox` for the embedded sandbox, an https URL of Infobip, http for loopback "
            "addresses only, or {env: NAME}.",
            examples=["https://abc123.api.infobip.com"],
        )
    )
    api_key: Reference | None = Field(
        default=None,
        description="Where the API key is: {env: NAME} or {file: path}, never the key itself; needed unless "
        "`baseUrl` is `sandbox`.",
        examples=[{"env": "INFOBIP_API_KEY"}],
    )
    ledger: (
        Annotated[str | SecretRef, PlainValidator(_ledger), _text_or_reference(patterns.LEDGER)] | None
    ) = Field(
        default=None,
        description="sqlite:///path or postgresql://…, or {env: NAME}; sqlite:///.zalosync/<environment>.db "
        "where it is absent.",
        examples=[{"env": "ZALOSYNC_LEDGER_URL"}],
    )
    protected: bool = Field(
        default=False, description="apply takes only a sealed, approved plan.", examples=[True]
    )
    public_keys: Mapping[SenderId, Fingerprint] = Field(
        default_factory=dict,
        description="The pinned fingerprint of each sender's RSA key: SHA-256 of its SubjectPublicKeyInfo. "
        "Protected environments need it for senders of encrypted campaigns.",
        examples=[{"4097700000000000001": f"sha256:{'0' * 64}"}],
    )
    mgf1: Literal["sha1", "sha256"] = Field(
        default="sha1", description="The hash of OAEP's MGF1 as the provider means it.", examples=["sha1"]
    )
    reports_path: ReportsPath | None = Field(
        default_factory=_default_reports_path,
        description="The pull endpoint of delivery reports, or null where the account has none; on in the "
        "sandbox, else null where it is absent.",
        examples=["/zalo/1/reports"],
    )
    batch_size: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=100, description="Messages per request.", examples=[100]
    )
    logs_per_minute: Annotated[int, Field(ge=1, le=600)] = Field(
        default=10, description="Requests for logs per minute that the account allows.", examples=[10]
    )
    webhook: Receiver = Field(
        default_factory=Receiver,
        description="How `zalosync serve` knows that a push is the provider's.",
        examples=[{"security": "hmac", "credential": {"env": "ZALOSYNC_WEBHOOK_SECRET"}}],
    )
    ledger_durable: bool = Field(
        default=False, description="A file ledger outlives the CI job.", examples=[False]
    )

    @field_validator("api_key", mode="after")
    @classmethod
    def _no_key_for_the_sandbox(cls, value: SecretRef | None, info: ValidationInfo) -> SecretRef | None:
        base_url = info.data.get("base_url")
        if value is not None and base_url == SANDBOX:
            raise PydanticCustomError(
                "ZS149", "the sandbox has its own key and never loads another; remove it"
            )
        return value

    @property
    def is_sandbox(self) -> bool:
        """Whether commands start the embedded sandbox for this environment."""
        return self.base_url == SANDBOX


def resolve_base_url(environment: Environment, environ: Mapping[str, str], project_root: Path) -> str:
    """The address of the API, or `sandbox`.

    Raises:
        UsageError: it cannot be resolved, or is not an address that may be given an API key. Hosts besides
            Infobip's come from `ZALOSYNC_ALLOWED_API_HOSTS` (comma separated) of the process that sends.
    """
    given = environment.base_url
    url = given if isinstance(given, str) else resolve(given, environ, project_root).reveal()
    extra = {
        host.strip().lower() for host in environ.get(EXTRA_HOSTS_VARIABLE, "").split(",") if host.strip()
    }
    fault = base_url_fault(url, extra_hosts=extra)
    if fault is None:
        return url.rstrip("/")
    fix = f"correct `baseUrl`, or name the host in {EXTRA_HOSTS_VARIABLE}" if fault[0] == "ZS146" else ""
    raise UsageError(
        f"the base URL is not accepted: {fault[1]}", fix=fix or "correct `baseUrl`", code=fault[0]
    )


def resolve_api_key(environment: Environment, environ: Mapping[str, str], project_root: Path) -> Secret:
    """The environment's API key; never called for the sandbox, which has its own.

    Raises:
        UsageError: none is named, or it cannot be read.
    """
    if environment.api_key is None:
        raise UsageError(
            "the environment names no `apiKey`",
            fix="write `apiKey: {env: INFOBIP_API_KEY}` in zalosync.yaml",
            code="ZS149",
        )
    return resolve(environment.api_key, environ, project_root)


def resolve_ledger_url(
    environment: Environment, name: str, environ: Mapping[str, str], project_root: Path
) -> str:
    """The ledger's URL; a relative SQLite path is made absolute from the project's folder.

    Args:
        environment: as written.
        name: the environment's name, for the default `sqlite:///.zalosync/<name>.db`.
        environ: the environment variables.
        project_root: the project's folder.

    Raises:
        UsageError: a named secret cannot be read, or what it holds is not a ledger's URL.
    """
    given = environment.ledger
    if given is None:
        url = f"sqlite:///.zalosync/{name}.db"
    elif isinstance(given, str):
        url = given
    else:
        url = resolve(given, environ, project_root).reveal()
    if url.startswith("sqlite:///"):
        return f"sqlite:///{project_root / url.removeprefix('sqlite:///')}"
    if url.startswith(("postgresql://", "postgresql+psycopg://")):
        return url
    raise UsageError(
        "the ledger's URL is neither sqlite:///path nor postgresql://host/name",
        fix=f"correct `ledger` of the environment {name}",
        code="ZS147",
    )


def is_rehearsal(base_url: str) -> bool:
    """Whether a resolved base URL is the sandbox or another server on this machine."""
    return base_url == SANDBOX or is_loopback(urlsplit(base_url).hostname or "")


class AudienceLimits(Shape):
    """How large the audience of one campaign may be; a larger one is refused, never cut."""

    rows: Annotated[int, Field(ge=1, le=2**31 - 1)] = Field(
        default=20_000_000, description="Rows of all its files.", examples=[50_000_000]
    )
    bytes: Annotated[int, Field(ge=1, le=10**12)] = Field(
        default=4_000_000_000,
        description="Bytes of all its files, after decompression.",
        examples=[10_000_000_000],
    )


class ProjectSpec(Shape):
    """Where a project's files are and where it sends to."""

    specs: tuple[FilePath, ...] = Field(
        min_length=1,
        max_length=100,
        description="Where campaigns are: paths or globs from the project's folder. A glob that matches "
        "nothing is an error.",
        examples=[["campaigns/*.yaml"]],
    )
    policies: tuple[FilePath, ...] = Field(
        default=(), max_length=100, description="Where policies are.", examples=[["policies/*.yaml"]]
    )
    timezone: Zone | None = Field(
        default=None,
        description="IANA zone of times without an offset; without it such a time is an error.",
        examples=["Asia/Ho_Chi_Minh"],
    )
    default_environment: Name | None = Field(
        default=None,
        description="The environment of commands without `--env`; the only one where there is just one.",
        examples=["sandbox"],
    )
    environments: Mapping[Name, Environment] = Field(
        min_length=1,
        max_length=50,
        description="The places to send to, by name.",
        examples=[{"sandbox": {"baseUrl": "sandbox"}}],
    )
    allowed_webhook_hosts: tuple[Host, ...] = Field(
        default=(),
        max_length=100,
        description="Hosts to which campaigns may have reports and clicks pushed.",
        examples=[["hooks.example.vn"]],
    )
    audience_limits: AudienceLimits = Field(
        default_factory=AudienceLimits,
        description="How large the audience of one campaign may be; 20,000,000 rows and 4 GB by itself.",
        examples=[{"rows": 50_000_000, "bytes": 10_000_000_000}],
    )
    prices: FilePath | None = Field(
        default=None, description="The file with prices, for estimates.", examples=["prices.yaml"]
    )


class ProjectMetadata(Shape):
    """What the project is called."""

    name: Name = Field(description="The project's name.", examples=["shop-crm"])


class Project(Shape):
    """A project: `zalosync.yaml` in its folder."""

    api_version: Literal["zalosync/v1"] = Field(
        description="The version of this language.", examples=["zalosync/v1"]
    )
    kind: Literal["Project"] = Field(description="What this file is.", examples=["Project"])
    metadata: ProjectMetadata = Field(description="What it is called.", examples=[{"name": "shop-crm"}])
    spec: ProjectSpec = Field(description="Where its files are and where it sends to.")


class SmsPrice(Shape):
    """What an SMS costs."""

    per_segment: Money = Field(description="Price of one SMS segment.", examples=[0.03])


class Prices(Shape):
    """Prices for estimates: per Zalo message by tag, and per SMS segment."""

    currency: Currency = Field(description="Three letters.", examples=["EUR"])
    zalo: Mapping[Tag, Money] = Field(
        default_factory=dict,
        description="Price of one Zalo message, by its template's tag.",
        examples=[{"TRANSACTION": 0.012, "CUSTOMER_CARE": 0.014, "PROMOTION": 0.02}],
    )
    sms: SmsPrice | None = Field(
        default=None, description="Price of failover messages.", examples=[{"perSegment": 0.03}]
    )


class Parameter(Shape):
    """What the provider requires of one value of a template; lengths in characters."""

    required: bool = Field(default=True, description="Whether a value must be given.", examples=[True])
    min_length: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Least length in characters.", examples=[1]
    )
    max_length: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Greatest length in characters.", examples=[30]
    )
    type: Text | None = Field(
        default=None, description="The provider's name for the kind of value.", examples=["STRING"]
    )
    accept_null: bool | None = Field(
        default=None, description="Whether the provider takes no value at all.", examples=[False]
    )


class TemplateContract(Shape):
    """What the provider says of one template; written by `templates pull`."""

    sender: SenderId = Field(description="Whose template it is.", examples=["4097700000000000001"])
    status: Text = Field(description="The provider's status; ENABLE sends.", examples=["ENABLE"])
    tag: Tag | None = Field(default=None, description="What the template is for.", examples=["TRANSACTION"])
    display_name: Text | None = Field(
        default=None, description="The template's name for people.", examples=["Order shipped"]
    )
    pulled_at: Moment = Field(description="When it was asked for.", examples=["2026-11-23T08:00:00Z"])
    parameters: Mapping[str, Parameter] = Field(
        default_factory=dict,
        description="The values that the template takes.",
        examples=[{"order_code": {"required": True, "minLength": 1, "maxLength": 30}}],
    )


def _template_number(value: str) -> str:
    if re.fullmatch(r"[1-9][0-9]{0,18}", value) is None:
        raise PydanticCustomError("ZS136", "a template is named by its number")
    return value


TemplateNumber = Annotated[
    str, AfterValidator(_template_number), Field(json_schema_extra=patterns.form(patterns.TEMPLATE_NUMBER))
]


class TemplatesLock(Shape):
    """`templates.lock.yaml`: the provider's own contract of each template, pinned."""

    templates: Mapping[TemplateNumber, TemplateContract] = Field(
        description="By the template's number, in quotes.", examples=[{}]
    )

    @field_validator("templates", mode="after")
    @classmethod
    def _sorted(cls, value: Mapping[str, TemplateContract]) -> Mapping[str, TemplateContract]:
        return dict(sorted(value.items(), key=lambda item: int(item[0])))
