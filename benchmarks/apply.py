"""How fast `apply` sends, as shares of what limits it; one command, a table.

    python benchmarks/apply.py [--rows 10000] [--runs 3]

Encrypted: against a bare loop of the same RSA-OAEP encryptions in as many processes. Not encrypted: against
bare POSTs of such bodies over the loopback, from as many threads. The server is the sandbox in a
process of its own, on the same cores. Also said: durable commits and bytes of ledger for a message.
"""

import argparse
import json
import os
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zalosync.infobip.keys import Encryptor
from zalosync.infobip.wire import Envelope, Outgoing, send_body

ROOT = Path(__file__).resolve().parent.parent
VALUES, BATCH, WIDTH = 5, 100, 4
PROCESSES = min(os.cpu_count() or 1, 8)
# What all messages of the campaign share.
ENVELOPE = Envelope(
    sender="4097700000000000001",
    template=322307,
    validity=(6, "HOURS"),
    failover_sender="SHOPVN",
    failover_validity=(2, "HOURS"),
    campaign_reference_id="order-shipped",
)
_encryptors: list[Encryptor] = []  # of a worker process, built once


def main() -> None:
    """Measure, in turn, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="zalosync-bench-") as folder:
        for encrypted in (True, False):
            measured = [
                measure(Path(folder) / f"{encrypted}-{run}", said.rows, encrypted) for run in range(said.runs)
            ]
            applied = statistics.median(each[0] for each in measured)
            bare = statistics.median(each[1] for each in measured)
            share = statistics.median(each[0] / each[1] for each in measured)
            what = "encrypted, RSA-4096" if encrypted else "not encrypted"
            against = "bare encryption" if encrypted else "bare POST"
            print(
                f"{what:<20} {applied:>8,.0f} messages/s  {against} {bare:>8,.0f}/s  share {share:.2f}"
                f"  commits a batch {measured[0][2]:.2f}  ledger bytes a message {measured[0][3]:.0f}"
            )


def measure(folder: Path, rows: int, encrypted: bool) -> tuple[float, float, float, float]:  # noqa: FBT001
    """Messages a second of one campaign, and of what limits it; commits a batch; bytes a message."""
    project(folder, rows, encrypted)
    server, address = serve(folder / "server")
    try:
        environ = {**os.environ, "INFOBIP_API_KEY": "sandbox", "INFOBIP_BASE_URL": address}
        run(folder, environ, "ledger", "init")
        totals = json.loads(run(folder, environ, "--json", "apply", "--auto-approve"))["totals"]
        sent = totals["accepted"]
        limit = bare_encryption(sent) if encrypted else bare_posts(address, sent)
    finally:
        server.terminate()
        server.wait()
    ledger = folder / ".zalosync" / "bench.db"
    with sqlite3.connect(ledger) as connection:
        commits = connection.execute(
            "SELECT COUNT(*) FROM event WHERE kind IN ('claim', 'outcome')"
        ).fetchone()[0]
    return sent / totals["seconds"], limit, commits / totals["requests"], ledger.stat().st_size / sent


def project(folder: Path, rows: int, encrypted: bool) -> None:  # noqa: FBT001
    """The demo's project with an environment that names the server."""
    shutil.copytree(ROOT / "specs", folder, ignore=shutil.ignore_patterns(".zalosync", "schema"))
    with (folder / "audiences" / "customers.csv").open("w", encoding="utf-8") as file:
        command = [sys.executable, str(ROOT / "benchmarks" / "customers.py"), "--rows", str(rows)]
        subprocess.run(command, stdout=file, check=True)
    campaign = folder / "campaigns" / "order-shipped.yaml"
    text = campaign.read_text(encoding="utf-8")
    campaign.write_text(
        text.replace("encrypted: true", f"encrypted: {str(encrypted).lower()}"), encoding="utf-8"
    )
    (folder / "zalosync.yaml").write_text(
        "apiVersion: zalosync/v1\nkind: Project\nmetadata: {name: bench}\nspec:\n"
        "  specs: [campaigns/*.yaml]\n  timezone: Asia/Ho_Chi_Minh\n  environments:\n"
        "    bench: {baseUrl: {env: INFOBIP_BASE_URL}, apiKey: {env: INFOBIP_API_KEY}}\n",
        encoding="utf-8",
    )


def serve(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """The sandbox in a process of its own; it opens no values, so that it costs what a server costs."""
    folder.mkdir()
    settings = folder / "settings.yaml"
    settings.write_text("check_first: 0\ncheck_share: 0.0\n", encoding="utf-8")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "zalosync.sandbox", "--port", "0"),
            *("--state", str(folder), "--settings", str(settings)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().split()[-1]


def run(folder: Path, environ: dict[str, str], *arguments: str) -> str:
    """One command of zalosync."""
    command = [sys.executable, "-m", "zalosync.cli.main", "-q", *arguments]
    return subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True, text=True).stdout


def bare_encryption(messages: int) -> float:
    """Messages a second whose values are encrypted and nothing else, in as many processes as apply has."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=4096).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), initializer=_ready, initargs=(der,)) as pool:
        list(pool.map(_encrypt, [1] * PROCESSES))
        began = time.perf_counter()
        list(pool.map(_encrypt, [BATCH] * (messages // BATCH)))
        return messages / (time.perf_counter() - began)


def _ready(der: bytes) -> None:
    _encryptors.append(Encryptor(der, "sha1"))


def _encrypt(messages: int) -> None:
    for _ in range(messages * VALUES):
        _encryptors[0].encrypt("Nguyễn Thị Ánh Đặng")


def bare_posts(address: str, messages: int) -> float:
    """Messages a second over bare sockets, bodies like the campaign's, a connection each, as many threads."""
    host, port = address.removeprefix("http://").split(":")
    bodies = [body(start) for start in range(0, messages, BATCH)]

    def post(body: bytes) -> None:
        with socket.create_connection((host, int(port))) as connection:
            head = (
                f"POST /zalo/2/messages HTTP/1.1\r\nHost: {host}\r\nAuthorization: App sandbox\r\n"
                "Connection: close\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            connection.sendall(head.encode() + body)
            while connection.recv(65536):
                pass

    with ThreadPoolExecutor(WIDTH) as pool:
        began = time.perf_counter()
        list(pool.map(post, bodies))
        return messages / (time.perf_counter() - began)


def body(start: int) -> bytes:
    """A request as the campaign's are, to people of its own, under ids of its own."""
    letters = [
        Outgoing(
            f"849{place:08}",
            f"zs1-{place:032}",
            {
                "customer_name": "Nguyễn Thị Ánh",
                "customer_code": f"C{place:07}",
                "order_code": f"DH{place:08}",
                "order_amount": "1.250.000",
                "order_date": "02/11/2026",
            },
            f"Don hang DH{place:08} da duoc gui di.",
            f"{place:022}",
        )
        for place in range(start, start + BATCH)
    ]
    return send_body(ENVELOPE, letters, bulk_id=f"zs1b-{start:032}", send_at=None, encryptor=None)


if __name__ == "__main__":
    main()
