"""Each folder of `examples/` is a whole project that runs as it stands."""

import shutil
from pathlib import Path

import pytest

from tests.support.command import zalosync
from zalosync.sandbox import oracle

pytestmark = pytest.mark.usefixtures("loopback")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if (path / "zalosync.yaml").is_file())


def test_the_smallest_project_is_small() -> None:
    """There is a minimal example: one campaign, and no more than twenty-five lines of YAML in all."""
    lines = [
        line
        for path in (EXAMPLES / "minimal").rglob("*.yaml")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert "minimal" in NAMES
    assert len(lines) <= 25


@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_as_it_stands(tmp_path: Path, name: str) -> None:
    """Validated, planned, applied and refreshed on the sandbox: everybody gets one; planned again, nobody."""
    project = tmp_path / name
    shutil.copytree(
        EXAMPLES / name, project, ignore=shutil.ignore_patterns(".*", "zalosync.lock", "*.zsplan")
    )
    on = ("-C", str(project), "-e", "sandbox")
    assert zalosync(tmp_path, *on, "validate").code == 0
    planned = zalosync(tmp_path, *on, "plan", "--json")
    assert planned.code == 0, planned.err
    totals = planned.json["totals"]
    assert totals["send"] > 0
    applied = zalosync(tmp_path, *on, "apply", "--auto-approve", "--json")
    assert applied.code == 0, applied.err
    sent = applied.json["totals"]["accepted"] + applied.json["totals"].get("held", 0)
    assert sent == totals["send"]
    taken = [entry["accepted"] for entry in oracle.read_messages(project / ".zalosync" / "sandbox.sandbox")]
    assert taken == [1] * applied.json["totals"]["accepted"]
    again = zalosync(tmp_path, *on, "plan", "--json", "--detailed-exitcode")
    assert (again.code, again.json["totals"]["send"]) == (0, 0), again.err
    assert zalosync(tmp_path, *on, "audit", "verify").code == 0
