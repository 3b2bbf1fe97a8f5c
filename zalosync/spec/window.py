"""Daily windows: written in a time zone, sent in UTC.

Infobip reads a delivery window's days and times as UTC. So 02:00 to 06:00 on Mondays in Viet Nam is 19:00
to 23:00 on Sundays there, and 05:00 to 09:00 would run over midnight, which nobody documents.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from zalosync.spec import conditions
from zalosync.spec.values import WEEKDAYS, Clock, Shape, Tag, Weekday, Zone, minutes_of, reading

DAY_MINUTES = 24 * 60
LEAST_MINUTES = 60  # contract: from and to at least one hour apart
_WINTER, _SUMMER = datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class UtcWindow:
    """A delivery window as Infobip reads it. `from_time` and `to_time` are (hour, minute), or both None."""

    days: tuple[Weekday, ...]
    from_time: tuple[int, int] | None
    to_time: tuple[int, int] | None
    wraps: bool


def clock_text(minutes: int) -> str:
    """`08:30` of 510 minutes since midnight; a day more or less changes nothing."""
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def offset_minutes(zone: ZoneInfo, at: datetime | None = None) -> int:
    """Minutes that the zone is ahead of UTC at a moment; without one, outside of daylight saving."""
    if at is not None:
        offset = at.astimezone(zone).utcoffset()
    else:
        offset = min(moment.astimezone(zone).utcoffset() or timedelta() for moment in (_WINTER, _SUMMER))
    return int((offset or timedelta()).total_seconds() // 60)


def clock_changes(zone: ZoneInfo) -> bool:
    """Whether the zone has daylight saving, so that one UTC window cannot hold the whole year."""
    return _WINTER.astimezone(zone).utcoffset() != _SUMMER.astimezone(zone).utcoffset()


class DeliveryTimeWindow(Shape):
    """When messages may reach recipients."""

    model_config = ConfigDict(json_schema_extra=conditions.WINDOW)

    days: tuple[Weekday, ...] = Field(
        min_length=1,
        json_schema_extra={"uniqueItems": True},
        description="Weekdays in the window's time zone; the day on which the window opens.",
        examples=[["MONDAY", "TUESDAY"]],
    )
    from_: Clock | None = Field(
        default=None, alias="from", description="Time of day at which it opens.", examples=["08:00"]
    )
    to: Clock | None = Field(
        default=None,
        description="Time of day at which it closes, at least one hour later.",
        examples=["21:00"],
    )
    timezone: Zone = Field(
        default=None,
        validate_default=True,
        description="IANA zone of the days and times; the project's where it is absent.",
        examples=["Asia/Ho_Chi_Minh"],
    )
    allow_wrap: bool = Field(
        default=False,
        description="Send a window that runs over midnight in UTC all the same; the provider's reading of it "
        "is not documented.",
        examples=[True],
    )

    @field_validator("timezone", mode="before")
    @classmethod
    def _of_project(cls, value: object, info: ValidationInfo) -> object:
        if value is not None:
            return value
        zone = reading(info).timezone
        if zone is None:
            raise PydanticCustomError("ZS139", "the window and the project name no `timezone`; write one")
        return zone.key

    @field_validator("days", mode="after")
    @classmethod
    def _each_once(cls, days: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
        if len(set(days)) != len(days):
            raise PydanticCustomError("ZS141", "a day stands twice")
        return tuple(sorted(days, key=WEEKDAYS.index))

    @model_validator(mode="after")
    def _makes_sense(self) -> "DeliveryTimeWindow":
        if (self.from_ is None) != (self.to is None):
            raise PydanticCustomError("ZS207", "`from` and `to` stand together or not at all")
        length = self.minutes
        if length < LEAST_MINUTES:
            raise PydanticCustomError(
                "ZS207", "the window is {minutes} minutes long; at least 60 are needed", {"minutes": length}
            )
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The window's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def minutes(self) -> int:
        """How long it is open, in minutes; a window without times is open all day."""
        if self.from_ is None or self.to is None:
            return DAY_MINUTES
        return (minutes_of(self.to) - minutes_of(self.from_)) % DAY_MINUTES

    def utc(self, at: datetime | None = None) -> UtcWindow:
        """The window in UTC, by the zone's offset at a moment (without one: outside of daylight saving)."""
        offset = offset_minutes(self.zone, at)
        if self.from_ is None or self.to is None:
            whole_week = len(self.days) == len(WEEKDAYS)
            return UtcWindow(self.days, None, None, wraps=offset != 0 and not whole_week)
        opens = minutes_of(self.from_) - offset
        closes = opens % DAY_MINUTES + self.minutes
        return UtcWindow(
            days=_shifted(self.days, opens // DAY_MINUTES),
            from_time=divmod(opens % DAY_MINUTES, 60),
            to_time=divmod(closes % DAY_MINUTES, 60),
            wraps=closes >= DAY_MINUTES,
        )

    def bounds_without_wrap(self, at: datetime | None = None) -> str:
        """What to write instead of a window that runs over midnight in UTC, in words."""
        midnight = clock_text(offset_minutes(self.zone, at))
        latest = clock_text(offset_minutes(self.zone, at) - 1)
        if self.from_ is None:
            return f'all seven days, or times: `from` not before "{midnight}", or `to` not after "{latest}"'
        return f'`from` not before "{midnight}", or `to` not after "{latest}" ({self.timezone})'


def _shifted(days: tuple[Weekday, ...], by: int) -> tuple[Weekday, ...]:
    return tuple(sorted((WEEKDAYS[(WEEKDAYS.index(day) + by) % 7] for day in days), key=WEEKDAYS.index))


class QuietHours(Shape):
    """Hours in which nothing may reach a recipient; they may run over midnight."""

    from_: Clock = Field(alias="from", description="Time of day at which quiet begins.", examples=["22:00"])
    to: Clock = Field(description="Time of day at which it ends.", examples=["06:00"])
    timezone: Zone = Field(description="IANA zone of the times.", examples=["Asia/Ho_Chi_Minh"])
    tags: tuple[Tag, ...] = Field(
        default=("TRANSACTION", "CUSTOMER_CARE", "PROMOTION"),
        min_length=1,
        description="Template tags that must be quiet; all where it is absent.",
        examples=[["PROMOTION", "CUSTOMER_CARE"]],
    )

    @model_validator(mode="after")
    def _not_empty(self) -> "QuietHours":
        if self.from_ == self.to:
            raise PydanticCustomError("ZS207", "`from` and `to` are equal: quiet hours of no length")
        return self

    def quiet_at(self, moment: datetime) -> bool:
        """Whether a moment (aware) lies in them: `from` belongs to them, `to` does not."""
        local = moment.astimezone(ZoneInfo(self.timezone))
        now, begin, end = local.hour * 60 + local.minute, minutes_of(self.from_), minutes_of(self.to)
        return begin <= now < end if begin < end else now >= begin or now < end

    def ends_after(self, moment: datetime) -> datetime:
        """The next moment (UTC) that is not quiet, from one that may be."""
        later = moment.astimezone(UTC)  # a local clock may jump on the way
        while self.quiet_at(later):
            later = (later + timedelta(minutes=1)).replace(second=0, microsecond=0)
        return later
