"""Small values of the spec language: durations, times, names, URLs, and how they are written.

A wrong value raises `PydanticCustomError` whose type is the code that `zalosync explain` knows; the loader
adds where it stands.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from zalosync.spec import patterns
from zalosync.spec.regions import REGIONS, meant_region

Tag = Literal["TRANSACTION", "CUSTOMER_CARE", "PROMOTION"]
ValidityUnit = Literal["SECONDS", "MINUTES", "HOURS"]
SpeedUnit = Literal["MINUTE", "HOUR", "DAY"]
Weekday = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
WEEKDAYS: tuple[Weekday, ...] = (
    "MONDAY",
    "TUESDAY",
    "WEDNESDAY",
    "THURSDAY",
    "FRIDAY",
    "SATURDAY",
    "SUNDAY",
)

SECONDS_IN: Mapping[str, int] = {
    "SECONDS": 1,
    "MINUTES": 60,
    "HOURS": 3600,
    "MINUTE": 60,
    "HOUR": 3600,
    "DAY": 86_400,
}
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_LETTER_UNIT: Mapping[str, tuple[ValidityUnit, int]] = {
    "s": ("SECONDS", 1),
    "m": ("MINUTES", 1),
    "h": ("HOURS", 1),
    "d": ("HOURS", 24),
}
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]{1,3})?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_PERCENT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)%")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SENDER = re.compile(r"[0-9]{1,19}")
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+"
)
_CURRENCY = re.compile(r"[A-Z]{3}")
MAX_MONEY = 10**12


class Shape(BaseModel):
    """What all shapes of the language share: strict types, no unknown key, camelCase outside, frozen."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, alias_generator=to_camel, allow_inf_nan=False
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a value may need to know of its surroundings while it is read.

    Args:
        timezone: the project's zone for times without an offset, or None where it names none.
    """

    timezone: ZoneInfo | None = None


def reading(info: ValidationInfo) -> Reading:
    """The surroundings handed to `model_validate_json(…, context=Reading(…))`."""
    return info.context if isinstance(info.context, Reading) else Reading()


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time in one of Infobip's units."""

    amount: int
    unit: ValidityUnit

    @property
    def seconds(self) -> int:
        """The length in seconds."""
        return self.amount * SECONDS_IN[self.unit]

    def __str__(self) -> str:
        return f"{self.amount}{self.unit[0].lower()}"


def _duration(value: Any) -> Duration:
    """Read `6h`, `90m`, `45s`, `2d`, or `{amount, timeUnit}` whose unit is MINUTES where it is absent."""
    if isinstance(value, Duration):
        return value
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        unit, factor = _LETTER_UNIT[match[2]]
        return _positive(Duration(int(match[1]) * factor, unit))
    if isinstance(value, dict):
        amount, unit = value.get("amount"), value.get("timeUnit", "MINUTES")
        if value.keys() <= {"amount", "timeUnit"} and type(amount) is int and unit in SECONDS_IN:
            if unit in {"SECONDS", "MINUTES", "HOURS"}:
                return _positive(Duration(amount, unit))
            raise PydanticCustomError("ZS137", "the unit of a duration is SECONDS, MINUTES or HOURS")
    raise PydanticCustomError(
        "ZS137", "a duration is written `45s`, `90m`, `6h` or `2d`, or {amount: 6, timeUnit: HOURS}"
    )


def _positive(duration: Duration) -> Duration:
    if duration.amount < 1:
        raise PydanticCustomError("ZS135", "a duration is at least 1 of its unit")
    return duration


def wall_time(local: datetime, zone: ZoneInfo) -> datetime:
    """The UTC moment of a wall time.

    Raises:
        PydanticCustomError: the clock never shows it there (ZS203), or shows it twice (ZS204).
    """
    early, late = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    words = {"time": local.isoformat(sep=" ", timespec="minutes"), "zone": zone.key}
    if early.astimezone(zone).replace(tzinfo=None) != local:
        raise PydanticCustomError(
            "ZS203", "{time} does not exist in {zone}: clocks jump over it; write the offset", words
        )
    if early != late:
        raise PydanticCustomError(
            "ZS204", "{time} exists twice in {zone}: clocks go back over it; write the offset", words
        )
    return early


