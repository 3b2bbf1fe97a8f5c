"""The made-up customers: the checked-in files are what the generator gives."""

import importlib.util
import io
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from zalosync.audience.phone import REPAIRS
from zalosync.audience.read import open_audience
from zalosync.audience.screen import Reason, Rules, screen
from zalosync.audience.suppress import read_suppressions


@pytest.fixture(scope="module")
def customers(repository: Path) -> ModuleType:
    """The generator, loaded from its file: `benchmarks/` is no package."""
    spec = importlib.util.spec_from_file_location("customers", repository / "benchmarks" / "customers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def screened(repository: Path) -> pl.DataFrame:
    """The checked-in customers after screening with all rules."""
    specs = repository / "specs"
    now = datetime(2026, 11, 23, tzinfo=UTC)
    suppressed = read_suppressions(specs, "audiences", ["suppressions.csv"], "VN", now).phones
    rules = Rules(
        phone="phone",
        consent="consent_at",
        where=lambda frame: frame["status"] == "shipped",
        suppressed=suppressed,
    )
    with open_audience(specs, "campaigns", ["../audiences/customers.csv"]) as audience:
        return pl.concat(screen(chunk.frame, rules) for chunk in audience.chunks(3_000))


def test_the_checked_in_files_come_from_the_generator(repository: Path, customers: ModuleType) -> None:
    """Byte for byte, so that nobody edits 10,000 rows by hand."""
    for name, write in (("customers", customers.write), ("suppressions", customers.write_suppressions)):
        made = io.StringIO(newline="")
        write(made)
        stored = (repository / "specs" / "audiences" / f"{name}.csv").read_bytes()
        assert made.getvalue().encode() == stored, f"run benchmarks/customers.py again for {name}.csv"


def test_a_smaller_file_is_the_start_of_a_larger_one(customers: ModuleType) -> None:
    """Each row depends on its number only, so audiences of any size are comparable."""
    small, large = io.StringIO(newline=""), io.StringIO(newline="")
    customers.write(small, rows=50)
    customers.write(large, rows=60)
    assert large.getvalue().startswith(small.getvalue())


def test_every_row_has_one_fate(screened: pl.DataFrame) -> None:
    """10,000 rows, most of them kept, and every reason of this room occurs."""
    fates = Counter(Reason(reason) for reason in screened["__reason"])
    assert sum(fates.values()) == 10_000
    assert fates[Reason.KEPT] > 8_000
    for reason in (Reason.INVALID_PHONE, Reason.NOT_WHERE, Reason.NO_CONSENT, Reason.SUPPRESSED):
        assert fates[reason] > 10


def test_the_dirt_is_realistic(screened: pl.DataFrame) -> None:
    """Every kind of repair, repeated phones and orders, missing and over-long names occur."""
    for bit, kind in enumerate(REPAIRS):
        assert ((screened["__repairs"] // (1 << bit)) % 2).sum() > 100, kind
    kept = screened.filter(pl.col("__reason") == Reason.KEPT)
    assert kept["__phone"].n_unique() < kept["order_code"].n_unique() < kept.height
    assert (kept["name"] == "").sum() > 10
    assert (kept["name"].str.len_chars() > 30).sum() > 10


def test_the_numbers_are_obviously_made_up(screened: pl.DataFrame) -> None:
    """Behind its prefix each number counts up from zero: nobody picked it from a phone book."""
    tails = screened["__phone"].drop_nulls().str.tail(7)
    assert tails.str.starts_with("0000").all()
