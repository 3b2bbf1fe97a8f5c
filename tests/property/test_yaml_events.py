"""The quicker steps of the YAML parser: the same events at the same places as the parser as it comes."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from zalosync.spec.events import events_of

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for folder in ("specs", "examples", "tests/golden/bad_specs")
    for path in (REPOSITORY / folder).rglob("*.yaml")
)


def traced(text: str, *, quick: bool) -> list[object]:
    """Every event with its place, and how it ended."""
    seen: list[object] = []
    try:
        for event in events_of(text) if quick else YAML(typ="safe", pure=True).parse(text):
            start, end = event.start_mark, event.end_mark
            seen.append(
                (
                    type(event).__name__,
                    getattr(event, "value", None),
                    getattr(event, "anchor", None),
                    str(getattr(event, "ctag", None)),
                    getattr(event, "style", None),
                    getattr(event, "flow_style", None),
                    (start.line, start.column, start.index, end.line, end.column, end.index),
                )
            )
    except YAMLError as error:
        seen.append((type(error).__name__, str(error)))
    except (ValueError, IndexError) as error:
        seen.append(type(error).__name__)
    return seen


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_give_the_same_events(path: Path) -> None:
    """Everything that is shipped, and every bad spec that is text."""
    text = path.read_bytes().decode("utf-8", errors="replace").replace("\ufffd", "?").replace("\x07", "")
    assert traced(text, quick=True) == traced(text, quick=False)


@settings(max_examples=600)
@given(st.text(alphabet="ab:-?[]{},#&*!|>'\"%@` \n\r\t~09.\u00a0é\ufeff", max_size=60))
def test_any_signs_give_the_same_events(text: str) -> None:
    """Right or wrong: the same events, or the same error at the same place."""
    assert traced(text, quick=True) == traced(text, quick=False)


LINES = st.lists(
    st.sampled_from(
        [
            *("a: 1", "  b: [1, {c: d}] # x", "- x", "  - y: z", "# c", "", "   ", "a: |", "  text"),
            *("key: 'q # r'", 'k: "a', '  b"', "? x", ": y", "---", "a: b c  # d", "  ", "\tx", "x: >-"),
            *("    deep: 1", "{a: b,", "c}", "e: f\r"),
        ]
    ),
    max_size=12,
)


@settings(max_examples=400)
@given(LINES)
def test_any_lines_give_the_same_events(lines: list[str]) -> None:
    """Lines as people write them, in any order."""
    text = "\n".join(lines)
    assert traced(text, quick=True) == traced(text, quick=False)
