"""The table of spellings, and what a phone never is."""

import polars as pl
import pytest

from zalosync.audience.phone import (
    APOSTROPHE,
    INTERNATIONAL_PREFIX,
    LOST_ZERO,
    NATIONAL,
    OLD_PREFIX,
    OLD_PREFIXES,
    REPAIRS,
    SEPARATORS,
    TRUNK_ZERO,
    Fault,
    Phone,
    known_region,
    normalise,
    normalise_column,
    repair_words,
)

N = "84901234567"

# spelling, the phone it means, the repairs it takes
SPELLINGS: list[tuple[str, str, int]] = [
    ("84901234567", N, 0),
    ("+84901234567", N, 0),
    ("0901234567", N, NATIONAL),
    ("901234567", N, LOST_ZERO),
    ("0084901234567", N, INTERNATIONAL_PREFIX),
    ("840901234567", N, TRUNK_ZERO),
    ("+840901234567", N, TRUNK_ZERO),
    ("00840901234567", N, INTERNATIONAL_PREFIX | TRUNK_ZERO),
    ("+84 90 123 45 67", N, SEPARATORS),
    ("+84 901 234 567", N, SEPARATORS),
    ("+84.901.234.567", N, SEPARATORS),
    ("+84-901-234-567", N, SEPARATORS),
    ("+84/901/234/567", N, SEPARATORS),
    ("(+84) 901234567", N, SEPARATORS),
    ("(84) 901234567", N, SEPARATORS),
    ("(84)901234567", N, SEPARATORS),
    ("+84 (0)90 123 4567", N, SEPARATORS | TRUNK_ZERO),
    ("+84(0)901234567", N, SEPARATORS | TRUNK_ZERO),
    ("0084 (0) 90 123 4567", N, SEPARATORS | INTERNATIONAL_PREFIX | TRUNK_ZERO),
    ("0084-90-123-4567", N, SEPARATORS | INTERNATIONAL_PREFIX),
    ("00 84 901 234 567", N, SEPARATORS | INTERNATIONAL_PREFIX),
    ("090 123 4567", N, SEPARATORS | NATIONAL),
    ("090.123.4567", N, SEPARATORS | NATIONAL),
    ("090-123-4567", N, SEPARATORS | NATIONAL),
    ("090/123/4567", N, SEPARATORS | NATIONAL),
    ("(090) 123 4567", N, SEPARATORS | NATIONAL),
    ("(090)1234567", N, SEPARATORS | NATIONAL),
    ("0901 234 567", N, SEPARATORS | NATIONAL),
    ("0901.234.567", N, SEPARATORS | NATIONAL),
    ("0901-234-567", N, SEPARATORS | NATIONAL),
    ("09 01 23 45 67", N, SEPARATORS | NATIONAL),
    ("0 9 0 1 2 3 4 5 6 7", N, SEPARATORS | NATIONAL),
    (" 0901234567", N, SEPARATORS | NATIONAL),
    ("0901234567 ", N, SEPARATORS | NATIONAL),
    ("  0901234567  ", N, SEPARATORS | NATIONAL),
    ("0901234567.", N, SEPARATORS | NATIONAL),
    ("-0901234567-", N, SEPARATORS | NATIONAL),
    ("090\u00a0123\u00a04567", N, SEPARATORS | NATIONAL),
    ("\u00a00901234567", N, SEPARATORS | NATIONAL),
    ("+84\u00a0901234567", N, SEPARATORS),
    ("'0901234567", N, APOSTROPHE | NATIONAL),
    ("'84901234567", N, APOSTROPHE),
    ("'+84901234567", N, APOSTROPHE),
    ("'901234567", N, APOSTROPHE | LOST_ZERO),
    ("'0084901234567", N, APOSTROPHE | INTERNATIONAL_PREFIX),
    ("' 0901234567", N, APOSTROPHE | SEPARATORS | NATIONAL),
    (" '0901234567", N, APOSTROPHE | SEPARATORS | NATIONAL),
    ("'090 123 4567", N, APOSTROPHE | SEPARATORS | NATIONAL),
    ("90 123 45 67", N, SEPARATORS | LOST_ZERO),
    ("901.234.567", N, SEPARATORS | LOST_ZERO),
    ("01681234567", "84381234567", OLD_PREFIX | NATIONAL),
    ("1681234567", "84381234567", OLD_PREFIX | LOST_ZERO),
    ("841681234567", "84381234567", OLD_PREFIX),
    ("+841681234567", "84381234567", OLD_PREFIX),
    ("00841681234567", "84381234567", OLD_PREFIX | INTERNATIONAL_PREFIX),
    ("+8401681234567", "84381234567", OLD_PREFIX | TRUNK_ZERO),
    ("008401681234567", "84381234567", OLD_PREFIX | INTERNATIONAL_PREFIX | TRUNK_ZERO),
    ("0168 123 4567", "84381234567", OLD_PREFIX | SEPARATORS | NATIONAL),
    ("'01681234567", "84381234567", OLD_PREFIX | APOSTROPHE | NATIONAL),
    ("'1681234567", "84381234567", OLD_PREFIX | APOSTROPHE | LOST_ZERO),
    *((f"0{old}1234567", f"84{new}1234567", OLD_PREFIX | NATIONAL) for old, new in OLD_PREFIXES.items()),
    ("841234567", "84841234567", LOST_ZERO),  # nine digits that begin like the country code
    ("0841234567", "84841234567", NATIONAL),
    ("84841234567", "84841234567", 0),
    ("+84841234567", "84841234567", 0),
    ("840841234567", "84841234567", TRUNK_ZERO),
    ("0321234567", "84321234567", NATIONAL),
    ("0522234567", "84522234567", NATIONAL),
    ("0561234567", "84561234567", NATIONAL),
    ("0701234567", "84701234567", NATIONAL),
    ("0861234567", "84861234567", NATIONAL),
    ("0991234567", "84991234567", NATIONAL),
]

