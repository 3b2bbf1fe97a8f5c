"""The page for authors of templates says what is so."""

import re
from pathlib import Path

import polars as pl
import pytest

from zalosync.compose.filters import FILTERS
from zalosync.compose.quantities import DATES, NUMBERS
from zalosync.compose.template import Program, check

PAGE = Path(__file__).resolve().parents[2] / "docs" / "templates.md"


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, cells stripped."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n", 1)[1]
    lines = [line for line in section.split("\n## ")[0].splitlines() if line.startswith("|")]
    # Markdown wants a bar of a template in a table as "\\|".
    return [
        [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
        for line in lines[2:]
    ]


@pytest.mark.parametrize(("source", "row", "wanted"), [row[:3] for row in table("What there is")])
def test_examples_of_the_language_hold(source: str, row: str, wanted: str) -> None:
    """Each example makes of its row what the page says."""
    columns = dict(part.split(" =") for part in row.split(","))
    frame = pl.DataFrame({name.strip(): [value.strip()] for name, value in columns.items()})
    source = source.strip("`")
    assert check(source, frame.columns) == []
    assert Program({"v": source}).render(frame)["v"][0] == wanted


@pytest.mark.parametrize(("use", "value", "wanted"), [row[:3] for row in table("Filters")])
def test_examples_of_filters_hold(use: str, value: str, wanted: str) -> None:
    """Each filter makes of its value what the page says."""
    source = "{{ x | " + use.strip("`") + " }}"
    assert check(source, ["x"]) == []
    assert Program({"v": source}).render(pl.DataFrame({"x": [value.strip("`")]}))["v"][0] == wanted


def test_the_page_names_every_filter_and_form() -> None:
    """No filter, spelling or form is left out."""
    uses = [row[0].strip("`") for row in table("Filters")]
    assert {use.split("(")[0] for use in uses} == set(FILTERS)
    assert {use for use in uses if use.startswith("date")} == {f"date('{name}')" for name in DATES}
    named = {f"number('{name}')" for name in NUMBERS} - {"number('vnd')"}
    assert {use for use in uses if use.startswith("number")} == named
