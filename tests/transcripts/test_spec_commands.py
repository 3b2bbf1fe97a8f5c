"""`validate`, `schema`, `fmt`, `init`, `explain` as people use them: arguments in, output and code out."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from zalosync.catalogue import CATALOGUE
from zalosync.cli.main import main
from zalosync.spec.schema import KINDS, schema_text


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]
HEADERS_ONLY = (
    "Of audiences and suppression lists only the headers were read:"
    " `plan` and `validate --rows` read the rows.\n"
)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process."""

    def command(*arguments: str | Path) -> Said:
        with pytest.raises(SystemExit) as caught:
            main([str(each) for each in arguments])
        printed = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return Said(caught.value.code, printed.out, printed.err)

    return command


@pytest.fixture
def shop(tmp_path: Path, run: Run) -> Path:
    """A new project."""
    assert run("-C", tmp_path / "shop", "init").code == 0
    return tmp_path / "shop"


def edit(path: Path, before: str, after: str) -> None:
    """Replace a text that is there."""
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_init_makes_a_project_that_validates(tmp_path: Path, run: Run) -> None:
    """Project, campaign, audience, policy, schemas, `.gitignore` and a key of its own."""
    shop = tmp_path / "Shop CRM"
    made = run("-C", shop, "init")
    assert made.code == 0
    assert f"zalosync -C '{shop}' validate" in made.out
    assert (
        (shop / "zalosync.yaml")
        .read_text()
        .startswith("# yaml-language-server: $schema=schema/project.schema.json\n")
    )
    assert "name: shop-crm\n" in (shop / "zalosync.yaml").read_text()
    assert ".zalosync/" in (shop / ".gitignore").read_text().splitlines()
    key = shop / ".zalosync" / "key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(bytes.fromhex(key.read_text().strip())) == 32
    checked = run("-C", shop, "validate")
    assert checked.code == 0
    assert checked.out.endswith(f"3 files, 1 campaign: 0 errors, 1 warning\n{HEADERS_ONLY}")
    assert run("-C", shop, "fmt", "--check") == Said(0, "", "")
    for kind in KINDS:
        assert (shop / "schema" / f"{kind}.schema.json").read_text() == schema_text(kind)


