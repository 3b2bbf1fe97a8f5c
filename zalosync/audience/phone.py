"""Phones: one spelling for each number, and the kinds of repair that led to it.

A phone is a mobile number of one region in E.164 digits without the `+` (`84901234567`): what Infobip
calls `to`. `normalise` is the reference, one spelling at a time, judged by phonenumberslite; it reads a
number as written and never guesses a digit. `normalise_column` gives the same results for a whole column:
Vietnamese numbers by the mobile pattern of the library's own metadata, other regions by the reference.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import phonenumbers
import polars as pl
from phonenumbers import CountryCodeSource, PhoneMetadata, PhoneNumberType

# Kinds of repair, in the order of their bits. A dropped leading `+` is not a repair.
REPAIRS: tuple[str, ...] = (
    "separators",  # spaces, NBSP, . - ( ) / were taken out
    "apostrophe",  # one leading ' of a spreadsheet was taken out
    "international-prefix",  # 0084… became 84…
    "national",  # 090… became 8490…
    "lost-zero",  # 90… became 8490…: a spreadsheet had taken it for an integer
    "trunk-zero",  # +84 (0)90… became 8490…
    "old-prefix",  # an 11-digit mobile number from before 2018 got its present prefix
)
SEPARATORS, APOSTROPHE, INTERNATIONAL_PREFIX, NATIONAL, LOST_ZERO, TRUNK_ZERO, OLD_PREFIX = (
    1 << bit for bit in range(len(REPAIRS))
)

# Mobile prefixes from before 15 September 2018 and what they became; the last seven digits stayed.
# Source: announcements of the Ministry of Information and Communications and the five operators, 2018.
_RENAMED = (
    "162>32 163>33 164>34 165>35 166>36 167>37 168>38 169>39 "  # Viettel
    "120>70 121>79 122>77 126>76 128>78 123>83 124>84 125>85 127>81 129>82 "  # MobiFone, VinaPhone
    "186>56 188>58 199>59"  # Vietnamobile, Gmobile
)
OLD_PREFIXES: dict[str, str] = dict(re.findall(r"([0-9]+)>([0-9]+)", _RENAMED))

_SEPARATORS = " \u00a0.-()/"
_WITHOUT_SEPARATORS = str.maketrans("", "", _SEPARATORS)
_MOST_DIGITS = 20  # E.164 has at most 15; an international prefix and a trunk zero come on top
_DIALLED = re.compile(r"\+?[0-9]+")
_NO_COUNTRY = "+0"  # no country code begins with 0
_OLD = re.compile(rf"(\+84|0084|84)?(0?)({'|'.join(OLD_PREFIXES)})([0-9]{{7}})")
_MOBILE_TYPES = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


class Fault(StrEnum):
    """Why a spelling is not a phone of the region."""

    EMPTY = "empty"
    CHARACTER = "character"  # a letter, an extension, an invisible mark, a digit that is not ASCII
    NOT_A_NUMBER = "not-a-number"
    OTHER_REGION = "other-region"
    NOT_MOBILE = "not-mobile"


@dataclass(frozen=True, slots=True)
class Phone:
    """A mobile number in E.164 digits without `+`, and a mask of the repairs made (bit n is `REPAIRS[n]`)."""

    digits: str
    repairs: int

    def __repr__(self) -> str:
        return f"Phone({self.digits[:2]}…{self.digits[-2:]}, repairs={repair_words(self.repairs)})"


def repair_words(mask: int) -> tuple[str, ...]:
    """The kinds of repair in a mask, in bit order."""
    return tuple(kind for bit, kind in enumerate(REPAIRS) if mask >> bit & 1)


def known_region(region: str) -> bool:
    """True for a two-letter region whose national numbers can be read, such as `VN`."""
    return region in phonenumbers.SUPPORTED_REGIONS


def normalise(spelling: str, region: str = "VN") -> Phone | Fault:
    """The phone a spelling means in a region, or why it means none. Applying it twice changes nothing.

    Raises:
        ValueError: the region is unknown.
    """
    if not known_region(region):
        raise ValueError(f"unknown region {region!r}")
    compact = spelling.translate(_WITHOUT_SEPARATORS)
    dialled = compact.removeprefix("'")
    repairs = (SEPARATORS if compact != spelling else 0) | (APOSTROPHE if dialled != compact else 0)
    if not dialled:
        return Fault.EMPTY
    if not _DIALLED.fullmatch(dialled):
        return Fault.CHARACTER
    if len(dialled) > _MOST_DIGITS or dialled.startswith(_NO_COUNTRY):
        return Fault.NOT_A_NUMBER
    old = _OLD.fullmatch(dialled) if region == "VN" else None
    if old:
        digits = "84" + OLD_PREFIXES[old[3]] + old[4]
        return _judged(_parsed("+" + digits, region), digits, region, repairs | _old_repairs(old))
    number = _in_full(dialled, region) or _parsed(dialled, region)
    return _judged(number, dialled.removeprefix("+"), region, repairs)


def _in_full(dialled: str, region: str) -> phonenumbers.PhoneNumber | None:
    """A spelling that is a whole E.164 number of the region but for its `+` is that number.

    The library would try the national reading first, which in some regions fits another person too.
    """
    code = str(phonenumbers.country_code_for_region(region))
    if not dialled.startswith(code):
        return None
    number = _parsed("+" + dialled, region)
    if number is None or not phonenumbers.is_valid_number_for_region(number, region):
        return None
    return number


def _parsed(dialled: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(dialled, region, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return None


def _judged(number: phonenumbers.PhoneNumber | None, digits: str, region: str, repairs: int) -> Phone | Fault:
    if number is None or not phonenumbers.is_valid_number(number):
        return Fault.NOT_A_NUMBER
    if not phonenumbers.is_valid_number_for_region(number, region):
        return Fault.OTHER_REGION
    if phonenumbers.number_type(number) not in _MOBILE_TYPES:
        return Fault.NOT_MOBILE
    national = phonenumbers.national_significant_number(number)
    canonical = f"{number.country_code}{national}"
    trunk = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or ""
    if number.country_code_source == CountryCodeSource.FROM_DEFAULT_COUNTRY:
        lost = digits == national and trunk == "0"
        return Phone(canonical, repairs | (LOST_ZERO if lost else NATIONAL))
    if number.country_code_source == CountryCodeSource.FROM_NUMBER_WITH_IDD:
        repairs |= INTERNATIONAL_PREFIX
    if digits.endswith(canonical):
        return Phone(canonical, repairs)
    if digits.endswith(f"{number.country_code}{trunk}{national}"):
        return Phone(canonical, repairs | TRUNK_ZERO)
    return Fault.NOT_A_NUMBER  # the library threw digits away; we read what is written or nothing


def _old_repairs(old: re.Match[str]) -> int:
    country, zero = old[1], old[2]
    if not country:
        return OLD_PREFIX | (NATIONAL if zero else LOST_ZERO)
    prefixed = INTERNATIONAL_PREFIX if country == "0084" else 0
    return OLD_PREFIX | prefixed | (TRUNK_ZERO if zero else 0)


def normalise_column(values: pl.Series, region: str = "VN") -> pl.DataFrame:
    """`normalise` for a String column: `phone` (String, null where it is none) and `repairs` (UInt8 mask).

    Same height and order as `values`; a null is not a phone. Repairs are 0 where there is no phone.
    """
    table = pl.DataFrame({"raw": values})
    if region != "VN":
        return _by_reference(table, region)
    direct = pl.col("raw").str.contains(rf"^(?:\+?84|0)(?:{_mobile()})$")
    table = table.with_columns(direct=direct.fill_null(value=True))
    if table["direct"].all():
        return table.select(*_direct())
    dirty = _vietnamese(table.filter(~pl.col("direct")).select("raw"))
    clean = table.filter("direct").select(*_direct())
    place = (
        pl.when("direct")
        .then(pl.col("direct").cum_sum())
        .otherwise(clean.height + (~pl.col("direct")).cum_sum())
    )
    return pl.concat([clean, dirty]).select(pl.all().gather(table.select(place - 1).to_series()))


@cache
def _mobile() -> str:
    """The library's pattern for Vietnamese mobile numbers, with a digit class that is ASCII."""
    metadata = PhoneMetadata.metadata_for_region("VN", None)
    pattern = metadata.mobile.national_number_pattern if metadata and metadata.mobile else None
    assert pattern, "the library knows Vietnamese mobile numbers"
    return str(pattern).replace(r"\d", "[0-9]")


