"""What stands between a campaign's spec and its messages: columns, keys, lists that end, notes for people."""

import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest

from zalosync.audience.screen import Reason
from zalosync.compose.message import Keys
from zalosync.compose.prepare import Prepared, prepared
from zalosync.errors import SpecError
from zalosync.spec.load import load_project

NOW = datetime(2026, 12, 31, 18, 30, tzinfo=UTC)  # the first of January in Vietnam
PROJECT = """\
apiVersion: zalosync/v1
kind: Project
metadata: {name: shop}
spec:
  specs: ["*.campaign.yaml"]
  environments: {here: {baseUrl: sandbox}}
"""
CAMPAIGN = """\
apiVersion: zalosync/v1
kind: Campaign
metadata: {name: shipped}
spec:
  sender: "4097700000000000001"
  template: {name: 322307, tag: TRANSACTION}
  audience:
    path: people.csv
    phone: phone
    key: "{{ code }}"
  templateData: {code: "{{ code }}"}
"""


def messages(root: Path, audience: bytes, campaign: str = CAMPAIGN, project: str = PROJECT) -> Prepared:
    """The campaign's messages, gathered and counted."""
    (root / "zalosync.yaml").write_text(project, encoding="utf-8")
    (root / "shipped.campaign.yaml").write_text(campaign, encoding="utf-8")
    (root / "people.csv").write_bytes(audience)
    loaded = load_project(root, environment=None, now=NOW)
    opened = prepared(loaded, loaded.campaigns[0], Keys(b"k" * 32), now=NOW, budget=None, content=False)
    with opened as found:
        found.desired.gather(lambda _rows: None)
        for _ in found.desired.messages():
            pass
        return found


def test_spaces_around_a_key_make_no_second_message(tmp_path: Path) -> None:
    """`DH1 ` and `DH1` are one message; a key of spaces alone is none."""
    found = messages(tmp_path, b"phone,code\n0901234567,DH1\n0901234568,DH1 \n0901234569, \n")
    skipped = found.desired.waterfall.skipped
    assert skipped == {Reason.DUPLICATE_KEY: 1, Reason.UNREADABLE: 1}
    assert found.desired.waterfall.kept == 1


def test_a_missing_column_is_an_unknown_column(tmp_path: Path) -> None:
    """Named outside of a template or inside of one, it is the same mistake with the same code."""
    spec = CAMPAIGN.replace("phone: phone", "phone: fone\n    consent: agreed").replace("code }}", "kode }}")
    with pytest.raises(SpecError) as caught:
        messages(tmp_path, b"phone,code\n0901234567,DH1\n", spec)
    paths = [problem.path for problem in caught.value.problems]
    expected = ["audience.phone", "audience.consent", "audience.key", "templateData.code"]
    assert paths == [f"spec.{path}" for path in expected]
    assert {problem.code for problem in caught.value.problems} == {"ZS355"}
    assert caught.value.problems[0].meant == "phone"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_columns_are_found_however_their_letters_were_typed(tmp_path: Path, form: str, typed: str) -> None:
    """`điện thoại` is `điện thoại`, in the header and in the spec."""
    header = unicodedata.normalize(form, "điện thoại,đồng ý,code")  # type: ignore[arg-type]
    columns = "phone: điện thoại\n    consent: đồng ý"
    spec = CAMPAIGN.replace("phone: phone", unicodedata.normalize(typed, columns))  # type: ignore[arg-type]
    found = messages(tmp_path, f"{header}\n0901234567,2026-01-01,DH1\n0901234568,,DH2\n".encode(), spec)
    assert found.desired.waterfall.skipped == {Reason.NO_CONSENT: 1}
    assert found.desired.waterfall.kept == 1


@pytest.mark.parametrize(("zone", "suppressed"), [("", 1), ("\n  timezone: Asia/Ho_Chi_Minh", 0)])
def test_a_list_ends_with_the_day_of_the_project(tmp_path: Path, zone: str, suppressed: int) -> None:
    """`until: 2026-12-31` is over when that day is over where the project is."""
    (tmp_path / "gone.csv").write_bytes(b"phone,until\n0901234567,2026-12-31\n")
    spec = CAMPAIGN.replace("  templateData", "    exclude: [gone.csv]\n  templateData")
    found = messages(tmp_path, b"phone,code\n0901234567,DH1\n", spec, PROJECT.rstrip() + zone + "\n")
    assert found.recipe.suppressed is not None
    assert len(found.recipe.suppressed) == suppressed


def test_how_files_were_read_is_told_once_they_were(tmp_path: Path) -> None:
    """A recognised encoding is worth a word."""
    audience = "phone,code,name\n0901234567,DH1,Trần Thị Ngọc Bích\n"
    found = messages(tmp_path, unicodedata.normalize("NFC", audience).encode("utf-16-le"))
    assert found.notes() == ("people.csv was recognised as UTF-16 without a byte order mark",)
    assert messages(tmp_path, audience.encode()).notes() == ()


def test_the_declared_encoding_is_used(tmp_path: Path) -> None:
    """What could also be Western text is read as the spec says."""
    audience = "phone,code\n0901234567,L\u00ea\n".encode("cp1258")
    with pytest.raises(SpecError, match="the encoding cannot be told"):
        messages(tmp_path, audience)
    declared = CAMPAIGN.replace("path: people.csv\n", "path: people.csv\n    encoding: windows-1258\n")
    assert messages(tmp_path, audience, declared).desired.waterfall.kept == 1


@pytest.mark.parametrize(("rows", "fits"), [(1, False), (2, True), (3, True)])
def test_the_project_says_how_many_rows_an_audience_may_have(
    tmp_path: Path,
    rows: int,
    fits: bool,  # noqa: FBT001 - a table column
) -> None:
    """Exactly as many are read, and one more refuses the audience with its line."""
    project = f"{PROJECT}  audienceLimits: {{rows: {rows}}}\n"
    audience = b"phone,code\n0901234567,1\n0901234568,2\n"
    if fits:
        assert messages(tmp_path, audience, project=project).desired.waterfall.audience == 2
    else:
        with pytest.raises(SpecError, match=r"people.csv:3:1: .*too many rows"):
            messages(tmp_path, audience, project=project)


@pytest.mark.parametrize(("size", "fits"), [(34, False), (35, True)])
def test_the_project_says_how_many_bytes_an_audience_may_have(
    tmp_path: Path,
    size: int,
    fits: bool,  # noqa: FBT001 - a table column
) -> None:
    """A larger file is refused before it is read, at the line of the spec that names it."""
    project = f"{PROJECT}  audienceLimits: {{bytes: {size}}}\n"
    audience = b"phone,code\n0901234567,1\n0901234568\n"
    assert len(audience) == 35
    if not fits:
        with pytest.raises(SpecError, match=r"shipped.campaign.yaml:8:11: .*the file is too large"):
            messages(tmp_path, audience, project=project)
    else:
        with pytest.raises(SpecError, match="fields"):  # it is read, and its last row is short
            messages(tmp_path, audience, project=project)
