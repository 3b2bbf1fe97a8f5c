"""The filters of the template language, by table."""

import unicodedata
from decimal import Decimal

import pytest

from zalosync.compose.filters import FILTERS, Kind
from zalosync.compose.quantities import DATES, NO_VALUE, NUMBERS, printed, read_number


def run(name: str, value: object, *arguments: object) -> object:
    """What the filter makes of a value."""
    return FILTERS[name].apply(value, *arguments)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("NGUYỄN THỊ ánh đặng", "Nguyễn Thị Ánh Đặng"),
        ("nguyễn văn an", "Nguyễn Văn An"),
        ("ĐẶNG", "Đặng"),
        ("ƯỚC ơn", "Ước Ơn"),
        ("H'HEN NIÊ", "H'Hen Niê"),
        ("h’hen niê", "H’Hen Niê"),
        ("o'neil", "O'Neil"),
        ("it's", "It's"),
        ("ĐẮK-LẮK", "Đắk-Lắk"),
        ("tp.hcm", "Tp.Hcm"),
        ("3rd street", "3rd Street"),
        ("  lan  anh ", "  Lan  Anh "),
        ("trần (bé)", "Trần (Bé)"),
        ("", ""),
        ("123", "123"),
    ],
)
def test_title_is_right_for_names(given: str, wanted: str) -> None:
    """A name gets one capital for each word, in composed and in decomposed spelling."""
    assert run("title", given) == wanted
    assert run("title", unicodedata.normalize("NFD", given)) == unicodedata.normalize("NFC", wanted)


@pytest.mark.parametrize(
    ("given", "length", "wanted"),
    [
        ("Nguyễn Thị Ánh", 6, "Nguyễn"),
        ("Nguyễn Thị Ánh", 7, "Nguyễn"),
        ("Nguyễn Thị Ánh", 14, "Nguyễn Thị Ánh"),
        ("Nguyễn Thị Ánh", 200, "Nguyễn Thị Ánh"),
        ("Nguye\u0302\u0303n", 5, "Nguyễ"),
        ("ab\u0332\u0333c", 3, "a"),
        ("\u0332\u0333\u0331", 2, ""),
        ("xy👩\u200d👧", 3, "xy"),
        ("xy👍🏽!", 3, "xy"),
        ("xy👍🏽!", 4, "xy👍🏽"),
        ("", 1, ""),
    ],
)
def test_truncate_keeps_letters_whole(given: str, length: int, wanted: str) -> None:
    """A cut never parts a letter from its marks, and never leaves more characters than asked."""
    assert run("truncate", given, length) == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("0", "0"),
        ("007", "7"),
        ("1250000", "1250000"),
        (" 12 ", "12"),
        ("\u00a012", "12"),
        ("-3.5", "-3.5"),
        ("+4", "4"),
        ("0.125", "0.125"),
        ("1250.000", "1250.000"),
        ("1.250.000", "1250000"),
        ("1,250,000", "1250000"),
        ("1,250,000.50", "1250000.50"),
        ("1.250.000,5", "1250000.5"),
        ("1.250,5", "1250.5"),
        ("1.250,000", "1250.000"),
        ("999999999999999999", "999999999999999999"),
    ],
)
def test_a_number_is_read_where_there_is_one_reading(given: str, wanted: str) -> None:
    """Plain numbers and clearly grouped ones are read."""
    assert read_number(given) == Decimal(wanted)


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "abc",
        "1.250",
        "1,250",
        "3,5",
        "1.25.000",
        "1 250",
        "1e3",
        "0x10",
        "٣",
        "１２",
        "½",
        "--1",
        "1.",
        ".5",
        "01.250.000",
        "1_000",
        "NaN",
        "Infinity",
        "9" * 19,
        "1.250.000.5",
        "12 đ",
        "1,250.000,5",
    ],
)
def test_a_number_with_no_or_two_readings_is_not_read(given: str) -> None:
    """A thousand or one and a quarter: nobody guesses."""
    assert read_number(given) is None
    assert run("int", given) is NO_VALUE
    assert run("round", given, 2) is NO_VALUE


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("12", 12), ("12.0", 12), ("-7", -7), ("007", 7), ("12.5", NO_VALUE), (Decimal("3.00"), 3), (5, 5)],
)
def test_int_takes_whole_numbers_only(given: object, wanted: object) -> None:
    """What has a fraction is no whole number: nothing is cut off in silence."""
    assert run("int", given) is wanted or run("int", given) == wanted