def _moment(value: Any, info: ValidationInfo) -> datetime:
    """Read an aware UTC time from RFC 3339, or from a wall time in the project's zone."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError(
            "ZS138",
            "a time is written 2026-12-01T09:00:00+07:00, or without the offset in the project's zone",
        )
    day, clock, seconds, fraction, offset = match.groups(default="")
    text = f"{day}T{clock}{seconds or ':00'}{fraction.ljust(4, '0') if fraction else ''}"
    try:
        local = datetime.fromisoformat(text)
        if offset:
            return datetime.fromisoformat(text + offset).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise PydanticCustomError("ZS138", "there is no such day or time of day") from error
    zone = reading(info).timezone
    if zone is None:
        raise PydanticCustomError(
            "ZS138", "the time has no offset and the project names no `timezone`; write the offset"
        )
    return wall_time(local, zone)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise PydanticCustomError(
            "ZS139", "there is no such time zone; write an IANA name such as Asia/Ho_Chi_Minh"
        ) from error
    return value


def _clock(value: str) -> str:
    if _CLOCK.fullmatch(value) is None:
        raise PydanticCustomError("ZS138", 'a time of day is written "08:00", from "00:00" to "23:59"')
    return value


def minutes_of(clock: str) -> int:
    """Minutes since midnight of `"08:30"`."""
    return int(clock[:2]) * 60 + int(clock[3:])


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a whole, in percent."""

    percent: Decimal

    def exceeded_by(self, part: int, whole: int) -> bool:
        """Whether `part` is more than this share of `whole`; exact, no rounding."""
        return part * 100 > self.percent * whole

    def __str__(self) -> str:
        return f"{self.percent}%"


def _share(value: Any) -> Share:
    if isinstance(value, Share):
        return value
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("ZS137", "a share is written in percent: 50%")
    return Share(Decimal(match[1]))


def _calendar_day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    except ValueError as error:
        raise PydanticCustomError("ZS138", "there is no such day") from error
    raise PydanticCustomError("ZS138", "a day is written 2027-01-31")


def _money(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        amount = value
    elif type(value) is int or type(value) is float:
        amount = Decimal(str(value))  # as it is written: 0.012 is 0.012
    else:
        raise PydanticCustomError("ZS132", "a number belongs here, without quotes")
    if not 0 <= amount < MAX_MONEY:
        raise PydanticCustomError("ZS135", "an amount of money is at least 0 and less than a million million")
    return amount


def _matching(pattern: re.Pattern[str], code: str, message: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise PydanticCustomError(code, message)
        return value

    return check


def _region(value: str) -> str:
    if value not in REGIONS:
        raise PydanticCustomError(
            "ZS153",
            "there is no such country, or its phone numbers cannot be read",
            {"allowed": "two capital letters of ISO 3166, such as VN", "meant": meant_region(value)},
        )
    return value


def _printable(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise PydanticCustomError("ZS136", "the text is empty or holds an invisible character")
    return value


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine and nothing else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def web_host(value: str) -> str:
    """The host of an https URL that a campaign names.

    Raises:
        PydanticCustomError: not https, with user, port, fragment or an address instead of a name (ZS212).
    """
    refused = PydanticCustomError(
        "ZS212", "a URL here is https://host/path: no user, port, fragment, or address instead of a name"
    )
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise refused from error
    host = (parts.hostname or "").lower()
    plain = value.isascii() and value.isprintable() and " " not in value and "\\" not in value
    named = _HOST.fullmatch(host) is not None and not host.rpartition(".")[2].isdigit()
    if not plain or parts.scheme != "https" or "@" in parts.netloc or port not in {None, 443}:
        raise refused
    if parts.fragment or not named or "{" in parts.netloc:
        raise refused
    return host


def _web_url(value: str) -> str:
    web_host(value)
    return value


def _host(value: str) -> str:
    if _HOST.fullmatch(value) is None or value.rpartition(".")[2].isdigit():
        raise PydanticCustomError("ZS144", "a host is written in lower case, without scheme, port or path")
    return value


def _utc_text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": patterns.DURATION, "examples": ["6h", "90m"]},
        {
            "type": "object",
            "properties": {
                "amount": {"type": "integer", "minimum": 1},
                "timeUnit": {"enum": ["SECONDS", "MINUTES", "HOURS"], "default": "MINUTES"},
            },
            "required": ["amount"],
            "additionalProperties": False,
        },
    ]
}

VALIDITY_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": patterns.VALIDITY, "examples": ["6h", "90m"]},
        {
            "type": "object",
            "properties": {
                "amount": {"type": "integer", "minimum": 1, "maximum": 48 * 3600},
                "timeUnit": {"enum": ["SECONDS", "MINUTES", "HOURS"], "default": "MINUTES"},
            },
            "required": ["amount"],
            "additionalProperties": False,
        },
    ]
}

