"""Durations, times, shares, hosts and the windows of days and hours."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from zalosync.audience.phone import known_region
from zalosync.spec import values
from zalosync.spec.regions import REGIONS, meant_region
from zalosync.spec.values import Duration, Reading, Share, is_loopback, wall_time, web_host
from zalosync.spec.window import DeliveryTimeWindow, QuietHours, UtcWindow, clock_changes

VIET_NAM = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")


def read(kind: Any, value: object, zone: ZoneInfo | None = VIET_NAM) -> Any:
    """A value as a spec would have it."""
    return TypeAdapter(kind).validate_python(value, context=Reading(zone))


def code(kind: Any, value: object, zone: ZoneInfo | None = VIET_NAM) -> str:
    """The code with which a value is refused."""
    with pytest.raises(ValidationError) as caught:
        read(kind, value, zone)
    return caught.value.errors()[0]["type"]


@pytest.mark.parametrize(
    ("written", "amount", "unit", "seconds"),
    [
        ("45s", 45, "SECONDS", 45),
        ("90m", 90, "MINUTES", 5400),
        ("6h", 6, "HOURS", 21_600),
        ("2d", 48, "HOURS", 172_800),
        ({"amount": 6}, 6, "MINUTES", 360),
        ({"amount": 6, "timeUnit": "HOURS"}, 6, "HOURS", 21_600),
        ({"amount": 30, "timeUnit": "SECONDS"}, 30, "SECONDS", 30),
    ],
)
def test_durations(written: object, amount: int, unit: str, seconds: int) -> None:
    """Letters, or Infobip's own form, whose unit is minutes where it is left out."""
    duration = read(values.DurationField, written)
    assert (duration.amount, duration.unit, duration.seconds) == (amount, unit, seconds)


@pytest.mark.parametrize(
    ("written", "refusal"),
    [
        ("6", "ZS137"),
        (6, "ZS137"),
        ("6 h", "ZS137"),
        ("1h30m", "ZS137"),
        ("-6h", "ZS137"),
        ("6w", "ZS137"),
        ("٦h", "ZS137"),
        ("", "ZS137"),
        (None, "ZS137"),
        ({"amount": "6"}, "ZS137"),
        ({"amount": True}, "ZS137"),
        ({"amount": 6, "timeUnit": "HOUR"}, "ZS137"),
        ({"amount": 6, "timeUnit": "DAYS"}, "ZS137"),
        ({"amount": 6, "unit": "HOURS"}, "ZS137"),
        ({"timeUnit": "HOURS"}, "ZS137"),
        ("0h", "ZS135"),
        ({"amount": 0}, "ZS135"),
        ({"amount": -1}, "ZS135"),
    ],
)
def test_what_is_no_duration(written: object, refusal: str) -> None:
    """A number without a unit is never guessed at."""
    assert code(values.DurationField, written) == refusal


def test_a_duration_is_written_short() -> None:
    """For people: amount and the unit's letter."""
    assert str(Duration(6, "HOURS")) == "6h"


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-12-01T09:00:00+07:00", datetime(2026, 12, 1, 2, tzinfo=UTC)),
        ("2026-12-01T09:00:00+0700", datetime(2026, 12, 1, 2, tzinfo=UTC)),
        ("2026-12-01T09:00:00Z", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("2026-12-01T09:00:00.250Z", datetime(2026, 12, 1, 9, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-12-01T09:00:00.5Z", datetime(2026, 12, 1, 9, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-12-01T09:00+07:00", datetime(2026, 12, 1, 2, tzinfo=UTC)),
        ("2026-12-01T09:00:00", datetime(2026, 12, 1, 2, tzinfo=UTC)),
        ("2026-12-01 09:00", datetime(2026, 12, 1, 2, tzinfo=UTC)),
    ],
)
def test_times(written: str, moment: datetime) -> None:
    """An offset, or a wall time in the project's zone; always aware and UTC."""
    found = read(values.Moment, written)
    assert found == moment
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "written",
    [
        "2026-12-01",
        "01/12/2026 09:00",
        "2026-13-01T09:00:00Z",
        "2026-02-29T09:00:00Z",
        "2026-12-01T24:00:00Z",
        "2026-12-01T09:60:00Z",
        "2026-12-01T09:00:00+25:00",
        "2026-W49-2T09:00",
        "tomorrow",
        "0001-01-01T00:00:00+07:00",
        20261201,
        None,
    ],
)
def test_what_is_no_time(written: object) -> None:
    """A day alone, another order, or a day that is in no calendar."""
    assert code(values.Moment, written) == "ZS138"