def _direct() -> tuple[pl.Expr, pl.Expr]:
    """Results for spellings that are nothing but 0 or 84 or +84 and a present mobile number, or null."""
    zero = pl.col("raw").str.starts_with("0").fill_null(value=False)
    return (
        pl.concat_str(pl.lit("84"), pl.col("raw").str.tail(9)).alias("phone"),
        pl.when(zero).then(pl.lit(NATIONAL, pl.UInt8)).otherwise(pl.lit(0, pl.UInt8)).alias("repairs"),
    )


def _vietnamese(table: pl.DataFrame) -> pl.DataFrame:
    """Results for all other spellings of a column `raw` without nulls, by one pattern."""
    country, zero, present, old, tail = (pl.col("parts").struct[part] for part in range(5))
    shape = rf"^(\+84|0084|84)?(0)?(?:({_mobile()})|({'|'.join(OLD_PREFIXES)})([0-9]{{7}}))$"
    parts = (
        table.with_columns(compact=pl.col("raw").str.replace_all(r"[ \u{a0}.()/-]", ""))
        .with_columns(dialled=pl.col("compact").str.strip_prefix("'"))
        .with_columns(parts=pl.col("dialled").str.extract_groups(shape))
        .with_columns(national=pl.coalesce(present, old.replace_strict(OLD_PREFIXES, default=None) + tail))
    )
    fits = pl.col("national").str.contains(rf"^(?:{_mobile()})$").fill_null(value=False)
    kinds = {
        SEPARATORS: pl.col("compact") != pl.col("raw"),
        APOSTROPHE: pl.col("dialled") != pl.col("compact"),
        INTERNATIONAL_PREFIX: country == "0084",
        NATIONAL: country.is_null() & zero.is_not_null(),
        LOST_ZERO: country.is_null() & zero.is_null(),
        TRUNK_ZERO: country.is_not_null() & zero.is_not_null(),
        OLD_PREFIX: old.is_not_null(),
    }
    mask = pl.sum_horizontal(
        pl.when(found).then(pl.lit(bit, pl.UInt8)).otherwise(pl.lit(0, pl.UInt8))
        for bit, found in kinds.items()
    ).cast(pl.UInt8)
    return parts.select(
        pl.when(fits).then("84" + pl.col("national")).alias("phone"),
        pl.when(fits).then(mask).otherwise(pl.lit(0, pl.UInt8)).alias("repairs"),
    )


def _by_reference(table: pl.DataFrame, region: str) -> pl.DataFrame:
    """Results by `normalise`, once for each different spelling."""
    spellings = table["raw"].drop_nulls().unique()
    results = [normalise(spelling, region) for spelling in spellings]
    known = pl.DataFrame(
        {
            "raw": spellings,
            "phone": [None if isinstance(result, Fault) else result.digits for result in results],
            "repairs": [0 if isinstance(result, Fault) else result.repairs for result in results],
        },
        schema={"raw": pl.String, "phone": pl.String, "repairs": pl.UInt8},
    )
    joined = table.join(known, on="raw", how="left", maintain_order="left")
    return joined.select("phone", pl.col("repairs").fill_null(0))