@pytest.mark.parametrize(
    ("given", "digits", "wanted"),
    [
        ("2.45", (1,), "2.5"),
        ("2.5", (), "3"),
        ("-2.5", (0,), "-3"),
        ("2", (2,), "2.00"),
        (7, (1,), "7.0"),
        ("999999999999999999.123456789", (6,), "999999999999999999.123457"),
    ],
)
def test_round_is_the_common_method(given: object, digits: tuple[int, ...], wanted: str) -> None:
    """Halves go away from zero, in decimal arithmetic, whatever the number of digits."""
    assert printed(run("round", given, *digits)) == wanted


@pytest.mark.parametrize(
    ("given", "name", "wanted"),
    [
        ("1250000", "vnd", "1.250.000"),
        ("1,250,000", "vnd", "1.250.000"),
        ("1250000.5", "vnd", "1.250.001"),
        ("-1500", "vnd", "-1.500"),
        ("-0.4", "vnd", "0"),
        ("0", "vnd", "0"),
        ("999", "vnd", "999"),
        (1250000, "vnd", "1.250.000"),
        (Decimal("1250000.5"), "dots", "1.250.000,5"),
        ("1250000.50", "dots", "1.250.000,50"),
        ("1.250.000", "commas", "1,250,000"),
        ("1.250.000,5", "plain", "1250000.5"),
        ("", "vnd", ""),
        ("  ", "vnd", ""),
    ],
)
def test_amounts_are_spelled_as_asked(given: object, name: str, wanted: str) -> None:
    """`number` has four spellings, and blank stays blank."""
    assert run("number", given, name) == wanted
    if name == "vnd":
        assert run("vnd", given) == wanted


def test_an_amount_that_is_none_has_no_value() -> None:
    """`number` of a word is nothing that can be printed, and `default` stands in for it."""
    for name in NUMBERS:
        assert run("number", "soon", name) is NO_VALUE
    assert run("vnd", NO_VALUE) is NO_VALUE
    assert run("default", run("vnd", "soon"), "?") == "?"


@pytest.mark.parametrize(
    ("given", "name", "wanted"),
    [
        ("2026-12-01", "dd/mm/yyyy", "01/12/2026"),
        ("2026-12-01", "mm/yyyy", "12/2026"),
        ("2026-12-01T09:05", "hh:mm", "09:05"),
        ("2026-12-01 09:05:07", "hh:mm:ss", "09:05:07"),
        ("2026-12-01T09:05:07.123456", "hh:mm:ss dd/mm/yyyy", "09:05:07 01/12/2026"),
        ("2026-12-01T09:05:00+07:00", "hh:mm dd/mm/yyyy", "09:05 01/12/2026"),
        ("2026-12-01T02:05:00Z", "hh:mm dd/mm/yyyy", "09:05 01/12/2026"),
        ("2026-12-01T23:30:00+0000", "dd/mm/yyyy", "02/12/2026"),
        ("01/12/2026", "dd/mm/yyyy", "01/12/2026"),
        ("1/2/2026", "dd/mm/yyyy", "01/02/2026"),
        ("1-2-2026", "dd/mm/yyyy", "01/02/2026"),
        ("1.2.2026", "mm/yyyy", "02/2026"),
        ("01/12/2026 9:05", "hh:mm", "09:05"),
        ("9:05, 01/12/2026", "hh:mm dd/mm/yyyy", "09:05 01/12/2026"),
        (" 2026-12-01 ", "dd/mm/yyyy", "01/12/2026"),
        ("2024-02-29", "dd/mm/yyyy", "29/02/2024"),
        ("", "dd/mm/yyyy", ""),
    ],
)
def test_dates_are_told_in_the_forms_zalo_takes(given: str, name: str, wanted: str) -> None:
    """ISO and day-first dates are read; times with an offset are told in Viet Nam's time."""
    assert run("date", given, name) == wanted