def test_a_wall_time_needs_a_zone() -> None:
    """Without the project's zone nobody knows when 09:00 is."""
    assert code(values.Moment, "2026-12-01 09:00", None) == "ZS138"


def test_a_wall_time_that_does_not_exist_or_exists_twice() -> None:
    """Clocks jump over 02:30 in spring, and show it twice in autumn; the minutes around are fine."""
    assert code(values.Moment, "2027-03-28 02:30", BERLIN) == "ZS203"
    assert code(values.Moment, "2027-10-31 02:30", BERLIN) == "ZS204"
    assert read(values.Moment, "2027-03-28 01:59", BERLIN) == datetime(2027, 3, 28, 0, 59, tzinfo=UTC)
    assert read(values.Moment, "2027-03-28 03:00", BERLIN) == datetime(2027, 3, 28, 1, tzinfo=UTC)
    assert read(values.Moment, "2027-10-31 01:59", BERLIN) == datetime(2027, 10, 30, 23, 59, tzinfo=UTC)
    assert read(values.Moment, "2027-10-31 03:00", BERLIN) == datetime(2027, 10, 31, 2, tzinfo=UTC)


@pytest.mark.parametrize("year", range(2024, 2031))
def test_every_clock_change_of_some_zones(year: int) -> None:
    """Each minute of each change either exists once and comes back, or is refused."""
    for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Ho_Chi_Minh"):
        zone = ZoneInfo(name)
        day = datetime(year, 1, 1)  # noqa: DTZ001 - a wall time
        while day.year == year:
            before = day.replace(tzinfo=zone).utcoffset()
            after = (day + timedelta(days=1)).replace(tzinfo=zone).utcoffset()
            if before != after:
                _check_day(day, zone)
            day += timedelta(days=1)


def _check_day(day: datetime, zone: ZoneInfo) -> None:
    for minute in range(0, 24 * 60, 15):
        local = day + timedelta(minutes=minute)
        moments = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
        there = {moment for moment in moments if moment.astimezone(zone).replace(tzinfo=None) == local}
        if len(there) == 1 and len(moments) == 1:
            assert wall_time(local, zone) in there
        else:
            with pytest.raises(PydanticCustomError) as caught:
                wall_time(local, zone)
            assert caught.value.type == ("ZS204" if there else "ZS203")


@pytest.mark.parametrize(
    ("part", "whole", "percent", "exceeded"),
    [
        (50, 100, "50", False),
        (51, 100, "50", True),
        (1, 3, "33.333", True),
        (0, 0, "50", False),
        (1, 0, "50", True),
    ],
)
def test_shares_are_exact(part: int, whole: int, percent: str, exceeded: bool) -> None:  # noqa: FBT001
    """No rounding at the limit."""
    assert Share(Decimal(percent)).exceeded_by(part, whole) is exceeded


def test_shares_are_written_in_percent() -> None:
    """50% is a share; 50 and 0.5 are not."""
    assert read(values.ShareField, "12.5%") == Share(Decimal("12.5"))
    assert str(read(values.ShareField, "50%")) == "50%"
    for wrong in ("50", "0.5", 50, "50 %", "-5%", "%"):
        assert code(values.ShareField, wrong) == "ZS137"


def test_money_is_kept_as_written() -> None:
    """0.012 is 0.012, not the nearest binary fraction; text and booleans are no money."""
    assert read(values.Money, 0.012) == Decimal("0.012")
    assert read(values.Money, 5000) == Decimal(5000)
    assert code(values.Money, "0.012") == "ZS132"
    assert code(values.Money, True) == "ZS132"
    assert code(values.Money, -1) == "ZS135"
    assert code(values.Money, 10**12) == "ZS135"


