"""Whatever YAML of the language is formatted: values and comments stay, and twice is once."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from zalosync.spec.document import read_document
from zalosync.spec.format import formatted

WORDS = st.sampled_from(
    [
        "a",
        "b",
        "name",
        "on",
        "y",
        "5",
        "0901234567",
        "yes",
        "null",
        "22:30",
        "x: y",
        "x #y",
        "- x",
        "",
        " x",
        "Đơn hàng",
        "it's",
        'say "x"',
        "{{ a | b }}",
        "[x]",
        "a\\b",
        "tab\there",
        "2026-12-01",
        "50%",
        "*.csv",
        "&x",
        "!t",
        "%d",
        "@x",
        "two\nlines",
        "end\n",
        "#x",
        "a,b",
        "…",
        "?",
        "|",
        ">",
        "~",
        "<<",
        "=",
        "1e3",
        "0x1F",
        ".5",
        "+1",
        "true",
        "x" * 130,
    ]
)
KEYS = st.sampled_from(
    ["a", "b", "c", "spec", "name", "on", "from", "a b", "322307", "y", "k-1", "Ö", "#", "x: y", ""]
)
VALUES = st.recursive(
    st.one_of(WORDS, st.integers(-5, 5), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)
COMMENTS = st.sampled_from(["", " # beside", "   #no space", " # it's: {odd} [one]"])


def flow(value: object) -> str:
    """A value on one line, by the plainest spelling that is surely right."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        letters = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
        return '"' + "".join(letters.get(each, each) for each in value) + '"'
    if isinstance(value, list):
        return "[" + ", ".join(flow(each) for each in value) + "]"
    assert isinstance(value, dict)
    return "{" + ", ".join(f"{flow(key)}: {flow(each)}" for key, each in value.items()) + "}"


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file: block mappings and lists with comments and blank lines anywhere, flow values at the ends."""
    lines: list[str] = []

    def block(value: object, indent: str) -> None:
        assert isinstance(value, (dict, list))
        for each in value.items() if isinstance(value, dict) else [("-", item) for item in value]:
            key, inner = each
            lines.extend(
                draw(
                    st.sampled_from(
                        [[], [], [""], [f"{indent}# above"], ["", f"{indent}# above"], ["# left"]]
                    )
                )
            )
            head = f"{indent}-" if isinstance(value, list) else f"{indent}{flow(key)}:"
            beside = draw(COMMENTS)
            if isinstance(inner, (dict, list)) and inner and draw(st.booleans()):
                lines.append(f"{head}{beside}")
                block(inner, indent + draw(st.sampled_from([" ", "  ", "    "])))
            else:
                lines.append(f"{head} {flow(inner)}{beside}")
        lines.extend(draw(st.sampled_from([[], [], [f"{indent}# below"]])))

    block(draw(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)), "")
    return "\n".join(lines) + "\n"


@settings(max_examples=300)
@given(files())
@example('"spec":\n -\n  -\n   # above\n   - "a"\n')
@example("a:\n -\n  # above\n\n  # above\n  b: 1\n")
@example("a:\n - # beside\n  # above\n  - 1\n")
def test_formatting_keeps_everything(text: str) -> None:
    """Same values, same comments, and the form of the form is itself."""
    before = read_document(text.encode(), "case.yaml")
    if before.problems:
        return
    form = formatted(text.encode(), "case.yaml")
    after = read_document(form.encode(), "case.yaml")
    assert after.problems == ()
    assert after.value == before.value
    assert sorted(re.findall(r"# (?:above|below|left|beside)", form)) == sorted(
        re.findall(r"# (?:above|below|left|beside)", text)
    )
    assert formatted(form.encode(), "case.yaml") == form