def test_init_overwrites_nothing(shop: Path, run: Run) -> None:
    """A second time it is refused; a `.gitignore` that is there is added to, once."""
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    refused = run("-C", shop, "init")
    assert refused.code == 64
    assert "already there" in refused.err
    assert before == {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    other = shop.parent / "other"
    other.mkdir()
    (other / ".gitignore").write_text("*.log\n.zalosync/")
    assert run("-C", other, "init").code == 0
    lines = (other / ".gitignore").read_text().splitlines()
    assert lines[:2] == ["*.log", ".zalosync/"]
    assert lines.count(".zalosync/") == 1
    assert "*.zsplan" in lines


def test_init_refuses_ci_clearly(tmp_path: Path, run: Run) -> None:
    """This version makes no CI files, and makes nothing else either then."""
    refused = run("-C", tmp_path, "init", "--ci", "github")
    assert refused.code == 64
    assert "makes no CI files" in refused.err
    assert list(tmp_path.iterdir()) == []


def test_validate_shows_each_mistake_with_a_caret(shop: Path, run: Run) -> None:
    """Place, path, source line, what was found, what is allowed, what was meant; exit 65."""
    campaign = shop / "campaigns" / "welcome.yaml"
    edit(campaign, "  encrypted: true", "  encypted: true")
    edit(campaign, "tag: TRANSACTION", "tag: TRANSACTON")
    edit(campaign, "{{ name | title }}", "{{ nme | title }}")
    said = run("-C", shop, "validate")
    assert said.code == 65
    assert said.err == ""
    assert said.out == (
        "campaigns/welcome.yaml:11:10: error ZS134: this is not one of the values that are allowed\n"
        "  at spec.template.tag\n"
        "  11 |     tag: TRANSACTON\n"
        "     |          ^^^^^^^^^^\n"
        "  found: `TRANSACTON`\n"
        "  allowed: TRANSACTION, CUSTOMER_CARE, PROMOTION\n"
        "  did you mean `TRANSACTION`?\n"
        "\n"
        "campaigns/welcome.yaml:17:24: error ZS355: the audience audiences/people.csv has no column `nme`\n"
        "  at spec.templateData.customer_name\n"
        '  17 |     customer_name: "{{ nme | title }}"\n'
        "     |                        ^^^\n"
        "  found: `nme`\n"
        "  allowed: customer_id, name, phone\n"
        "  did you mean `name`?\n"
        "\n"
        "campaigns/welcome.yaml:19:3: error ZS130: `encypted` is not a key here\n"
        "  at spec.encypted\n"
        "  19 |   encypted: true\n"
        "     |   ^^^^^^^^\n"
        "  allowed: occurrence, sender, template, audience, templateData, encrypted, schedule, "
        "validityPeriod, smsFailover, platform, sendingMode, tracking, webhooks, retry, onUnknown, onChange\n"
        "  did you mean `encrypted`?\n"
        "\n"
        "3 files, 1 campaign: 3 errors, 0 warnings; `zalosync explain CODE` says more about each\n"
    )


def test_validate_gives_one_json_document(shop: Path, run: Run) -> None:
    """Problems and findings with the same fields each, whether there are any or not."""
    document = json.loads(run("-C", shop, "validate", "--json").out)
    assert document["ok"] is True
    assert document["campaigns"] == ["welcome"]
    assert document["problems"] == []
    (finding,) = document["findings"]
    assert (finding["id"], finding["severity"], finding["campaign"]) == (
        "template-unpinned",
        "warn",
        "welcome",
    )
    edit(shop / "campaigns" / "welcome.yaml", "phone: phone", "phone: fone")
    said = run("--json", "-C", shop, "validate")
    assert said.code == 65
    document = json.loads(said.out)
    assert document["ok"] is False
    assert document["format_version"] == "1.0"
    assert document["problems"] == [
        {
            "code": "ZS355",
            "file": "campaigns/welcome.yaml",
            "line": 14,
            "column": 12,
            "path": "spec.audience.phone",
            "message": "the audience audiences/people.csv has no column `fone`",
            "found": "`fone`",
            "allowed": "customer_id, name, phone",
            "meant": "phone",
        }
    ]


def test_validate_says_how_far_it_looked(shop: Path, run: Run) -> None:
    """An unclosed quote in the last row: the headers are right, and nothing says that the rows are."""
    with (shop / "audiences" / "people.csv").open("a", encoding="utf-8") as file:
        file.write('7,"Lan,0901234567\n')
    said = run("-C", shop, "validate")
    assert said.code == 0
    assert said.out.endswith(HEADERS_ONLY)
    assert json.loads(run("-C", shop, "validate", "--json").out)["rows_read"] is False
    rows = run("-C", shop, "validate", "--rows")
    assert rows.code == 65
    lines = (shop / "audiences" / "people.csv").read_text(encoding="utf-8").count("\n")
    assert f"audiences/people.csv:{lines}:1: error ZS315: a quote is opened and never closed" in rows.out
    assert "Lan" not in rows.out


def test_rows_of_what_a_file_names_concern_it(shop: Path, run: Run) -> None:
    """With --rows and a campaign or a policy, its audience and lists are reported, and no others."""
    with (shop / "audiences" / "people.csv").open("a", encoding="utf-8") as file:
        file.write("7,Lan,0901234567,more\n")
    (shop / "policies" / "stop.csv").write_text("phone\nnobody\n")
    edit(shop / "policies" / "guardrails.yaml", "spec:\n", "spec:\n  suppressions: [stop.csv]\n")
    for asked, code, other in (
        ("campaigns/welcome.yaml", "audiences/people.csv:5:1: error ZS314", "stop.csv"),
        ("policies", "policies/stop.csv:2:1: error ZS321", "people.csv"),
        ("audiences/people.csv", "audiences/people.csv:5:1: error ZS314", "stop.csv"),
    ):
        said = run("-C", shop, "validate", "--rows", shop / asked)
        assert (said.code, code in said.out, other in said.out) == (65, True, False), said.out
        assert "1 error in files that were not asked for" in said.out
    assert run("-C", shop, "validate", "--rows", shop / "zalosync.yaml").code == 0


def test_validate_reads_every_row_where_it_is_asked_to(shop: Path, run: Run) -> None:
    """With --rows a project that is right is said to be read whole, and JSON says so too."""
    said = run("-C", shop, "validate", "--rows")
    assert said.code == 0
    assert said.out.endswith(
        "Every row of audiences and suppression lists was read; values are checked by `plan`.\n"
    )
    assert json.loads(run("-C", shop, "validate", "--rows", "--json").out)["rows_read"] is True


def test_a_list_with_a_row_that_is_nobody_is_found_with_its_line(shop: Path, run: Run) -> None:
    """Rows of suppression lists are read with --rows: what cannot be read in them is somebody."""
    (shop / "stop.csv").write_text("phone,until\n0901234567,\nnobody,\n0901234568,soon\n")
    edit(
        shop / "campaigns" / "welcome.yaml",
        "    phone: phone",
        "    phone: phone\n    exclude: [../stop.csv]",
    )
    assert run("-C", shop, "validate").code == 0
    said = run("-C", shop, "validate", "--rows")
    assert said.code == 65
    assert "stop.csv:3:1: error ZS321: not a phone of VN" in said.out
    assert "stop.csv:4:1: error ZS321: `until` is neither a date" in said.out
    assert "nobody" not in said.out


def test_plan_names_the_line_of_the_spec_whose_file_is_missing(shop: Path, run: Run) -> None:
    """A missing audience and a missing list are mended in the spec: file, line, column and the near miss."""
    campaign = shop / "campaigns" / "welcome.yaml"
    edit(campaign, "    phone: phone", "    phone: phone\n    exclude: [../none.csv]")
    said = run("-C", shop, "plan", "--preview")
    assert said.code == 65
    assert (
        "campaigns/welcome.yaml:15:15: spec.audience.exclude[0]: none.csv: there is no such file" in said.err
    )
    assert "  15 |     exclude: [../none.csv]\n     |               ^^^^^^^^^^^\n" in said.err
    edit(campaign, "people.csv", "People.csv")
    said = run("-C", shop, "plan", "--preview")
    assert said.code == 65
    assert "welcome.yaml:13:11: spec.audience.path: audiences/People.csv: there is no such file" in said.err
    assert "did you mean `../audiences/people.csv`?" in said.err


def test_validate_says_what_policies_forbid(shop: Path, run: Run) -> None:
    """A forbidden campaign fails the check in a pull request, before anybody plans it."""
    edit(shop / "campaigns" / "welcome.yaml", "  encrypted: true", "  encrypted: false")
    said = run("-C", shop, "validate")
    assert said.code == 65
    assert "campaigns/welcome.yaml:19:14: error require-encrypted: the policy guardrails requires" in said.out


def test_validate_reports_only_what_was_asked_for(shop: Path, run: Run) -> None:
    """Files and folders; the whole project is read all the same. A path outside is a usage error."""
    shutil.copy(shop / "campaigns" / "welcome.yaml", shop / "campaigns" / "other.yaml")
    said = run("-C", shop, "validate", shop / "campaigns" / "other.yaml")
    assert said.code == 0
    verdict = "4 files, 2 campaigns: 0 errors, 0 warnings; 1 error in files that were not asked for\n"
    assert said.out == verdict + HEADERS_ONLY
    said = run("-C", shop, "validate", shop / "campaigns" / "welcome.yaml")
    assert said.code == 65
    assert (
        "welcome.yaml:5:9: error ZS201: another campaign has this name: campaigns/other.yaml:5:9" in said.out
    )
    assert run("-C", shop, "validate", shop / "campaigns").code == 65
    assert run("-C", shop, "validate", shop / "policies").code == 0
    outside = run("-C", shop, "validate", shop.parent)
    assert outside.code == 64
    assert "is not in the project" in outside.err
    assert run("-C", shop, "validate", shop / "none.yaml").code == 64


def test_validate_needs_no_default_environment(shop: Path, run: Run) -> None:
    """Offline any environment does; a wrong one is a usage error."""
    edit(shop / "zalosync.yaml", "  defaultEnvironment: sandbox\n", "")
    assert run("-C", shop, "validate").code == 0
    assert run("-C", shop, "validate", "-e", "production").code == 65
    wrong = run("-C", shop, "validate", "-e", "productoin")
    assert wrong.code == 64
    assert "did you mean `production`?" in wrong.err


def test_validate_without_a_project(tmp_path: Path, run: Run) -> None:
    """One line with the way out."""
    said = run("-C", tmp_path, "validate")
    assert said.code == 64
    assert "zalosync init" in said.err
    assert said.out == ""


def test_validate_is_deaf_to_colour_without_a_terminal(shop: Path, run: Run) -> None:
    """No escape sequence in a file or a log."""
    edit(shop / "campaigns" / "welcome.yaml", "phone: phone", "phone: fone")
    assert "\x1b" not in run("-C", shop, "validate").out


def test_fmt_writes_and_checks(shop: Path, run: Run) -> None:
    """`--check` changes nothing and exits 65; without it the files are written, then all is canonical."""
    campaign = shop / "campaigns" / "welcome.yaml"
    right = campaign.read_text()
    edit(
        campaign,
        "  template:\n    name: 322307 # the number",
        "  template:\n      name:   322307 # the number",
    )
    edit(campaign, "    tag: TRANSACTION", "      tag: 'TRANSACTION'")
    wrong = campaign.read_text()
    os.chmod(campaign, 0o640)  # noqa: PTH101 - the mode must stay
    assert run("-C", shop, "fmt", "--check") == Said(65, "campaigns/welcome.yaml\n", "")
    assert campaign.read_text() == wrong
    assert run("-C", shop, "fmt") == Said(0, "campaigns/welcome.yaml\n", "")
    assert campaign.read_text() == right
    assert campaign.stat().st_mode & 0o777 == 0o640
    assert run("-C", shop, "fmt", "--check").code == 0
    assert sorted(path.name for path in campaign.parent.iterdir()) == ["welcome.yaml"]


def test_fmt_of_single_files(shop: Path, run: Run) -> None:
    """Only those named; what is not YAML is refused with its place, and nothing is written."""
    edit(shop / "zalosync.yaml", "kind: Project", "kind:   Project")
    edit(shop / "campaigns" / "welcome.yaml", "kind: Campaign", "kind:   Campaign")
    assert run("-C", shop, "fmt", shop / "zalosync.yaml").out == "zalosync.yaml\n"
    assert "kind:   Campaign" in (shop / "campaigns" / "welcome.yaml").read_text()
    (shop / "campaigns" / "bad.yaml").write_text("a: [\n")
    refused = run("-C", shop, "fmt", shop / "campaigns" / "bad.yaml")
    assert refused.code == 65
    assert "campaigns/bad.yaml:2:1" in refused.err
    assert run("-C", shop, "fmt", "/etc/hostname").code == 64


@pytest.mark.parametrize("kind", KINDS)
def test_schema_prints_one_kind(kind: str, run: Run) -> None:
    """As it is checked in, ready for an editor; needs no project."""
    assert run("schema", kind) == Said(0, schema_text(kind), "")


def test_schema_writes_all_kinds(tmp_path: Path, run: Run) -> None:
    """To a folder; without a kind and a folder it says what it wants."""
    assert run("schema", "--write", tmp_path / "s").code == 0
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == sorted(
        f"{kind}.schema.json" for kind in KINDS
    )
    assert run("schema").code == 64
    assert run("schema", "campain").code == 64


def test_explain(run: Run) -> None:
    """A code in any case, a finding, all of them, as text and JSON; an unknown one names its neighbour."""
    said = run("explain", "zs208")
    assert said.code == 0
    assert said.out.startswith("ZS208: A window that runs over midnight in UTC\nWhy:  ")
    assert "\nMend: " in said.out
    assert "(warning)" in run("explain", "template-unpinned").out
    assert "under `rules`" in run("explain", "template-unpinned").out
    everything = run("explain")
    assert len(everything.out.splitlines()) == len(CATALOGUE)
    document = json.loads(run("explain", "ZS130", "--json").out)
    assert [entry["code"] for entry in document["entries"]] == ["ZS130"]
    assert len(json.loads(run("explain", "--json").out)["entries"]) == len(CATALOGUE)
    unknown = run("explain", "template-unpined")
    assert unknown.code == 64
    assert "did you mean `template-unpinned`?" in unknown.err


@pytest.mark.parametrize("command", ["validate", "schema", "fmt", "init", "explain"])
def test_help_has_an_example(command: str, run: Run) -> None:
    """Each command says how it is used."""
    said = run(command, "--help")
    assert said.code == 0
    assert "Example: zalosync" in said.out
