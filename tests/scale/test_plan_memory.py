"""Plans of large audiences: new or all sent before, memory is that of a part, not of the whole."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.scale, pytest.mark.usefixtures("loopback")]

CEILING = 500  # MiB, over all processes


def planned(root: Path, folder: Path, rows: int, *more: str) -> list[dict[str, Any]]:
    """What the benchmark of plans measures: on an empty ledger, all sent before, fifty new rows."""
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("the memory of all processes is read from /proc")
    script, results = root / "benchmarks" / "plan.py", folder / "results.json"
    command = [
        sys.executable,
        str(script),
        "--rows",
        str(rows),
        "--hand",
        "100",
        "--json",
        str(results),
        *more,
    ]
    given = {**os.environ, "PYTHONPATH": str(root)}
    subprocess.run(command, check=True, capture_output=True, env=given)
    found: list[dict[str, Any]] = json.loads(results.read_text(encoding="utf-8"))
    return [each for each in found if "peak_megabytes" in each]


def judge(found: list[dict[str, Any]]) -> None:
    """The three plans agree on who was sent, and keep to the ceiling."""
    new, known, more = found
    assert new["unchanged"] == 0 < new["send"]
    assert (known["send"], known["unchanged"]) == (0, new["send"])
    assert (more["send"], more["unchanged"]) == (50, new["send"])
    assert max(each["peak_megabytes"] for each in found) < CEILING


@pytest.mark.timeout(600)
def test_plans_of_twenty_thousand_rows(repository: Path, tmp_path: Path) -> None:
    """The small sample of the long programme below."""
    judge(planned(repository, tmp_path, 20_000, "--turns", "1"))


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_plans_of_a_million_rows(repository: Path, tmp_path: Path) -> None:
    """A million rows under the same ceiling; the sealed plan stays under 40 MB."""
    found = planned(repository, tmp_path, 1_000_000)
    judge(found)
    assert max(each["plan_bytes"] for each in found) < 40_000_000
