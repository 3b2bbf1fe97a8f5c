"""How fast the sandbox takes messages: over HTTP on one core, and in-process.

    python benchmarks/sandbox.py                 # 200,000 messages in batches of 100
    python benchmarks/sandbox.py --messages 20000 --json

The server runs in a process of its own, bound to one core where the system allows it; the caller is bound to
another. The batches are made before the clock starts, and the server has answered once. The last two columns
are the server's own processor time for a message, and how many messages a second that makes on a core that
nobody else uses: on a busy machine these say more than the clock on the wall.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from zalosync.sandbox import oracle, store
from zalosync.sandbox.model import Model
from zalosync.sandbox.routes import Request
from zalosync.sandbox.settings import Settings

BATCH = 100
CONNECTIONS = 4
HEADERS = {"authorization": "App sandbox", "content-type": "application/json"}


def batches(messages: int) -> Iterator[bytes]:
    """Bodies of the size a campaign has: five short values, platform and report options."""
    for first in range(0, messages, BATCH):
        entries = [
            {
                "sender": "4097700000000000001",
                "destinations": [
                    {"to": f"849{n:08d}", "messageId": f"zs1-{n * 2654435761 % 2**32:08x}{n:024d}"}
                ],
                "content": {
                    "type": "TEMPLATE",
                    "templateName": 322307,
                    "templateData": {
                        "customer_name": "Nguyễn Thị Ánh",
                        "order_code": f"DH-{n:06d}",
                        "order_date": "01/12/2026",
                        "amount": "120.000",
                        "shop": "Cửa hàng Hà Nội",
                    },
                },
                "options": {
                    "validityPeriod": {"amount": 6, "timeUnit": "HOURS"},
                    "campaignReferenceId": "spring",
                },
                "webhooks": {"delivery": {"notify": True}},
            }
            for n in range(first, min(first + BATCH, messages))
        ]
        yield json.dumps({"messages": entries}, ensure_ascii=False).encode()


def _bind(core: int) -> None:
    """Binds this process to one core, where that can be done and there are enough."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[core % len(cores)]})


@contextmanager
def served(state: Path) -> Iterator[tuple[str, int]]:
    """A sandbox in a process of its own on core 0; its address and process id."""
    command = [sys.executable, "-m", "zalosync.sandbox", "--port", "0", "--state", str(state)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: _bind(0))  # noqa: PLW1509
    assert process.stdout is not None
    try:
        yield process.stdout.readline().removeprefix("sandbox listening on ").strip(), process.pid
    finally:
        process.terminate()
        process.communicate()


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def over_http(bodies: list[bytes]) -> dict[str, float]:
    """Messages a second over HTTP, several requests under way, and the server's time for each message."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (address, pid):
        _bind(1)
        where = urlsplit(address)
        connections = [
            http.client.HTTPConnection(str(where.hostname), where.port) for _ in range(CONNECTIONS)
        ]
        for connection in connections:
            connection.request("GET", "/sandbox/clock")
            connection.getresponse().read()
        before, start = cpu_seconds(pid), time.perf_counter()
        for index, body in enumerate(bodies):
            connection = connections[index % CONNECTIONS]
            if index >= CONNECTIONS:
                connection.getresponse().read()
            connection.request("POST", "/zalo/2/messages", body, HEADERS)
        for connection in connections[: len(bodies)]:
            answer = connection.getresponse()
            answer.read()
            assert answer.status == http.client.OK
        seconds, spent = time.perf_counter() - start, cpu_seconds(pid) - before
        for connection in connections:
            connection.close()
        taken = oracle.read(Path(folder))["accepted"]
    return {"messages": taken, "per_second": taken / seconds, "server_us": spent / taken * 1e6}


def in_process(bodies: list[bytes]) -> dict[str, float]:
    """Messages a second that the model takes without HTTP, stored in a file."""
    with tempfile.TemporaryDirectory() as folder, closing(store.connect(Path(folder))) as connection:
        model = Model(connection, Settings())
        before, start = time.process_time(), time.perf_counter()
        for body in bodies:
            model.handle(Request("POST", "/zalo/2/messages", "", HEADERS, body), 1_800_000_000_000)
        seconds, spent = time.perf_counter() - start, time.process_time() - before
        taken = oracle.totals(connection, oracle.END)["accepted"]
    return {"messages": taken, "per_second": taken / seconds, "server_us": spent / taken * 1e6}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="How fast the sandbox takes messages.")
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    bodies = list(batches(given.messages))
    found = {"over HTTP, one core": over_http(bodies), "in-process": in_process(bodies)}
    if given.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'sandbox, batches of 100':<28}{'messages':>12}{'messages/s':>14}{'µs of CPU':>12}{'a core':>12}")
    for name, numbers in found.items():
        rate, each = numbers["per_second"], numbers["server_us"]
        print(f"{name:<28}{numbers['messages']:>12,}{rate:>14,.0f}{each:>12.1f}{1e6 / each:>12,.0f}")


if __name__ == "__main__":
    main()
