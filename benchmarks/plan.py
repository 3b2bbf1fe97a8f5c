"""How fast `plan` is on a large audience, against the same by hand, and what memory it takes.

    python benchmarks/plan.py [--rows 1000000] [--hand 50000] [--turns 3] [--json FILE]

The project is the demonstration's: five templated values, encrypted, with a condition, consent, a suppression
list and an SMS. Planned three times: on an empty ledger; when all were sent before; and with fifty new rows.
`zalosync plan -o FILE` is measured as a whole process and its workers, start to end, seal included. By hand:
`byhand.py` over the first rows, its seconds scaled to all of them (its cost is per row), without its start.
Both take turns, and the quickest of each counts: other guests of a machine only ever slow it down.
Cost per row is compared over a tenth and all of the rows.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from byhand import CAMPAIGN, table
from measure import ROOT, Measured, measured, megabytes, zalosync

NEW_ROWS = 50


def project(folder: Path, rows: int) -> Path:
    """The demonstration's project with so many customers; gives the audience."""
    shutil.copytree(ROOT / "specs", folder, ignore=shutil.ignore_patterns(".zalosync", "schema", "policies"))
    (folder / "policies").mkdir()
    settings = folder / "zalosync.yaml"
    text = settings.read_text(encoding="utf-8").replace('policies: ["policies/*.yaml"]', "policies: []")
    settings.write_text(text, encoding="utf-8")
    campaign = folder / "campaigns" / f"{CAMPAIGN}.yaml"
    text = campaign.read_text(encoding="utf-8").replace("maxRecipients: 200000", f"maxRecipients: {rows}")
    campaign.write_text(text, encoding="utf-8")
    audience = folder / "audiences" / "customers.csv"
    command = [sys.executable, str(ROOT / "benchmarks" / "customers.py"), "--rows", str(rows), str(audience)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return audience


def planning(folder: Path) -> tuple[Measured, dict[str, int]]:
    """One `plan -o`, and its totals."""
    found = zalosync(folder, "-q", "--json", "plan", "-o", "bench.zsplan")
    assert found.code == 0, found.out[-500:]
    return found, json.loads(found.out)["totals"]


def send(folder: Path) -> int:
    """Write down in the ledger that all that is planned was accepted, as a run would; gives how many."""
    from zalosync.apply.letters import Letters
    from zalosync.cli import senders
    from zalosync.cli.options import Options
    from zalosync.cli.session import Session
    from zalosync.compose.message import Status
    from zalosync.ledger.records import Kind, Move, Standing
    from zalosync.plan.build import Known, build

    session = Session(Options(project=folder, quiet=True))
    count = 0
    with session.reporter() as emit, session.provider() as provider, session.ledger() as ledger:
        chosen = session.project.campaigns
        keys = senders.fetch(provider.client, chosen, session.project.environment, ledger.notes())
        given: dict[str, Any] = {"base_url": provider.base_url, "now": session.clock.now(), "emit": emit}
        made = build(
            session.project, chosen, ledger, session.keys, known=Known(keys.planned), content=True, **given
        )
        with made as plan:
            with ledger.change(Kind.RUN, session.clock.now()) as change:
                run = change.start_run("bench", "apply", {"plan_digest": plan.digest})
                number = change.campaign(plan.campaigns[0].loaded.first_name)
            letters = iter(Letters(plan.campaigns[0], number, ledger, session.keys))
            while parts := list(islice(letters, 4)):
                claims = [letter.claim for part in parts for letter in part]
                with ledger.change(Kind.CLAIM, session.clock.now(), run=run) as change:
                    taken = change.claim(claims)
                accepted = Standing(Status.ACCEPTED, status_group=1, status_id=7)
                with ledger.change(Kind.OUTCOME, session.clock.now(), run=run) as change:
                    change.move([Move(record, accepted) for record in taken], own=True)
                count += len(taken)
            with ledger.change(Kind.END, session.clock.now(), run=run) as change:
                change.end_run(run, {"exit_code": 0})
    return count


def by_hand(audience: Path, rows: int, *, sent: bool) -> float:
    """Seconds a row of the hand-written loop; with `sent`, after all of them were."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sent.db"
        if sent:
            with closing(table(path)) as connection, audience.open(encoding="utf-8") as file:
                keys = (line.split(",")[3] for line in islice(file, 1, rows + 1))
                connection.executemany(
                    "INSERT OR IGNORE INTO sent VALUES (?, ?)", ((CAMPAIGN, key) for key in keys)
                )
                connection.commit()
        script = str(ROOT / "benchmarks" / "byhand.py")
        command = [sys.executable, script, str(audience), "--sent", str(path), "--rows", str(rows)]
        found = json.loads(measured(command, Path(folder)).out)
        return float(found["seconds"]) / int(found["rows"])


def main() -> None:
    """Measure in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--hand", type=int, default=50_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", type=Path, dest="file")
    said = parser.parse_args()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="zalosync-bench-") as name:
        small = Path(name) / "small"
        project(small, said.rows // 10)
        planning(small)  # makes the sandbox's key and the ledger, which are no part of planning
        tenth, _ = planning(small)
        folder = Path(name) / "all"
        audience = project(folder, said.rows)
        planning(folder)
        hand = min(said.hand, said.rows)
        for what, sent in (("empty ledger", False), ("all sent before", True), ("50 new rows", True)):
            if what == "all sent before":
                send(folder)
            if what == "50 new rows":
                _append(audience, said.rows)
            turns = [(by_hand(audience, hand, sent=sent), planning(folder)) for _ in range(said.turns)]
            peer = min(cost for cost, _ in turns) * said.rows
            seconds = min(found.seconds for _, (found, _) in turns)
            totals = turns[0][1][1]
            results.append(
                {
                    "what": f"plan, {said.rows:,} rows, {what}",
                    "seconds": round(seconds, 2),
                    "by_hand_seconds": round(peer, 1),
                    "ratio": round(peer / seconds, 2),
                    "peak_megabytes": round(megabytes(max(found.peak for _, (found, _) in turns))),
                    "plan_bytes": (folder / "bench.zsplan").stat().st_size,
                    "send": totals["send"],
                    "unchanged": totals["unchanged"],
                }
            )
            _say(results[-1])
        per_row = (tenth.seconds / (said.rows // 10), float(results[0]["seconds"]) / said.rows)
        results.append(
            {
                "what": "seconds a row, a tenth of the rows against all",
                "ratio": round(per_row[0] / per_row[1], 2),
            }
        )
        few, many = (cost * 1e6 for cost in per_row)
        print(f"a row costs {few:.2f} us in a tenth of the rows, {many:.2f} us in all of them")
    if said.file is not None:
        said.file.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _append(audience: Path, rows: int) -> None:
    """Fifty customers more, made as the others."""
    with audience.open("a", encoding="utf-8") as file:
        for number in range(rows + 1, rows + 1 + NEW_ROWS):
            written = f"0901{number % 1_000_000:06d},DH{number:08d},1250000,2026-11-20,shipped,2026-01-02"
            file.write(f"C{number:07d},Lê An,{written}\n")


def _say(result: dict[str, Any]) -> None:
    print(
        f"{result['what']:<40} {result['seconds']:>8.2f} s  by hand {result['by_hand_seconds']:>7.1f} s"
        f"  {result['ratio']:.2f} times  {result['peak_megabytes']} MB, {result['plan_bytes'] / 1e6:.1f} MB"
        f" for {result['send']:,} to send and {result['unchanged']:,} unchanged",
        flush=True,
    )


if __name__ == "__main__":
    main()
