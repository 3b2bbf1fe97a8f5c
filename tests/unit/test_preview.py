"""Previews: which rows are shown, and what is said of them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from zalosync.audience.screen import Reason
from zalosync.compose.message import Keys
from zalosync.compose.preview import Preview, preview
from zalosync.errors import SpecError, UsageError
from zalosync.spec.load import load_project

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEYS = Keys(bytes(32))
PROJECT = """\
apiVersion: zalosync/v1
kind: Project
metadata: {name: shop}
spec:
  specs: ["*.campaign.yaml"]
  defaultEnvironment: sandbox
  environments: {sandbox: {baseUrl: sandbox}}
"""
CAMPAIGN = """\
apiVersion: zalosync/v1
kind: Campaign
metadata: {name: hello}
spec:
  sender: "4097700000000000001"
  template: {name: 7, tag: TRANSACTION}
  audience: {path: people.csv, phone: phone, where: "{{ status == 'ok' }}"}
  templateData: {name: "{{ name | title }}", amount: "{{ amount | vnd }}"}
  encrypted: true
  smsFailover: {sender: SHOP, text: "Chào {{ name }}", asciiOnly: true}
"""
LOCK = """\
templates:
  "7": {sender: "4097700000000000001", status: ENABLE, tag: TRANSACTION, pulledAt: 2026-11-23T08:00:00Z,
        parameters: {name: {required: true, minLength: 1, maxLength: 8}, amount: {required: true}}}
"""
ROWS = [
    ("0900000001", "đặng ánh", "1250000", "no"),
    ("09", "lan", "5", "ok"),
    ("0900000003", "ĐẶNG ÁNH", "1250000", "ok"),
    ("0900000004", "nguyễn thị ánh", "5", "ok"),
    ("0900000005", "lan", "soon", "ok"),
    ("0900000006", "", "5", "ok"),
    *((f"09000001{n:02}", f"lan {n}", "5", "ok") for n in range(60)),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one campaign and 66 rows."""
    (tmp_path / "zalosync.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "hello.campaign.yaml").write_text(CAMPAIGN, encoding="utf-8")
    (tmp_path / "templates.lock.yaml").write_text(LOCK, encoding="utf-8")
    lines = ["phone,name,amount,status", *(",".join(row) for row in ROWS)]
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def look(root: Path, *, budget: int | None = 446, row: int | None = None, sample: int = 1) -> list[Preview]:
    """Preview rows of the only campaign."""
    loaded = load_project(root, environment=None, now=NOW)
    (campaign,) = loaded.campaigns
    return preview(loaded, campaign, KEYS, now=NOW, budget=budget, row=row, sample=sample)


def test_the_first_row_that_would_be_sent(project: Path) -> None:
    """Without a row asked for, the first recipient is shown, with both texts and all sizes."""
    (first,) = look(project)
    assert (first.row, first.file, first.line, first.reason) == (3, "people.csv", 4, Reason.KEPT)
    assert first.phone == "84900000003"
    name, amount = first.values
    assert (name.text.text, name.text.masked, name.longest) == ("Đặng Ánh", "•••• •••", 8)
    assert (name.text.characters, name.text.bytes) == (8, 12)
    assert (amount.text.text, amount.text.masked) == ("1.250.000", "•.•••.•••")
    assert first.failover is not None
    assert first.segments is not None
    assert (first.failover.text, first.failover.masked) == ("Chao DANG ANH", "Chao •••• •••")
    assert (first.segments.encoding, first.segments.segments) == ("GSM-7", 1)
    assert first.message is not None


@pytest.mark.parametrize(
    ("row", "reason", "misfits"),
    [
        (1, Reason.NOT_WHERE, []),
        (2, Reason.INVALID_PHONE, []),
        (3, Reason.KEPT, ["", ""]),
        (4, Reason.INVALID_VALUES, ["too-long", ""]),
        (5, Reason.INVALID_VALUES, ["", "broken"]),
        (6, Reason.INVALID_VALUES, ["missing", ""]),
    ],
)
def test_a_row_that_is_skipped_says_why(project: Path, row: int, reason: Reason, misfits: list[str]) -> None:
    """A row that is asked for is shown whatever becomes of it, each value with its own misfit."""
    (seen,) = look(project, row=row)
    assert (seen.row, seen.line, seen.reason) == (row, row + 1, reason)
    assert [value.misfit for value in seen.values] == misfits


def test_the_key_decides_what_fits(project: Path) -> None:
    """A value of more bytes than the key can carry does not fit."""
    (seen,) = look(project, row=3, budget=11)
    assert [value.misfit for value in seen.values] == ["over-budget", ""]


def test_a_sample_is_spread_and_always_the_same(project: Path) -> None:
    """A sample has rows that would be sent only, in the audience's order, the same ones each time."""
    rows = [each.row for each in look(project, sample=5)]
    assert len(rows) == 5
    assert rows == sorted(rows)
    assert min(rows) >= 3
    assert not {4, 5, 6} & set(rows)
    assert rows == [each.row for each in look(project, sample=5)]
    assert len({each.row for each in look(project, sample=50)}) == 50


def test_a_row_that_is_not_there(project: Path) -> None:
    """The error tells how many rows there are."""
    with pytest.raises(UsageError, match="no row 67: it has 66"):
        look(project, row=67)


@pytest.mark.parametrize(
    ("written", "text", "masked"),
    [
        ('text: "Chào {{ name }}"}', "Chào ĐẶNG ÁNH", "Chào •••• •••"),
        ('text: "{{ amount|int }}"}', "1250000", "•••••••"),
        (None, None, None),
    ],
)
def test_failover_as_written(
    project: Path, written: str | None, text: str | None, masked: str | None
) -> None:
    """Without `asciiOnly` the text keeps its letters; without failover there is none."""
    lines = [line for line in CAMPAIGN.splitlines() if "smsFailover" not in line]
    lines += [] if written is None else ["  smsFailover: {sender: SHOP, " + written]
    (project / "hello.campaign.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (seen,) = look(project, row=3)
    shown = seen.failover
    assert (shown.text if shown else None, shown.masked if shown else None) == (text, masked)
    assert (seen.segments is None) == (written is None)


def test_a_failover_text_that_cannot_be_made(project: Path) -> None:
    """It has no text, no form, and no segments."""
    text = CAMPAIGN.replace("Chào {{ name }}", "{{ amount|int }}")
    (project / "hello.campaign.yaml").write_text(text, encoding="utf-8")
    (seen,) = look(project, row=5)
    assert seen.failover is not None
    assert (seen.failover.text, seen.failover.masked, seen.segments) == (None, "", None)


def test_nobody_to_show(project: Path) -> None:
    """An audience of which no row would be sent has no preview."""
    (project / "people.csv").write_text("phone,name,amount,status\n09,a,1,ok\n", encoding="utf-8")
    assert look(project) == []
    assert look(project, sample=3) == []


def test_an_unknown_column_is_told_before_any_row_is_read(project: Path) -> None:
    """The same check as a plan's, with the place in the campaign."""
    (project / "people.csv").write_text("phone,nmae,amount,status\n09,a,1,ok\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"hello.campaign.yaml:8.*no column `name`.*`nmae`"):
        look(project)


def test_nothing_personal_in_a_repr(project: Path) -> None:
    """Previews may be logged by mistake: their repr has no phone and no text."""
    shown = repr(look(project, sample=3)).lower()
    for secret in ("lan", "ánh", "0900", "84900", "1.250"):
        assert secret not in shown
