"""What one row of an audience costs: reading in each format, phones, screening; and the memory it takes.

    python benchmarks/audience.py                # a million made-up customers
    python benchmarks/audience.py --rows 100000 --json

Each measurement is the best of three passes in this process. The comparison is a careful loop over
`csv.reader` and phonenumbers on the first 50,000 rows. Peak memory is that of a fresh process that reads and
screens the CSV file in chunks of 50,000 rows.
"""

import argparse
import csv
import gzip
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import customers
import phonenumbers
import polars as pl

from zalosync.audience.phone import normalise_column
from zalosync.audience.read import open_audience
from zalosync.audience.screen import Rules, screen

WORK = Path(__file__).parent / "work"
CHUNK = 50_000
PASSES = 3
PEER_ROWS = 50_000
BY_HAND = "by hand: csv and phonenumbers"
_PEAK = r"""
import re, sys
sys.path.insert(0, sys.argv[1])
import audience
from pathlib import Path
audience.screened(Path(sys.argv[2]), sys.argv[3])
status = Path("/proc/self/status").read_text()
print(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024)
"""


def rules(suppressed: pl.Series | None = None) -> Rules:
    """The rules of the demonstration campaign."""
    return Rules(
        phone="phone",
        consent="consent_at",
        where=lambda frame: frame["status"] == "shipped",
        suppressed=suppressed,
    )


def read(root: Path, name: str) -> int:
    """Rows of a file, read to the end."""
    with open_audience(root, "", [name]) as audience:
        return sum(chunk.frame.height for chunk in audience.chunks(CHUNK))


def screened(root: Path, name: str) -> int:
    """Rows of a file that are kept."""
    with open_audience(root, "", [name]) as audience:
        chunks = (screen(chunk.frame, rules()) for chunk in audience.chunks(CHUNK))
        return sum(int((chunk["__reason"] == 0).sum()) for chunk in chunks)


def by_hand(path: Path) -> int:
    """Rows whose phone is a mobile number, one row at a time with the library alone."""
    kept = 0
    with path.open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(csv.DictReader(stream)):
            if number == PEER_ROWS:
                break
            try:
                phone = phonenumbers.parse(row["phone"].strip("' \u00a0"), "VN")
            except phonenumbers.NumberParseException:
                continue
            mobile = phonenumbers.number_type(phone) == phonenumbers.PhoneNumberType.MOBILE
            kept += mobile and row["status"] == "shipped" and row["consent_at"] != ""
    return kept


def made(rows: int) -> Path:
    """A folder with the customers as CSV, quoted CSV, gzip, JSON Lines and Parquet."""
    folder = WORK / f"audience-{rows}"
    if (folder / "a.parquet").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "a.csv").open("w", encoding="utf-8", newline="") as stream:
        customers.write(stream, rows)
    with (folder / "a.csv").open("rb") as plain, gzip.open(folder / "a.csv.gz", "wb", 6) as packed:
        shutil.copyfileobj(plain, packed)
    frame = pl.read_csv(folder / "a.csv", infer_schema=False, empty_string_is_null=False)
    frame.write_csv(folder / "quoted.csv", quote_style="always")
    frame.write_ndjson(folder / "a.jsonl")
    frame.write_parquet(folder / "a.parquet")
    return folder


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of three passes."""
    times = []
    for _ in range(PASSES):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def measure(rows: int) -> dict[str, float]:
    """µs for one row of each kind of work, and the peak memory in MiB."""
    folder = made(rows)
    names = ("a.csv", "quoted.csv", "a.csv.gz", "a.jsonl", "a.parquet")
    per_row = {f"read {name}": best(partial(read, folder, name)) / rows for name in names}
    with open_audience(folder, "", ["a.csv"]) as audience:
        chunks = [chunk.frame for chunk in audience.chunks(CHUNK)]
    many = pl.Series([f"849{number:08}" for number in range(0, 10_000_000, 10)])
    few, crowd = rules(), rules(many)
    per_row |= {
        "phones": best(lambda: [normalise_column(frame["phone"]) for frame in chunks]) / rows,
        "screen": best(lambda: [screen(frame, few) for frame in chunks]) / rows,
        "screen, 1,000,000 suppressed": best(lambda: [screen(frame, crowd) for frame in chunks]) / rows,
        BY_HAND: best(lambda: by_hand(folder / "a.csv")) / min(rows, PEER_ROWS),
    }
    result = {name: seconds * 1e6 for name, seconds in per_row.items()}
    command = [sys.executable, "-c", _PEAK, str(Path(__file__).parent), str(folder), "a.csv"]
    result["peak MiB"] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    result = measure(options.rows)
    if options.json:
        print(json.dumps({"rows": options.rows, **{name: round(value, 3) for name, value in result.items()}}))
        return
    print(f"{options.rows:,} rows, polars {pl.__version__}, µs a row on all cores, best of {PASSES}")
    for name, value in result.items():
        print(f"{name:32}{value:10.2f}")
    ours = result["read a.csv"] + result["screen"]
    print(f"reading and screening: {result[BY_HAND] / ours:.0f} times as fast as by hand")


if __name__ == "__main__":
    main()
