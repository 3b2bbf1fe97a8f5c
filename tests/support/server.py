"""The sandbox as a server: a process of its own for crash tests, a thread of the test for all others."""

import signal
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from tests.support.command import start
from tests.support.shop import SENDER
from zalosync.sandbox import oracle
from zalosync.sandbox.store import FILE

API_KEY = "made-up-key-of-a-test"


@dataclass(frozen=True, slots=True)
class Server:
    """A running sandbox, and what it knows."""

    base_url: str
    state: Path
    api_key: str = API_KEY

    @property
    def environ(self) -> dict[str, str]:
        """What a command needs to talk to it."""
        return {"INFOBIP_API_KEY": self.api_key}

    def totals(self) -> dict[str, Any]:
        """The server's own counts, at the end of every story."""
        return oracle.read(self.state)

    def messages(self) -> list[dict[str, Any]]:
        """One entry for each message id it was ever sent."""
        return oracle.read_messages(self.state)

    def make_key(self, sender: str) -> None:
        """Make the sender's RSA key, of the size that the settings say."""
        with httpx.Client(base_url=self.base_url, trust_env=False) as client:
            path = f"/zalo/1/sender/{sender}/public-key"
            client.post(path, headers={"Authorization": f"App {self.api_key}"}).raise_for_status()

    def accepted(self) -> int:
        """How many messages it has taken until now: cheap, for those who wait for a number."""
        with closing(sqlite3.connect(f"file:{self.state / FILE}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT count(*) FROM messages WHERE accepted = 1").fetchone()
        return int(found[0])

    def control(self, method: str, path: str, body: object = None) -> Any:
        """One of the sandbox's own calls."""
        with httpx.Client(base_url=self.base_url, trust_env=False) as client:
            answer = client.request(method, f"/sandbox/{path}", json=body)
            answer.raise_for_status()
            return answer.json()


@contextmanager
def serving(
    folder: Path,
    settings: Mapping[str, Any] | None = None,
    faults: list[dict[str, Any]] | None = None,
    *,
    key: bool = True,
) -> Iterator[Server]:
    """Serve the sandbox in a process of its own, for as long as this lasts; `key`: the sender has one."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {"key_bits": 2048, "logs_per_minute": 600, "check_share": 1.0, **(settings or {})}
    (folder / "settings.yaml").write_bytes(orjson.dumps(values))
    arguments = ["--settings", str(folder / "settings.yaml")]
    if faults:
        (folder / "faults.yaml").write_bytes(orjson.dumps({"faults": faults}))
        arguments += ["--faults", str(folder / "faults.yaml")]
    state = folder / "state"
    arguments += ["--port", "0", "--state", str(state), "--api-key", API_KEY]
    process = start(folder, *arguments, module="zalosync.sandbox.__main__")
    try:
        while not process.said.endswith("\n"):
            assert process.poll(0.005) is None, process.wait().err
        server = Server(process.said.split()[-1], state)
        if key:
            server.make_key(SENDER)
        yield server
    finally:
        process.send(signal.SIGTERM)
        process.wait()
