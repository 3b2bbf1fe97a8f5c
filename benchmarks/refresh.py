"""How fast reports get into the ledger, and into `serve`: one command, a table.

    python benchmarks/refresh.py                       # 1,000,000 messages; takes some minutes
    python benchmarks/refresh.py --messages 200000 --keep /tmp/ledgers
    python benchmarks/refresh.py --only serve
    python benchmarks/refresh.py --only status --messages 10000000 --keep /tmp/ledgers  # 2.5 GB, 20 minutes

A ledger of so many accepted messages, and a report of each in no order, on one thread. `read`: pages of a
thousand are parsed, proven and stored in the inbox. `merged`: from there into the ledger. `again`: the same
reports once more, in another order: they change nothing. Before and after, the whole command `status`. With
`--keep` the ledger is made once.

`status`: that command and `history`, of a ledger of as many messages from a hundred runs: first all of them
accepted and late, then all ended, every fourth with an SMS to follow of which nobody told.

`serve` runs on one core, the callers on another, over connections that are kept: pushes of so many rows each,
answered when they are durable.

Where other work shares the machine, the clock on the wall says more about that. So `alone` is the rate
without the time that was spent waiting for a processor (Linux tells it); for `serve`, the rate that its
processor time alone allows.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from measure import ROOT, megabytes, zalosync

from zalosync.clock import SystemClock
from zalosync.compose.message import Identity, Keys, Maker, Status, message_id_text, webhook_token
from zalosync.infobip.evidence import read_reports
from zalosync.ledger.dialect import SQLITE, sqlite_database
from zalosync.ledger.home import Home, create
from zalosync.ledger.records import Claim, Kind, Move, Standing
from zalosync.ledger.store import Ledger
from zalosync.provider import Malformed
from zalosync.refresh.inbox import Inbox
from zalosync.refresh.reports import drain
from zalosync.refresh.sift import sift

PROJECT = """apiVersion: zalosync/v1
kind: Project
metadata: {name: bench}
spec:
  specs: [campaigns/*.yaml]
  timezone: Asia/Ho_Chi_Minh
  environments: {bench: {baseUrl: "http://127.0.0.1:9", apiKey: {env: INFOBIP_API_KEY}}}
"""
KEYS = Keys(bytes(range(32)))
IDENTITY = Identity(KEYS, "order-shipped", 1)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENVIRON = {"ZALOSYNC_KEY": KEYS.secret.hex()}
BATCH = 100  # messages of a request
SHARED = 10  # requests that share a transaction
CHANGED = 50_000  # messages of a transaction, where only what comes out matters
RUNS = 100  # of a large ledger
PAGE = 1000
CONNECTIONS = 64
SEED = 20261123
ENDS = (  # what becomes of messages: of a hundred so many, group, id, names, error, price
    (88, 3, "DELIVERED", 5, "DELIVERED_TO_HANDSET", 0, 0.012),
    (6, 2, "UNDELIVERABLE", 9, "UNDELIVERABLE_NOT_DELIVERED", 27, 0.0),
    (4, 4, "EXPIRED", 15, "EXPIRED_EXPIRED", 0, 0.0),
    (2, 5, "REJECTED", 8, "REJECTED_PREFIX_MISSING", 0, 0.0),
)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="folder where the ledger is kept for the next time")
    parser.add_argument("--only", choices=("reports", "serve", "status"))
    said = parser.parse_args()
    if said.only == "status":
        with tempfile.TemporaryDirectory(prefix="zalosync-bench-") as folder:
            large(said.keep or Path(folder), said.messages)
        return
    if said.only != "reports":
        for rows, pushes in ((1, 10_000), (100, 1_000)):
            serve(rows, pushes * rows)
    if said.only == "serve":
        return
    with tempfile.TemporaryDirectory(prefix="zalosync-bench-") as folder:
        kept = made(said.keep or Path(folder), "accepted", said.messages)
        home = Home(Path(folder) / "copy", "bench")
        shutil.copytree(kept.root, home.root)
        status(home, said.messages, "all accepted, all late")
        reports(home, said.messages)
        status(home, said.messages, "all reported")


def made(folder: Path, name: str, messages: int, runs: int = 1, changed: int = BATCH * SHARED) -> Home:
    """The ledger of that name, made where it is not there."""
    kept = folder / f"{name}-{messages}"
    if not kept.exists():
        aside = kept.with_suffix(".new")
        shutil.rmtree(aside, ignore_errors=True)
        fill(project(aside), messages, runs, changed)
        aside.rename(kept)
    return Home(kept, "bench")


def large(folder: Path, messages: int) -> None:
    """What people ask for while they wait, of a ledger of very many messages."""
    home = made(folder, "large", messages, RUNS, CHANGED)
    ended = home.root / "ended"
    if not ended.exists():
        asked(home, messages, "all accepted, all late")
        settle(home)
        ended.touch()
    asked(home, messages, "all ended, of 3% the SMS is unknown")


def asked(home: Home, messages: int, words: str) -> None:
    """`status` and `history`."""
    status(home, messages, words)
    done = [zalosync(home.root, "--json", "history", environ=ENVIRON) for _ in range(3)]
    assert {each.code for each in done} == {0}
    count = len(json.loads(done[0].out)["runs"])
    print(f"{messages:>10,} messages  history {min(each.seconds for each in done):.2f} s  {count} runs")


def project(folder: Path) -> Home:
    """A project with the demonstration's campaign, and no ledger."""
    shutil.copytree(ROOT / "specs", folder, ignore=shutil.ignore_patterns(".zalosync", "schema"))
    (folder / "zalosync.yaml").write_text(PROJECT, encoding="utf-8")
    return Home(folder, "bench")


def fill(home: Home, messages: int, runs: int, changed: int) -> None:
    """A ledger as `apply` leaves it: claimed in the order of messages, batch by batch, then accepted."""
    create(home, KEYS, NOON)
    ledger = Ledger(sqlite_database(home.path), SQLITE, "ledger")
    everything = sorted(IDENTITY.message(str(n)) for n in range(messages))
    for number, part in enumerate(_in_parts(everything, -(-messages // runs)), 1):
        with ledger.change(Kind.RUN, NOON) as change:
            run = change.start_run(f"bench-{number}", "apply", {"campaigns": ["order-shipped"]})
            campaign = change.campaign("order-shipped")
        _apply(ledger, run, campaign, part, changed)
        with ledger.change(Kind.END, NOON, run=run) as change:
            change.end_run(run, {"exit_code": 0, "reason": "", "totals": {"accepted": len(part)}})
    ledger.close()


def _apply(ledger: Ledger, run: int, campaign: int, messages: Sequence[bytes], changed: int) -> None:
    taken = Standing(Status.ACCEPTED, status_group=1, status_id=7)
    for some in _in_parts(messages, changed):
        claims = [
            Claim(
                message,
                IDENTITY.message_id(message, 1),
                campaign,
                1,
                1,
                message,
                message,
                failover=message[0] % 4 == 0,
            )
            for message in some
        ]
        with ledger.change(Kind.CLAIM, NOON, run=run) as change:
            records = change.claim(claims)
        with ledger.change(Kind.OUTCOME, NOON, run=run) as change:
            change.move([Move(record, taken) for record in records])


def settle(home: Home) -> None:
    """Every accepted message gets its end, as reports would tell it; of SMS nobody tells."""
    ledger = Ledger(sqlite_database(home.path), SQLITE, "ledger")
    (campaign,) = ledger.campaigns().values()
    ends = [
        Standing(Status[group], status_group=number, status_id=status, error_id=error)
        for many, number, group, status, _, error, _ in ENDS
        for _ in range(many)
    ]
    for some in ledger.late(campaign, 0, 2**40, chunk=CHANGED):
        with ledger.change(Kind.EVIDENCE, NOON) as change:
            change.move([Move(record, ends[record.row * 7919 % 100]) for record in some])
    ledger.close()


def _in_parts(items: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def pages(messages: int, seed: int, page: int = PAGE) -> Iterator[bytes]:
    """A report of each message, in no order, as pages of the provider's JSON."""
    maker, chance = Maker(KEYS), random.Random(seed)
    numbers = list(range(messages))
    chance.shuffle(numbers)
    ends = [end for end in ENDS for _ in range(end[0])]
    for some in _in_parts(numbers, page):
        yield orjson.dumps({"results": [_row(number, maker, ends[number * 7919 % 100]) for number in some]})


def _row(number: int, maker: Maker, end: tuple[int, int, str, int, str, int, float]) -> dict[str, object]:
    _, group, group_name, status, name, error, price = end
    message_id = IDENTITY.message_id(IDENTITY.message(str(number)), 1)
    sent = NOON + timedelta(milliseconds=number * 3)
    return {
        "bulkId": f"zs1b-{number // BATCH:032d}",
        "messageId": message_id_text(message_id),
        "to": f"849{number:08d}",
        "sentAt": _time(sent),
        "doneAt": _time(sent + timedelta(milliseconds=900 + number % 977)),
        "messageCount": 1,
        "price": {"pricePerMessage": price, "currency": "EUR"},
        "status": {
            "groupId": group,
            "groupName": group_name,
            "id": status,
            "name": name,
            "description": name,
        },
        "error": {"groupId": 0, "groupName": "OK", "id": error, "name": "NO_ERROR", "permanent": False},
        "channel": "ZALO",
        "callbackData": maker.proof(message_id),
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def status(home: Home, messages: int, words: str) -> None:
    """The whole command, from its start to its end."""
    done = [zalosync(home.root, "--json", "status", environ=ENVIRON) for _ in range(3)]
    assert {each.code for each in done} == {0}
    (campaign,) = json.loads(done[0].out)["campaigns"]
    assert campaign["attempts"] == messages
    print(
        f"{messages:>10,} messages  status {min(each.seconds for each in done):.2f} s  {words}"
        f"  memory {megabytes(max(each.peak for each in done)):.0f} MB"
    )


def reports(home: Home, messages: int) -> None:
    """Reports through the inbox into the ledger, twice."""
    ledger = Ledger(sqlite_database(home.path), SQLITE, "ledger")
    maker, clock = Maker(KEYS), SystemClock()
    for name, seed in (("merged", SEED), ("again", SEED + 1)):
        with Inbox(home.folder / "bench.inbox.db") as inbox:
            reading = read_alone = 0.0
            for body in pages(messages, seed):
                began, waited = time.perf_counter(), _waited()
                rows = read_reports(body, IDENTITY.recipient, KEYS.evidence_digest)
                assert not isinstance(rows, Malformed)
                inbox.add(sift(rows.reports, maker, trusted=True), 0)
                reading += time.perf_counter() - began
                read_alone += time.perf_counter() - began - (_waited() - waited)
            began, waited = time.perf_counter(), _waited()
            taken = drain(inbox, ledger, maker, clock, lambda _: None)
            took, waited = time.perf_counter() - began, _waited() - waited
            assert taken.moved == (messages if name == "merged" else 0), taken
        print(
            f"{messages:>10,} reports"
            f"  read {messages / reading:>8,.0f}/s (alone {messages / read_alone:,.0f})"
            f"  {name} {messages / took:>8,.0f}/s (alone {messages / (took - waited):,.0f})"
            f"  memory {_peak():.0f} MB"
        )
    ledger.close()


def serve(rows: int, reports: int) -> None:
    """Pushes of so many rows to `zalosync serve`, over as many connections as may wait for one commit."""
    with tempfile.TemporaryDirectory(prefix="zalosync-bench-") as name:
        folder = project(Path(name) / "project").root
        environ = {**os.environ, **ENVIRON, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "zalosync.cli.main", "serve", "--port", "0", "--rate", "1000000"]
        bodies = list(pages(reports, SEED, rows))
        process = subprocess.Popen(command, cwd=folder, env=environ, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stderr is not None
            address = process.stderr.readline().split("//")[1].split("/")[0]
            _bind(process.pid, 0)
            used, began = _used(process.pid), time.perf_counter()
            asyncio.run(_push(address, bodies))
            took, used = time.perf_counter() - began, _used(process.pid) - used
        finally:
            process.terminate()
            process.wait()
        with Inbox(folder / ".zalosync" / "bench.inbox.db") as inbox:
            assert inbox.size == reports, inbox.size
    print(
        f"{reports:>10,} reports  pushed by {rows:>3} {reports / took:>8,.0f}/s (alone {reports / used:,.0f})"
    )


async def _push(address: str, bodies: Sequence[bytes]) -> None:
    host, port = address.split(":")
    head = f"POST /zalo/reports/{webhook_token(KEYS, 'bench')} HTTP/1.1\r\nHost: {address}\r\n".encode()
    waiting = iter(bodies)

    async def caller() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for body in waiting:
            kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head + kind.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
        writer.close()

    await asyncio.gather(*(caller() for _ in range(CONNECTIONS)))


def _bind(pid: int, core: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def _used(pid: int) -> float:
    """Seconds of processor time of a process, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _waited() -> float:
    """Seconds that this thread was ready to run and no processor was free; 0 where nobody counts them."""
    counted = Path("/proc/thread-self/schedstat")
    return int(counted.read_text(encoding="ascii").split()[1]) / 1e9 if counted.exists() else 0.0


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
