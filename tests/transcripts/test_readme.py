"""The README is true: its campaign is valid, its plan is what the command says, its steps run as written."""

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.support.calls import called
from tests.support.command import zalosync
from zalosync.errors import ExitCode

pytestmark = pytest.mark.usefixtures("loopback")

PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/index.md", "docs/plans.md", "docs/reports.md")
CAMPAIGN = "the campaign that the plan below is of"
PLAN = "what `zalosync plan` says of it"
STEPS = "these run, one after the other"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")  # of a key and a ledger that are new each time


def block(page: str, mark: str) -> str:
    """The text of the fenced block after a mark."""
    found = re.search(rf"<!-- {re.escape(mark)} -->\n```\w+\n(.*?)```", page, re.DOTALL)
    assert found is not None, mark
    return found[1]


@pytest.fixture
def readme(repository: Path) -> str:
    """The page."""
    return (repository / "README.md").read_text(encoding="utf-8")


def test_the_plan_is_that_of_the_campaign(repository: Path, tmp_path: Path, readme: str) -> None:
    """The shown plan is what `plan` prints of the shown campaign (`REWRITE_GOLDEN=1` writes it)."""
    shop = tmp_path / "shop"
    shutil.copytree(repository / "specs", shop, ignore=shutil.ignore_patterns(".*"))
    (shop / "campaigns" / "order-shipped.yaml").write_text(block(readme, CAMPAIGN), encoding="utf-8")
    assert zalosync(shop, "validate").code == 0
    planned = zalosync(shop, "plan")
    assert planned.code == 0, planned.err
    out = DIGEST.sub("sha256:…", planned.out)
    if os.environ.get("REWRITE_GOLDEN"):
        shown = f"<!-- {PLAN} -->\n```text\n"
        page = readme.replace(shown + block(readme, PLAN), shown + out)
        (repository / "README.md").write_text(page, encoding="utf-8")
        return
    assert block(readme, PLAN) == out


def test_the_first_steps_run(tmp_path: Path, readme: str) -> None:
    """Whoever types the first steps, one after the other, has a campaign sent and a report."""
    folder, commands = tmp_path, block(readme, STEPS).splitlines()
    for line in commands:
        program, *words = shlex.split(line.removeprefix("$ "))
        if program == "cd":
            folder /= words[0]
            continue
        assert program == "zalosync"
        done = zalosync(folder, *words)
        assert done.code == 0, (line, done.err)
    assert "history proven" in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_every_command_line_is_one(repository: Path, name: str) -> None:
    """Each `zalosync …` in a page names a command that is there, with options of its own."""
    page = re.sub(r"```text.*?```", "", (repository / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = re.findall(r"^\$ zalosync (.+)$", page, re.MULTILINE)
    quoted = [text.replace("\n", " ") for text in re.findall(r"`zalosync ([^`]+)`", page) if "/" not in text]
    for line in (*lines, *quoted):
        assert called(shlex.split(line, comments=True))
    assert lines or name != "README.md"


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(repository: Path, name: str) -> None:
    """Each relative link of a page names a file or folder that is there."""
    page = repository / name
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


def test_the_exit_codes_are_those_of_the_program(readme: str) -> None:
    """The table has each code, and no other."""
    cells = re.findall(r"^\| ([\d, ]+) \|", readme, re.MULTILINE)
    assert sorted(int(code) for cell in cells for code in cell.split(",")) == sorted(ExitCode)


def test_the_first_screen_says_what_it_is(readme: str) -> None:
    """What problem, the two commands, a spec, a plan and the guarantees stand in this order, at the top."""
    parts = [
        "The problem:",
        "Two commands:",
        "A campaign:",
        "Its plan:",
        "## What is promised, and what is not",
    ]
    places = [readme.index(part) for part in parts]
    assert places == sorted(places)
    assert readme[: places[-1]].count("\n") <= 90
    assert max(map(len, readme.split("```", maxsplit=1)[0].splitlines())) <= 120