# spelling, why it is not a phone of Vietnam
REFUSED: list[tuple[str, Fault]] = [
    ("", Fault.EMPTY),
    ("   ", Fault.EMPTY),
    ("'", Fault.EMPTY),
    ("-", Fault.EMPTY),
    ("()", Fault.EMPTY),
    ("+", Fault.CHARACTER),
    ("không có", Fault.CHARACTER),
    ("N/A", Fault.CHARACTER),
    ("09O1234567", Fault.CHARACTER),
    ("090123456l", Fault.CHARACTER),
    ("0901234567 ext 5", Fault.CHARACTER),
    ("0901234567x5", Fault.CHARACTER),
    ("0901234567;ext=5", Fault.CHARACTER),
    ("0901234567#5", Fault.CHARACTER),
    ("0901234567,", Fault.CHARACTER),
    ("tel:0901234567", Fault.CHARACTER),
    ("++84901234567", Fault.CHARACTER),
    ("84+901234567", Fault.CHARACTER),
    ("0901234567+", Fault.CHARACTER),
    ("''0901234567", Fault.CHARACTER),
    ("0901234567'", Fault.CHARACTER),
    ("+'84901234567", Fault.CHARACTER),
    ("\u20190901234567", Fault.CHARACTER),  # a typographic apostrophe
    ("\t0901234567", Fault.CHARACTER),
    ("0901234567\n", Fault.CHARACTER),
    ("0901234567\r", Fault.CHARACTER),
    ("090\u200b1234567", Fault.CHARACTER),  # zero-width space
    ("\u202a0901234567\u202c", Fault.CHARACTER),  # embedding marks of a copied contact
    ("\u2066+84901234567\u2069", Fault.CHARACTER),
    ("\ufeff0901234567", Fault.CHARACTER),
    ("0901\u00ad234567", Fault.CHARACTER),  # soft hyphen
    ("090\u2009123\u20094567", Fault.CHARACTER),  # thin space
    ("090\u2011123\u20114567", Fault.CHARACTER),  # non-breaking hyphen
    ("090\u2013123\u20134567", Fault.CHARACTER),  # en dash
    ("\uff10\uff19\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17", Fault.CHARACTER),  # full width
    ("\u0660\u0669\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667", Fault.CHARACTER),  # Arabic-Indic
    ("\uff0b84901234567", Fault.CHARACTER),
    ("9.01234567E8", Fault.CHARACTER),
    ("0901234567\x00", Fault.CHARACTER),
    ("0901234567 / 0912345678", Fault.NOT_A_NUMBER),
    ("0", Fault.NOT_A_NUMBER),
    ("090123456", Fault.NOT_A_NUMBER),
    ("09012345678", Fault.NOT_A_NUMBER),
    ("8490123456", Fault.NOT_A_NUMBER),
    ("849012345678", Fault.NOT_A_NUMBER),
    ("+0901234567", Fault.NOT_A_NUMBER),
    ("+0084901234567", Fault.NOT_A_NUMBER),
    ("000901234567", Fault.NOT_A_NUMBER),
    ("8400901234567", Fault.NOT_A_NUMBER),
    ("0201234567", Fault.NOT_A_NUMBER),
    ("01821234567", Fault.NOT_A_NUMBER),  # a prefix that never was
    ("016812345678", Fault.NOT_A_NUMBER),
    ("84" * 5000, Fault.NOT_A_NUMBER),
    ("16502530000", Fault.NOT_A_NUMBER),  # another country's without its +
    ("+16502530000", Fault.OTHER_REGION),
    ("0016502530000", Fault.OTHER_REGION),
    ("+66812345678", Fault.OTHER_REGION),
    ("02439741234", Fault.NOT_MOBILE),
    ("+842439741234", Fault.NOT_MOBILE),
    ("1900123456", Fault.NOT_MOBILE),
    ("1800123456", Fault.NOT_MOBILE),
]

