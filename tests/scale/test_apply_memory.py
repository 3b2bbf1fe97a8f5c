"""Runs of many messages: memory is bounded, and far from growing as they do."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import serving

pytestmark = [pytest.mark.scale, pytest.mark.usefixtures("loopback")]

CEILING = 300  # MiB, over all processes of the run
# Measured 290, most of it in the first ten thousand too; machines and libraries differ a little.
CEILING_OF_A_MILLION = 340


def applied(root: Path, folder: Path, rows: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, float]:
    """Messages that one run sent, and MiB at the most over its processes."""
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("the memory of all processes is read from /proc")
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    bench, measure = _module("apply"), _module("measure")
    bench.project(folder / "shop", rows, False)
    campaign = folder / "shop" / "campaigns" / "order-shipped.yaml"
    text = campaign.read_text(encoding="utf-8")
    campaign.write_text(
        text.replace("maxRecipients: 200000", f"maxRecipients: {max(rows, 200_000)}"), encoding="utf-8"
    )
    faster = {"check_first": 0, "check_share": 0.0}
    with serving(folder / "server", faster) as server:
        given = {**server.environ, "INFOBIP_BASE_URL": server.base_url}
        made = measure.zalosync(folder / "shop", "ledger", "init", environ=given)
        assert made.code == 0, made.out
        found = measure.zalosync(folder / "shop", "-q", "--json", "apply", "--auto-approve", environ=given)
        assert found.code == 0, found.out
        sent = int(json.loads(found.out)["totals"]["accepted"])
        assert server.accepted() == sent
    return sent, measure.megabytes(found.peak)


def _module(name: str) -> Any:
    """A module of the benchmarks, whose folder is no package."""
    sys.modules.pop(name, None)
    return importlib.import_module(name)


def test_a_run_of_ten_thousand_rows(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The small sample of the long programme below."""
    sent, peak = applied(repository, tmp_path, 10_000, monkeypatch)
    assert sent > 8_000
    assert peak < CEILING


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_a_run_of_a_million_rows(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred times as many messages, in little more memory."""
    sent, peak = applied(repository, tmp_path, 1_000_000, monkeypatch)
    assert sent > 800_000
    assert peak < CEILING_OF_A_MILLION