DurationField = Annotated[
    Duration,
    PlainValidator(_duration),
    PlainSerializer(lambda duration: duration.seconds, return_type=int),
    WithJsonSchema(DURATION_SCHEMA),
]
Moment = Annotated[
    datetime,
    PlainValidator(_moment),
    PlainSerializer(_utc_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": patterns.MOMENT}),
]
Day = Annotated[
    date,
    PlainValidator(_calendar_day),
    PlainSerializer(lambda day: day.isoformat(), return_type=str),
    WithJsonSchema({"type": "string", "pattern": patterns.DAY}),
]
Clock = Annotated[str, AfterValidator(_clock), Field(json_schema_extra=patterns.form(patterns.CLOCK))]
Zone = Annotated[str, AfterValidator(_zone), Field(json_schema_extra=patterns.form(patterns.ZONE))]
ShareField = Annotated[
    Share,
    PlainValidator(_share),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": patterns.SHARE}),
]
Name = Annotated[
    str,
    AfterValidator(_matching(_NAME, "ZS136", "a name is 1 to 63 lower-case letters, digits and `-` inside")),
    Field(json_schema_extra=patterns.form(patterns.NAME)),
]
SenderId = Annotated[
    str,
    AfterValidator(_matching(_SENDER, "ZS136", "a sender is the Official Account's id: 1 to 19 digits")),
    Field(json_schema_extra=patterns.form(patterns.SENDER)),
]
Currency = Annotated[
    str,
    AfterValidator(_matching(_CURRENCY, "ZS136", "a currency is three capital letters, such as EUR")),
    Field(json_schema_extra=patterns.form(patterns.CURRENCY)),
]
Region = Annotated[
    str,
    AfterValidator(_region),
    Field(json_schema_extra={"enum": [*REGIONS]}),
]
Host = Annotated[str, AfterValidator(_host), Field(json_schema_extra=patterns.form(patterns.HOST))]
WebUrl = Annotated[
    str,
    AfterValidator(_web_url),
    Field(max_length=2048, json_schema_extra=patterns.form(patterns.WEB_URL)),
]
Text = Annotated[
    str,
    AfterValidator(_printable),
    Field(max_length=255, json_schema_extra=patterns.form(patterns.PRINTABLE, minLength=1)),
]
FilePath = Annotated[
    str, Field(min_length=1, max_length=1024, json_schema_extra=patterns.form(patterns.PATH))
]
Money = Annotated[
    Decimal,
    PlainValidator(_money),
    PlainSerializer(lambda amount: str(amount.normalize()), return_type=str),
    WithJsonSchema({"type": "number", "minimum": 0, "exclusiveMaximum": MAX_MONEY}),
]
