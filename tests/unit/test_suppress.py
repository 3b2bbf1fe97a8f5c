"""Suppression lists: everybody in them is spared, or the plan stops."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from zalosync.audience.suppress import Suppressions, read_suppressions
from zalosync.errors import SpecError

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def suppressions(root: Path, content: str, now: datetime = NOW, region: str = "VN") -> Suppressions:
    """The lists of one file with this content."""
    (root / "s.csv").write_text(content, encoding="utf-8")
    return read_suppressions(root, "", ["s.csv"], region, now)


def test_phones_are_normalised_sorted_and_unique(tmp_path: Path) -> None:
    """Any spelling suppresses the one number."""
    found = suppressions(
        tmp_path, "phone,reason\n0901234568,x\n+84 90 123 45 67,\n'0901234567,y\n01681234567,\n"
    )
    assert found.phones.to_list() == ["84381234567", "84901234567", "84901234568"]
    assert (found.rows, found.expired, found.out_of_reach) == (4, 0, 0)
    assert found.files == ("s.csv",)


@pytest.mark.parametrize(
    ("until", "rows"),
    [
        ("", 1),
        ("  ", 1),
        ("2026-11-23", 1),  # a date holds to its end
        ("2026-11-22", 0),
        ("2026-11-23T12:00:01Z", 1),
        ("2026-11-23T12:00:00Z", 0),  # at that moment it is over
        ("2026-11-23T11:59:59Z", 0),
        ("2026-11-23T19:00:01+07:00", 1),
        ("2026-11-23T19:00:00+07:00", 0),
        ("2026-11-23T12:01", 1),  # a wall time in the zone of now
        ("2026-11-23 11:59:00", 0),
        ("9999-12-31", 1),
        ("9999-12-31T23:59-12:00", 1),
    ],
)
def test_until_ends_a_suppression(tmp_path: Path, until: str, rows: int) -> None:
    """A row holds until its time; an empty one for ever."""
    found = suppressions(tmp_path, f"phone,until\n0901234567,{until}\n")
    assert found.phones.len() == rows
    assert found.expired == 1 - rows


def test_dates_are_read_in_the_zone_of_now(tmp_path: Path) -> None:
    """The end of a day is that of the place where the campaign is planned."""
    row = "phone,until\n0901234567,2026-11-23\n"
    late = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
    assert suppressions(tmp_path, row, late).phones.len() == 1
    assert suppressions(tmp_path, row, late.astimezone(ZoneInfo("Asia/Ho_Chi_Minh"))).phones.len() == 0


@pytest.mark.parametrize(
    "until",
    [
        "31.12.2026",
        "2026-13-01",
        "2026-02-30",
        "never",
        "20261231",
        "2026-12-31T",
        "2026-12-31T25:00",
        "2026-W01",
    ],
)
def test_an_until_that_cannot_be_read_stops_the_plan(tmp_path: Path, until: str) -> None:
    """A time that is not clear is not guessed."""
    with pytest.raises(SpecError, match=r"s\.csv:2:1: `until` is neither a date"):
        suppressions(tmp_path, f"phone,until\n0901234567,{until}\n")


def test_a_row_that_is_no_phone_stops_the_plan(tmp_path: Path) -> None:
    """It was meant to be somebody: all such rows are named by line, and none by content."""
    with pytest.raises(SpecError) as caught:
        suppressions(tmp_path, "phone,until\n0901234567,\n090123456,\n,\n0901234568,soon\n")
    assert [str(problem) for problem in caught.value.problems] == [
        "s.csv:3:1: not a phone of VN [ZS321]",
        "s.csv:4:1: not a phone of VN [ZS321]",
        "s.csv:5:1: `until` is neither a date (2026-12-31) nor a time (2026-12-31T18:00:00+07:00) [ZS321]",
    ]


def test_at_most_twenty_problems_are_told(tmp_path: Path) -> None:
    """A file that is wrong throughout does not flood the output."""
    with pytest.raises(SpecError) as caught:
        suppressions(tmp_path, "phone\n" + "x\n" * 50)
    assert len(caught.value.problems) == 20


def test_numbers_out_of_reach_are_counted(tmp_path: Path) -> None:
    """Landlines and other countries' numbers in a shared list are no mistake: they cannot be messaged."""
    content = "phone\n+16502530000\n02439741234\n0901234567\n"
    found = suppressions(tmp_path, content)
    assert found.phones.to_list() == ["84901234567"]
    assert (found.rows, found.out_of_reach) == (3, 2)


def test_several_lists_with_other_columns_are_joined(tmp_path: Path) -> None:
    """Lists of different owners need only the column `phone` in common."""
    (tmp_path / "a.csv").write_text("phone\n0901234567\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("reason;phone\nx;0901234568\n", encoding="utf-8")
    found = read_suppressions(tmp_path, "", ["*.csv", "a.csv"], "VN", NOW)
    assert found.phones.to_list() == ["84901234567", "84901234568"]
    assert found.files == ("a.csv", "b.csv")


def test_no_list_suppresses_nobody(tmp_path: Path) -> None:
    """A campaign without lists has an empty one."""
    found = read_suppressions(tmp_path, "", [], "VN", NOW)
    assert found.phones.to_list() == []
    assert (found.rows, found.files) == (0, ())


def test_a_list_needs_its_column(tmp_path: Path) -> None:
    """A list without `phone` is an error that shows what is there."""
    with pytest.raises(SpecError, match="needs the column `phone`; found `telephone`, `reason`"):
        suppressions(tmp_path, "telephone,reason\n0901234567,x\n")


def test_other_regions_have_lists_too(tmp_path: Path) -> None:
    """National numbers of a list are read as the campaign reads its own."""
    found = suppressions(tmp_path, "phone\n081 234 5678\n+84901234567\n", region="TH")
    assert found.phones.to_list() == ["66812345678"]
    assert found.out_of_reach == 1