ELSEWHERE: list[tuple[str, str, str, int]] = [
    ("SG", "91234567", "6591234567", NATIONAL),  # a region without a trunk zero to lose
    ("SG", "+65 9123 4567", "6591234567", SEPARATORS),
    ("SG", "6591234567", "6591234567", 0),
    ("TH", "0812345678", "66812345678", NATIONAL),
    ("TH", "812345678", "66812345678", LOST_ZERO),
    ("TH", "+66 (0)81 234 5678", "66812345678", SEPARATORS | TRUNK_ZERO),
    ("TH", "00166812345678", "66812345678", INTERNATIONAL_PREFIX),
    ("US", "(650) 253-0000", "16502530000", SEPARATORS | NATIONAL),
    ("US", "011 1 650 253 0000", "16502530000", SEPARATORS | INTERNATIONAL_PREFIX),
    ("DE", "01512 3456789", "4915123456789", SEPARATORS | NATIONAL),
    ("DE", "4915123456789", "4915123456789", 0),
    ("FR", "06 12 34 56 78", "33612345678", SEPARATORS | NATIONAL),
    ("JP", "090-1234-5678", "819012345678", SEPARATORS | NATIONAL),
]


@pytest.mark.parametrize(("spelling", "digits", "repairs"), SPELLINGS)
def test_each_spelling_means_its_number(spelling: str, digits: str, repairs: int) -> None:
    """Every way in which people write a Vietnamese mobile number gives the one number, repairs named."""
    assert normalise(spelling) == Phone(digits, repairs)


@pytest.mark.parametrize(("spelling", "fault"), REFUSED)
def test_what_is_no_phone_is_refused(spelling: str, fault: Fault) -> None:
    """What is not surely one Vietnamese mobile number is none, and says why."""
    assert normalise(spelling) is fault


@pytest.mark.parametrize(("region", "spelling", "digits", "repairs"), ELSEWHERE)
def test_other_regions_are_read_by_the_library(region: str, spelling: str, digits: str, repairs: int) -> None:
    """National numbers are read as the campaign's region writes them, one by one and as a column."""
    assert normalise(spelling, region) == Phone(digits, repairs)
    column = normalise_column(pl.Series([spelling, None, spelling, "x"]), region)
    assert column.rows() == [(digits, repairs), (None, 0), (digits, repairs), (None, 0)]


def test_the_table_is_large_enough() -> None:
    """At least a hundred spellings stand in the tables."""
    assert len({spelling for spelling, *_ in SPELLINGS} | {spelling for spelling, _ in REFUSED}) >= 100


def test_a_column_gives_what_the_reference_gives() -> None:
    """The columnar way agrees with the reference on the whole table, order and nulls kept."""
    spellings = [spelling for spelling, *_ in SPELLINGS] + [spelling for spelling, _ in REFUSED]
    column = normalise_column(pl.Series([None, *spellings, None]), "VN")
    expected = [(digits, repairs) for _, digits, repairs in SPELLINGS] + [(None, 0)] * len(REFUSED)
    assert column.schema == {"phone": pl.String, "repairs": pl.UInt8}
    assert column.rows() == [(None, 0), *expected, (None, 0)]


def test_a_column_of_clean_numbers_or_of_nothing_works() -> None:
    """A column without dirt, an empty one and one of nulls keep their height and types."""
    clean = normalise_column(pl.Series(["0901234567", "84381234567"]))
    assert clean.rows() == [(N, NATIONAL), ("84381234567", 0)]
    for empty in (pl.Series([], dtype=pl.String), pl.Series([None, None], dtype=pl.String)):
        for region in ("VN", "TH"):
            result = normalise_column(empty, region)
            assert result.schema == {"phone": pl.String, "repairs": pl.UInt8}
            assert result.rows() == [(None, 0)] * empty.len()


def test_repairs_have_names_in_bit_order() -> None:
    """A mask is told in words, lowest bit first, and fits a byte."""
    assert repair_words(0) == ()
    assert repair_words(SEPARATORS | OLD_PREFIX) == ("separators", "old-prefix")
    assert repair_words((1 << len(REPAIRS)) - 1) == REPAIRS
    assert len(REPAIRS) <= 8


def test_regions_are_known_or_refused() -> None:
    """A region that the library does not know is an error of ours, not an audience without phones."""
    assert known_region("VN")
    assert not known_region("XX")
    with pytest.raises(ValueError, match="XX"):
        normalise("0901234567", "XX")


def test_a_phone_hides_its_number_when_shown() -> None:
    """The repr of a phone cannot be dialled."""
    shown = repr(normalise("0901234567"))
    assert "1234" not in shown
    assert shown == "Phone(84…67, repairs=('national',))"
