"""Audiences of many rows: memory is that of a chunk, not of the file."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.scale

CEILING = 300  # MiB, of one process that reads and screens
_BLOCK_ROWS = 10_000
_READER = r"""
import re, sys
from pathlib import Path
from zalosync.audience.read import open_audience
from zalosync.audience.screen import Rules, screen
rules = Rules(phone="phone", consent="consent_at", where=lambda frame: frame["status"] == "shipped")
rows = kept = 0
with open_audience(Path(sys.argv[1]), "", [sys.argv[2]]) as audience:
    for chunk in audience.chunks(50_000):
        assert chunk.first_row == rows and chunk.lines[0] == rows + 2
        rows += chunk.frame.height
        kept += int((screen(chunk.frame, rules)["__reason"] == 0).sum())
status = Path("/proc/self/status").read_text()  # the peak since this program began, not since its parent
print(rows, kept, int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024)
"""


@pytest.fixture(autouse=True)
def _needs_proc() -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak memory of a process is read from /proc")


def read_and_screen(root: Path, rows: int) -> tuple[int, int, int]:
    """Rows, kept rows and peak memory in MiB of a process that reads and screens a file of so many rows."""
    spellings = ("0{:09}", "+84 {:09}", "84{:09}", "{:09}", "'0{:09}")
    block = "".join(
        f"C{n:07},Nguyễn Thị Bích Ngọc,{spellings[n % 5].format(900_000_000 + n)},DH{n:08},1250000,"
        f"2026-11-02,{'pending' if n % 10 == 0 else 'shipped'},2025-01-01T09:00:00+07:00\n"
        for n in range(_BLOCK_ROWS)
    ).encode()
    with (root / "a.csv").open("wb") as stream:
        stream.write(b"customer_id,name,phone,order_code,amount,order_date,status,consent_at\n")
        for _ in range(rows // _BLOCK_ROWS):
            stream.write(block)
    command = [sys.executable, "-c", _READER, str(root), "a.csv"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    (root / "a.csv").unlink()
    return int(printed[0]), int(printed[1]), int(printed[2])


def test_half_a_million_rows_fit(tmp_path: Path) -> None:
    """The small sample of the long programme below."""
    rows, kept, peak = read_and_screen(tmp_path, 500_000)
    assert (rows, kept) == (500_000, 450_000)
    assert peak < CEILING


@pytest.mark.nightly
def test_more_than_ten_million_rows_fit(tmp_path: Path) -> None:
    """Twelve million rows, 1.3 GB, under the same ceiling."""
    rows, kept, peak = read_and_screen(tmp_path, 12_000_000)
    assert (rows, kept) == (12_000_000, 10_800_000)
    assert peak < CEILING
