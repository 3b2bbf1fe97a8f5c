"""Do the values of a row fit the template's own contract, and the RSA key that will encrypt them?

The contract says how long a parameter may be, in characters of the plain value after NFC. The key says
how many bytes one value may have: OAEP with SHA-256 leaves the key's bytes minus 66, which is 446 for
RSA-4096 and 190 for RSA-2048; a Vietnamese letter takes two or three.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

OAEP_SHA256_BYTES = 66


class Misfit(StrEnum):
    """Why a row's value cannot be sent, in the order in which one value is judged."""

    BROKEN = "broken"  # the template could not make a value of this row's columns
    MISSING = "missing"
    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    OVER_BUDGET = "over-budget"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a template's contract says of one parameter; lengths in characters, None for no limit."""

    required: bool = False
    min_length: int | None = None
    max_length: int | None = None


def byte_budget(key_bits: int) -> int:
    """How many bytes one value may have under a key of this size (RSA-OAEP with SHA-256)."""
    return (key_bits + 7) // 8 - OAEP_SHA256_BYTES


def misfits(
    values: pl.DataFrame, limits: Mapping[str, Limits], budget: int | None, height: int | None = None
) -> pl.DataFrame:
    """Judge each row's values, and name the first that does not fit.

    A value of nothing but white space is missing: a misfit where the contract requires it, and fit,
    whatever its length, where it does not. A required parameter that `values` does not have is missing
    from every row. A value without limits is held against the budget only.

    Args:
        values: one String column for each parameter, null where no value could be made.
        limits: by parameter name.
        budget: bytes that one value may have, or None where nothing is encrypted.
        height: rows, where there may be no parameter and so no column that says it.

    Returns:
        As many rows, with `ok` (Boolean), `why` (String, a word of `Misfit`, null where ok) and
        `parameter` (String, null where ok).
    """
    why = pl.lit(None, dtype=pl.String)
    parameter = pl.lit(None, dtype=pl.String)
    found = list(_tests(values, limits, budget))
    for name, word, failed in reversed(found):
        why = pl.when(failed).then(pl.lit(word.value)).otherwise(why)
        parameter = pl.when(failed).then(pl.lit(name)).otherwise(parameter)
    rows = pl.repeat(value=True, n=values.height if height is None else height, eager=True)
    judged = rows.alias("__row").to_frame().hstack(values.get_columns())
    judged = judged.select(pl.col("__row"), why.alias("why"), parameter.alias("parameter"))
    return judged.select(pl.col("why").is_null().alias("ok"), "why", "parameter")


def _tests(
    values: pl.DataFrame, limits: Mapping[str, Limits], budget: int | None
) -> Iterator[tuple[str, Misfit, pl.Expr]]:
    """Every test that a row must pass, first things first: parameter, word, and whether it failed."""
    for name in [*values.columns, *(name for name in limits if name not in values.columns)]:
        limit = limits.get(name, Limits())
        if name not in values.columns:
            if limit.required:
                yield name, Misfit.MISSING, pl.lit(True)
            continue
        value = pl.col(name)
        blank = value.str.strip_chars() == ""
        if limit.required:
            yield name, Misfit.BROKEN, value.is_null()
            yield name, Misfit.MISSING, blank
        else:
            yield name, Misfit.BROKEN, value.is_null()
        if limit.min_length is not None and limit.min_length > 0:
            yield name, Misfit.TOO_SHORT, (value.str.len_chars() < limit.min_length) & ~blank
        if limit.max_length is not None:
            yield name, Misfit.TOO_LONG, value.str.len_chars() > limit.max_length
        if budget is not None:
            yield name, Misfit.OVER_BUDGET, value.str.len_bytes() > budget