def test_days_of_the_calendar() -> None:
    """For the end of waivers."""
    assert read(values.Day, "2027-01-31") == date(2027, 1, 31)
    for wrong in ("2027-02-30", "31/01/2027", "2027-1-31", 20270131, "20270131"):
        assert code(values.Day, wrong) == "ZS138"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://hooks.example.vn/zalo/{token}", "hooks.example.vn"),
        ("https://HOOKS.example.vn:443", "hooks.example.vn"),
        ("https://a-b.example.vn/?q=1", "a-b.example.vn"),
    ],
)
def test_the_host_of_a_web_url(url: str, host: str) -> None:
    """Lower case, without the port."""
    assert web_host(url) == host


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.vn/",
        "HTTPS:/hooks.example.vn",
        "//hooks.example.vn/",
        "https://hooks.example.vn@evil.example/",
        "https://me:pw@hooks.example.vn/",
        "https://hooks.example.vn:8443/",
        "https://hooks.example.vn:99999/",
        "https://hooks.example.vn/#x",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://localhost/",
        "https://{token}.example.vn/",
        "https://hooks.example.vn\\@evil.example/",
        "https://hooks.example.vn /",
        "https://hoóks.example.vn/",
        "https://hooks.example.vn./",
        "https://-hooks.example.vn/",
        "https:///x",
        "javascript:alert(1)",
        "",
    ],
)
def test_what_is_no_web_url(url: str) -> None:
    """Every trick of URLs that would send reports to another host is refused before its host is read."""
    assert code(values.WebUrl, url) == "ZS212"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104 - an address to be refused
        ("localhost.example.vn", False),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:  # noqa: FBT001 - a table column
    """This machine and nothing else."""
    assert is_loopback(host) is loopback


def window(text: str, zone: ZoneInfo | None = VIET_NAM) -> DeliveryTimeWindow:
    """A delivery window from its JSON."""
    return DeliveryTimeWindow.model_validate_json(text, context=Reading(zone))


@pytest.mark.parametrize(
    ("text", "days", "begin", "end", "wraps"),
    [
        ('{"days":["MONDAY"],"from":"08:00","to":"21:00"}', ("MONDAY",), (1, 0), (14, 0), False),
        ('{"days":["MONDAY"],"from":"07:00","to":"08:00"}', ("MONDAY",), (0, 0), (1, 0), False),
        ('{"days":["MONDAY"],"from":"02:00","to":"06:00"}', ("SUNDAY",), (19, 0), (23, 0), False),
        ('{"days":["MONDAY"],"from":"02:00","to":"06:59"}', ("SUNDAY",), (19, 0), (23, 59), False),
        ('{"days":["MONDAY"],"from":"02:00","to":"07:00"}', ("SUNDAY",), (19, 0), (0, 0), True),
        ('{"days":["MONDAY"],"from":"05:00","to":"09:00"}', ("SUNDAY",), (22, 0), (2, 0), True),
        ('{"days":["SUNDAY"],"from":"20:00","to":"02:00"}', ("SUNDAY",), (13, 0), (19, 0), False),
        (
            '{"days":["MONDAY","SUNDAY"],"from":"02:30","to":"06:00"}',
            ("SATURDAY", "SUNDAY"),
            (19, 30),
            (23, 0),
            False,
        ),
        (
            '{"days":["MONDAY"],"from":"20:00","to":"23:30","timezone":"America/New_York"}',
            ("TUESDAY",),
            (1, 0),
            (4, 30),
            False,
        ),
        (
            '{"days":["FRIDAY"],"from":"09:00","to":"17:00","timezone":"Asia/Kathmandu"}',
            ("FRIDAY",),
            (3, 15),
            (11, 15),
            False,
        ),
    ],
)
def test_windows_in_utc(
    text: str,
    days: tuple[str, ...],
    begin: tuple[int, int],
    end: tuple[int, int],
    wraps: bool,  # noqa: FBT001
) -> None:
    """The bounds move by the zone's offset, and the weekdays with them."""
    assert window(text).utc() == UtcWindow(days, begin, end, wraps)  # type: ignore[arg-type]


