"""Bad specs and what is said about each: one folder of pairs, `REWRITE_GOLDEN=1` writes the texts anew."""

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from zalosync.catalogue import CATALOGUE
from zalosync.compose.inspect import input_problems
from zalosync.console.problems import problem_text
from zalosync.errors import Problem, SpecError
from zalosync.spec.load import survey_project

FOLDER = Path(__file__).resolve().parent / "bad_specs"
CASES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)

PLACES = {
    "campaign": "campaigns/case.yaml",
    "project": "zalosync.yaml",
    "policy": "policies/case.yaml",
    "prices": "prices.yaml",
    "lock": "templates.lock.yaml",
}
PROJECT = """\
apiVersion: zalosync/v1
kind: Project
metadata: {name: shop}
spec:
  specs: ["campaigns/*.yaml"]
  policies: ["policies/*.yaml"]
  timezone: Asia/Ho_Chi_Minh
  environments:
    sandbox: {baseUrl: sandbox}
  allowedWebhookHosts: [hooks.example.vn]
  prices: prices.yaml
"""
CAMPAIGN = """\
apiVersion: zalosync/v1
kind: Campaign
metadata: {name: another}
spec:
  sender: "4097700000000000001"
  template: {name: 322307, tag: TRANSACTION}
  audience: {path: ../audiences/people.csv, phone: phone}
  templateData: {order_code: "{{ order_code }}"}
"""
POLICY = """\
apiVersion: zalosync/v1
kind: Policy
metadata: {name: general}
spec: {maxRecipientsPerPlan: 1000}
"""
LOCK = """\
templates:
  "400001":
    sender: "4097700000000000001"
    status: ENABLE
    tag: TRANSACTION
    pulledAt: 2026-11-23T08:00:00Z
    parameters:
      customer_name: {required: false}
      order_number: {required: true, maxLength: 30}
  "400002":
    sender: "4097700000000000001"
    status: ENABLE
    tag: PROMOTION
    pulledAt: 2026-11-23T08:00:00Z
"""


def project_with(case: str, root: Path) -> Path:
    """A project that is right but for the case's file."""
    files = {
        "zalosync.yaml": PROJECT,
        "campaigns/another.yaml": CAMPAIGN,
        "policies/general.yaml": POLICY,
        "prices.yaml": "currency: EUR\n",
        "templates.lock.yaml": LOCK,
        "audiences/people.csv": "phone,name,order_code,status\n",
        "audiences/twin.csv": "phone,name,order_code,status\n",
        "suppressions/global.csv": "phone,until,reason\n",
        "suppressions/names.csv": "name,reason\n",
    }
    zone = re.match(
        r"# timezone: (\S+)\n", (FOLDER / f"{case}.yaml").read_text(encoding="utf-8", errors="replace")
    )
    if zone is not None:  # of the project, for wall times that Viet Nam does not have
        files["zalosync.yaml"] = PROJECT.replace("Asia/Ho_Chi_Minh", zone[1])
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for folder, target in (("audiences", "people.csv"), ("suppressions", "global.csv")):
        (root / folder / "link.csv").symlink_to(target)
    os.link(root / "audiences" / "twin.csv", root / "audiences" / "twin-2.csv")
    shutil.copyfile(FOLDER / f"{case}.yaml", root / PLACES[case.partition("-")[0]])
    return root


def problems_of(root: Path) -> tuple[Problem, ...]:
    """Everything that is wrong with a project, in the order in which people read it."""
    survey = survey_project(root, environment=None, now=NOW, offline=True)
    found = [*survey.problems, *input_problems(root, survey, NOW)]
    return SpecError(found).problems if found else ()


@pytest.mark.parametrize("case", CASES)
def test_what_is_said_of_a_bad_spec_is_its_golden_text(case: str, tmp_path: Path) -> None:
    """Each mistake is found, named with its place, and nothing else is said."""
    problems = problems_of(project_with(case, tmp_path))
    text = "\n\n".join(problem_text(problem) for problem in problems) + "\n"
    golden = FOLDER / f"{case}.txt"
    if os.environ.get("REWRITE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
    assert problems


@pytest.mark.parametrize("case", CASES)
def test_every_problem_can_be_explained_and_has_a_place(case: str, tmp_path: Path) -> None:
    """The code is in the catalogue, line and column are in the file, and no literal secret is shown."""
    root = project_with(case, tmp_path)
    for problem in problems_of(root):
        assert problem.code in CATALOGUE
        assert (root / problem.place.file).is_file()
        lines = (root / problem.place.file).read_bytes().split(b"\n")
        assert 1 <= problem.place.line <= len(lines)
        assert problem.place.column >= 1
        assert re.match("[a-z0-9]", problem.message) or problem.message.startswith(("YAML ", "`"))
        text = problem_text(problem)
        assert "secret" not in text.replace("a secret is never", "").replace("secret is", "")
        assert "hunter2" not in text


def test_there_are_at_least_eighty() -> None:
    """The corpus does not shrink unseen, and no golden text is without its spec."""
    assert len(CASES) >= 200
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(CASES)
