"""The canonical form: what a file says stays, its comments stay, and formatting twice changes nothing."""

from pathlib import Path

import pytest

from zalosync.errors import SpecError
from zalosync.spec.document import read_document
from zalosync.spec.format import formatted
from zalosync.spec.starter import starter_files

BEFORE = """\
# head of the file
kind:   Campaign   # what it is
apiVersion: 'zalosync/v1'


metadata: {owner: a@b.vn, name: "x",
   labels: {a: 'b # no comment', "c#d": e}}
# about the spec
spec:
    template: {tag: PROMOTION, name: 5}
    # about the sender
    sender: '409'

    templateData: # beside a key
      b: '{{ b }}'
      # about a
      a: "x # y"
      # foot of templateData
    audience:
      exclude:
      - a.csv   # first
      # between
      - "b.csv"
      path: "a*.csv"
      phone: phone

      key: >-
        {{ a }}-{{ b }}
        and more
    schedule: {deliveryTimeWindow: {days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY],
      from: "08:00", to: "21:00"}}
    smsFailover:
      text: |
        two
          lines
    # foot of the spec
# foot of the file
"""
AFTER = """\
# head of the file
apiVersion: zalosync/v1
kind: Campaign # what it is

metadata: {name: x, owner: a@b.vn, labels: {a: "b # no comment", "c#d": e}}
# about the spec
spec:
  # about the sender
  sender: "409"
  template: {name: 5, tag: PROMOTION}
  audience:
    path: "a*.csv"
    phone: phone

    key: "{{ a }}-{{ b }} and more"
    exclude:
      - a.csv # first
      # between
      - b.csv

  templateData: # beside a key
    b: "{{ b }}"
    # about a
    a: "x # y"
    # foot of templateData
  schedule:
    deliveryTimeWindow: {days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY], from: "08:00", to: "21:00"}
  smsFailover:
    text: |
      two
        lines
  # foot of the spec
# foot of the file
"""
BAD_SPECS = Path(__file__).resolve().parent.parent / "golden" / "bad_specs"


def form(text: str) -> str:
    """The canonical form of a text."""
    return formatted(text.encode(), "case.yaml")


def test_a_file_in_its_canonical_form() -> None:
    """Order of keys, indentation, quotes, flow and blocks; every comment where it belongs."""
    assert form(BEFORE) == AFTER
    assert form(AFTER) == AFTER


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("a: 'x'", "a: x"),
        ('a: "x"', "a: x"),
        ("a: '5'", 'a: "5"'),
        ("a: '0901234567'", 'a: "0901234567"'),
        ("a: 'yes'", 'a: "yes"'),
        ("a: yes", 'a: "yes"'),
        ("a: off", 'a: "off"'),
        ("a: 'null'", 'a: "null"'),
        ("a: True", "a: true"),
        ("a: NULL", "a: null"),
        ("a: 22:30", 'a: "22:30"'),
        ("a: 2026-12-01T09:00:00+07:00", "a: 2026-12-01T09:00:00+07:00"),
        ("a: '2027-01-31'", "a: 2027-01-31"),
        ("a: 6h", "a: 6h"),
        ("a: 50%", "a: 50%"),
        ("a: 0x1F", "a: 0x1F"),
        ("a: 1e3", "a: 1e3"),
        ("a: '1e3'", 'a: "1e3"'),
        ("a: 'it''s'", 'a: "it\'s"'),
        ('a: "a\\tb"', 'a: "a\\tb"'),
        ('a: "\\u202e"', 'a: "\\u202e"'),
        ("a: ../x/*.csv", 'a: "../x/*.csv"'),
        ("a: ../x/a.csv", "a: ../x/a.csv"),
        ("a: sqlite:///x.db", "a: sqlite:///x.db"),
        ("a: https://a.api.infobip.com", "a: https://a.api.infobip.com"),
        ("a: 'x: y'", 'a: "x: y"'),
        ("a: 'x #y'", 'a: "x #y"'),
        ("a: '- x'", 'a: "- x"'),
        ("a: ''", 'a: ""'),
        ("a: ' x'", 'a: " x"'),
        ("a: Đơn hàng đã gửi", "a: Đơn hàng đã gửi"),
        ("a: []", "a: []"),
        ("a: {}", "a: {}"),
        ("a: [ 1,  'b' ]", "a: [1, b]"),
        ("'a b': 1", "a b: 1"),
        ("on: 1", "on: 1"),
        ("'y': 1", '"y": 1'),
        ("a:\n- b\n- c: 1\n  d: 2", "a:\n  - b\n  - c: 1\n    d: 2"),
        ("a:\n- - b\n  - c", "a:\n  - - b\n    - c"),
        ("a: |-\n  x\n  y", "a: |-\n  x\n  y"),
        ("a: |+\n  x\n  y\n\n", "a: |+\n  x\n  y\n\n"),
        ('a: "x\\ny\\n"', "a: |\n  x\n  y"),
        ("a: x\n  y", "a: x y"),
        ("---\na: 1\n...", "a: 1"),
        ("a: 1\n\n\n\nb: 2", "a: 1\n\nb: 2"),
        ("a: 1   \nb: 2", "a: 1\nb: 2"),
        ("a: 1\r\nb: 2\r\n", "a: 1\nb: 2"),
        ("{a: 1, b: [2]}", "a: 1\nb: [2]"),
        ("a: {b: 1, # x\n  c: 2}", "a:\n  b: 1 # x\n  c: 2"),
        ("a:\n  -   # x\n    b: 1", "a:\n  # x\n  - b: 1"),
        ("a: | # x\n  y\n  z", "a: | # x\n  y\n  z"),
        ("a: |-\n  x\n  y\n\n\nb: 1", "a: |-\n  x\n  y\n\nb: 1"),
        ('a: "x #y" # z #w', 'a: "x #y" # z #w'),
        ("'a #b': c # d", '"a #b": c # d'),
    ],
)
def test_small_forms(written: str, canonical: str) -> None:
    """One spelling for each value, the same values, and the same again when formatted twice."""
    text = form(written + "\n")
    assert text == canonical + "\n"
    assert form(text) == text
    before, after = (read_document(each.encode(), "") for each in (written + "\n", text))
    assert before.value == after.value


@pytest.mark.parametrize("text", ["a: &x 1\nb: *x\n", "a: [\n", "", "a: 1\na: 2\n", "a: 1\n---\nb: 1\n"])
def test_what_is_refused_is_not_formatted(text: str) -> None:
    """Anchors would be lost, doubled keys merged: the file is left alone."""
    with pytest.raises(SpecError):
        form(text)


def test_every_readable_spec_keeps_what_it_says() -> None:
    """The whole corpus of bad specs: right or wrong in meaning, formatting changes no value and is stable."""
    formed = 0
    for path in sorted(BAD_SPECS.glob("*.yaml")):
        document = read_document(path.read_bytes(), path.name)
        if document.problems:
            continue
        text = formatted(path.read_bytes(), path.name)
        assert read_document(text.encode(), path.name).value == document.value, path.name
        assert form(text) == text, path.name
        formed += 1
    assert formed > 150


def test_what_we_ship_is_canonical(repository: Path) -> None:
    """The example projects and what `init` makes."""
    for folder in ("specs", "examples/minimal"):
        for path in (repository / folder).rglob("*.yaml"):
            assert formatted(path.read_bytes(), path.name) == path.read_text(encoding="utf-8"), path
    for name, text in starter_files("Shop CRM").items():
        if name.endswith(".yaml"):
            assert form(text) == text, name