@pytest.mark.parametrize(
    "given",
    [
        "soon",
        "2026-13-01",
        "2025-02-29",
        "12/31/2026",
        "31/04/2026",
        "2026/12/01",
        "01-12/2026",
        "01/12/26",
        "2026-12-01T24:00",
        "2026-12-01T09:61",
        "0000-01-01",
        "9999-12-31T23:00Z",
        "２０２６-12-01",
        "2026-1-1",
    ],
)
def test_what_is_no_date_has_no_value(given: str) -> None:
    """A date that does not exist is not bent into one that does."""
    assert all(run("date", given, name) is NO_VALUE for name in DATES)


def test_a_date_without_a_time_has_no_hour() -> None:
    """Midnight is not made up for a date that has no time."""
    for name in DATES:
        assert (run("date", "2026-12-01", name) is NO_VALUE) == ("hh" in name)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("", "x"), ("  \u00a0", "x"), (NO_VALUE, "x"), ("a", "a"), (0, 0), ("0", "0")],
)
def test_default_stands_in_for_blank_and_unreadable(given: object, wanted: object) -> None:
    """Blank text and unreadable values are replaced; a zero is a value."""
    assert run("default", given, "x") == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("Đặng Thị Ánh", "Dang Thi Anh"),
        ("đường Lê Lợi – Q.1", "duong Le Loi - Q.1"),
        ("“Tết” ’26…", '"Tet" \'26...'),
        ("1.250.000₫", "1.250.000d"),
        ("a\u00a0b", "a b"),
        ("王 🎉", "? ?"),
        ("❤️", "?"),
        ("ﬁ１", "fi1"),
        ("`x`", "'x'"),
    ],
)
def test_ascii_folds(given: str, wanted: str) -> None:
    """Letters lose their marks; what has no ASCII spelling shows as a question mark."""
    assert run("ascii", given) == wanted
    assert run("ascii", unicodedata.normalize("NFD", given)) == wanted


def test_trim_takes_all_white_space() -> None:
    """Also the spaces that come out of Excel and web pages."""
    assert run("trim", "\ufeff\u00a0\u200b Lan \u3000") == "Lan"
    assert run("upper", "đặng") == "ĐẶNG"
    assert run("lower", "ĐẶNG") == "đặng"


def test_no_value_passes_through_every_filter_but_default() -> None:
    """What could not be read stays so, and can neither be printed nor compared."""
    arguments: dict[str, tuple[object, ...]] = {
        "truncate": (3,), "date": ("hh:mm",), "number": ("vnd",), "default": ("x",)
    }  # fmt: skip
    for name in FILTERS:
        made = run(name, NO_VALUE, *arguments.get(name, ()))
        assert (made is NO_VALUE) == (name != "default")
    with pytest.raises(TypeError):
        printed(NO_VALUE)


@pytest.mark.parametrize("value", [None, True, 1.5, b"x", ["x"], object(), str.upper])
def test_only_text_and_numbers_are_printed(value: object) -> None:
    """Nothing is printed whose spelling may differ from one process to the next."""
    with pytest.raises(TypeError):
        printed(value)


def test_examples_of_the_documentation_hold() -> None:
    """Each filter's example makes what it says."""
    for name, rule in FILTERS.items():
        call, given, wanted = rule.example
        assert call.startswith(name)
        arguments: tuple[object, ...] = ()
        if "(" in call:
            inside = call[call.index("(") + 1 : -1]
            arguments = (inside.strip("'") if "'" in inside else int(inside),)
        made = rule.apply(given, *arguments)
        assert printed(made) == wanted
        assert rule.yields in {*Kind, None}