def test_a_window_follows_the_clock_at_the_time_of_sending() -> None:
    """In a zone with daylight saving the offset of the moment counts."""
    text = '{"days":["MONDAY"],"from":"08:00","to":"10:00","timezone":"Europe/Berlin"}'
    assert window(text).utc(datetime(2027, 1, 4, tzinfo=UTC)).from_time == (7, 0)
    assert window(text).utc(datetime(2027, 7, 5, tzinfo=UTC)).from_time == (6, 0)
    assert window(text).utc().from_time == (7, 0)
    assert clock_changes(BERLIN)
    assert not clock_changes(VIET_NAM)


def test_a_window_without_times_is_whole_days() -> None:
    """All seven days mean the same everywhere; fewer begin at another time in UTC."""
    week = ",".join(f'"{day}"' for day in values.WEEKDAYS)
    assert window(f'{{"days":[{week}]}}').utc() == UtcWindow(values.WEEKDAYS, None, None, wraps=False)
    assert window('{"days":["MONDAY"]}').utc().wraps
    assert not window('{"days":["MONDAY"],"timezone":"UTC"}').utc().wraps


def test_the_bounds_that_would_not_wrap_are_right() -> None:
    """Whatever is advised does not wrap."""
    wrapping = window('{"days":["MONDAY"],"from":"05:00","to":"09:00"}')
    assert wrapping.bounds_without_wrap() == (
        '`from` not before "07:00", or `to` not after "06:59" (Asia/Ho_Chi_Minh)'
    )
    assert not window('{"days":["MONDAY"],"from":"07:00","to":"09:00"}').utc().wraps
    assert not window('{"days":["MONDAY"],"from":"05:00","to":"06:59"}').utc().wraps


@pytest.mark.parametrize(
    ("length", "fits"),
    [("08:59", False), ("09:00", True), ("09:01", True), ("08:00", False), ("07:59", True)],
)
def test_a_window_is_an_hour_at_least(length: str, fits: bool) -> None:  # noqa: FBT001 - a table column
    """59 minutes, an hour, one more; the same time twice; and nearly a whole day."""
    text = f'{{"days":["MONDAY"],"from":"08:00","to":"{length}"}}'
    if fits:
        assert window(text).minutes >= 60
    else:
        with pytest.raises(ValidationError, match="at least 60"):
            window(text)


def test_a_window_takes_the_projects_zone() -> None:
    """Its own zone counts first; without any, it is refused."""
    text = '{"days":["MONDAY"],"from":"08:00","to":"10:00"}'
    assert window(text).timezone == "Asia/Ho_Chi_Minh"
    with pytest.raises(ValidationError, match="name no `timezone`"):
        window(text, None)


def test_quiet_hours_over_midnight() -> None:
    """The first minute is quiet, the last bound is not; the next moment that is not quiet is found."""
    quiet = QuietHours.model_validate_json('{"from":"22:00","to":"06:00","timezone":"Asia/Ho_Chi_Minh"}')

    def at(hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 12, 1, hour, minute, tzinfo=VIET_NAM)

    assert [quiet.quiet_at(at(hour)) for hour in (21, 22, 23, 0, 5, 6, 12)] == [
        False,
        True,
        True,
        True,
        True,
        False,
        False,
    ]
    assert quiet.quiet_at(at(5, 59))
    assert quiet.ends_after(at(23)) == datetime(2026, 12, 1, 23, tzinfo=UTC)
    assert quiet.ends_after(at(12)) == at(12)
    assert quiet.tags == ("TRANSACTION", "CUSTOMER_CARE", "PROMOTION")


def test_regions_are_those_whose_numbers_can_be_read() -> None:
    """The table is the library's own: what a spec may name is what `normalise` takes."""
    assert sorted(phonenumbers.SUPPORTED_REGIONS) == REGIONS
    assert [region for region in REGIONS if not known_region(region)] == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [("vn", "VN"), ("Vietnam", "VN"), ("VNM", "VN"), ("UK", "GB"), (" TH ", "TH"), ("ZZ", ""), ("", "")],
)
def test_a_region_that_is_none_is_refused_with_the_one_that_was_meant(written: str, meant: str) -> None:
    """Small letters, a name, three letters: one mistake, and the mend beside it."""
    assert code(values.Region, written) == "ZS153"
    assert meant_region(written) == meant
