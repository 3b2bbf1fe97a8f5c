"""What a template costs: µs for a row of five values, beside Jinja as one would write it by hand.

    python benchmarks/templates.py [--rows 100000] [--json FILE]

Compared, on the same rows in the same process: a `render` per value (templates compiled once), our row
path (all templates on one context, nothing in columns), and a `Program` as it is. Then the longest time
that the check took to refuse one template of the hostile corpus.
"""

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
from jinja2.sandbox import ImmutableSandboxedEnvironment

from zalosync.compose.filters import FILTERS
from zalosync.compose.template import Program, check

CORPUS = Path(__file__).resolve().parent.parent / "tests" / "hostile" / "jinja_corpus.py"
PROGRAMS = {
    "five bare columns": ("{{ name }}", "{{ code }}", "{{ amount }}", "{{ due }}", "{{ city }}"),
    "five usual values": (
        "{{ name|title }}",
        "Mã {{ code }}",
        "{{ amount|vnd }}",
        "{{ due|date('dd/mm/yyyy') }}",
        "{{ tier|default('thường') }}",
    ),
    "five that need Jinja": (
        "{{ 'nhiều' if amount|int > 500000 else 'ít' }}",
        "{{ amount|round(2) }}",
        "{{ code|truncate(30) }}{{ amount|int }}",
        "{% if amount|int > 70000 %}{{ name|title }}{% else %}{{ code }}{% endif %}",
        "{{ due|date('dd/mm/yyyy') }}{{ amount|int }}",
    ),
}


def customers(rows: int) -> pl.DataFrame:
    """Made-up rows with Vietnamese names; the same for the same number."""
    names = ("NGUYỄN THỊ ánh đặng", "Trần Văn An", "lê hoàng phúc", "Phạm Minh", "H'HEN NIÊ")
    return pl.DataFrame(
        {
            "name": [names[row % 5] for row in range(rows)],
            "code": [f"DH-{row:07}" for row in range(rows)],
            "amount": [str(10_000 + row * 37) for row in range(rows)],
            "due": [f"2026-12-{1 + row % 28:02}" for row in range(rows)],
            "city": [("Hà Nội", "Huế")[row % 2] for row in range(rows)],
            "tier": [("vàng", "", "")[row % 3] for row in range(rows)],
        }
    )


def microseconds(work: Callable[[], object], rows: int) -> float:
    """The best of three, for one row."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best / rows * 1e6


def by_hand(sources: tuple[str, ...], frame: pl.DataFrame) -> list[list[str]]:
    """A careful script: compiled once, sandboxed, one `render` for each value of each row."""
    environment = ImmutableSandboxedEnvironment(autoescape=False)
    environment.filters.update({name: rule.apply for name, rule in FILTERS.items()})
    templates = [environment.from_string(source) for source in sources]
    return [[template.render(row) for template in templates] for row in frame.iter_rows(named=True)]


def measure(rows: int) -> dict[str, dict[str, float]]:
    """µs for one row, by program and way."""
    frame = customers(rows)
    few = frame[: max(1, rows // 10)]
    results = {}
    for title, sources in PROGRAMS.items():
        program = Program({f"value {number}": source for number, source in enumerate(sources)})
        row_path = Program(program.sources)
        for part in row_path._parts.values():  # noqa: SLF001 -- a benchmark looks inside
            part.columnar = None
        results[title] = {
            "a render per value": microseconds(lambda s=sources: by_hand(s, few), few.height),  # type: ignore[misc]
            "one context a row": microseconds(lambda p=row_path: p.render(few), few.height),  # type: ignore[misc]
            "program": microseconds(lambda p=program: p.render(frame), rows),  # type: ignore[misc]
        }
    return results


def slowest_refusal() -> tuple[int, float]:
    """How many hostile templates were refused, and the longest that one took, in ms."""
    spec = importlib.util.spec_from_file_location("hostile_templates", CORPUS)
    if spec is None or spec.loader is None:
        sys.exit(f"{CORPUS} is not there")
    corpus = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(corpus)
    longest = 0.0
    for payload in corpus.CORPUS:
        start = time.perf_counter()
        check(payload, corpus.COLUMNS)
        longest = max(longest, time.perf_counter() - start)
    return len(corpus.CORPUS), longest * 1000


def main() -> None:
    """Print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    results = measure(given.rows)
    refused, longest = slowest_refusal()
    print(f"{'µs a row':24}" + "".join(f"{way:>20}" for way in next(iter(results.values()))))
    for title, ways in results.items():
        print(f"{title:24}" + "".join(f"{cost:20.2f}" for cost in ways.values()))
    print(f"{refused} hostile templates refused, the slowest in {longest:.1f} ms (goal: 100)")
    if given.json:
        document = {"templates_us_per_row": results, "hostile": {"refused": refused, "slowest_ms": longest}}
        given.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
