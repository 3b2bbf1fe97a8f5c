"""Days of a project's life in minutes: real commands, a real receiver, a sandbox whose time is moved."""

import socket
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.command import LONGEST, Done, Running, start
from tests.support.moved import control
from tests.support.sandbox_process import until
from tests.support.server import Server
from tests.support.shop import CAMPAIGN, Shop, write_audience, write_shop
from zalosync.compose.message import webhook_token
from zalosync.ledger.key import read_key

SECRET = "a made-up secret of a subscription"
REMINDER = "reminder"
ENVIRONMENT = """\
      apiKey: {env: INFOBIP_API_KEY}
      webhook: {security: hmac, credential: {env: HOOK_SECRET}}
"""
REMINDER_SMS = """\
  smsFailover:
    text: "Don hang {{ code }}"
    validityPeriod: 2h
"""
HOUR_S = 3600


@dataclass(slots=True)
class Days:
    """A project, its provider, and a receiver that comes and goes.

    Attributes:
        server: the sandbox.
        shop: the project.
        port: of the receiver, also of the next one.
        receiver: while it runs.
        wrong: seconds that this machine's clock is ahead of the provider's.
    """

    server: Server
    shop: Shop
    port: int
    receiver: Running | None = None
    wrong: int = 0

    def command(self, *arguments: str, codes: tuple[int, ...] = (0, 6), die: str | None = None) -> Done:
        """Run a command by the sandbox's time; `die`: the method before whose first call it kills itself."""
        done = self._start(*arguments, die=(die, 1) if die else None).wait()
        assert done.code in (codes if die is None else (-9,)), (done.code, done.out, done.err)
        return done

    def refresh(self, *arguments: str, **more: Any) -> None:
        """Look what became of the messages."""
        self.command("refresh", *arguments, **more)

    def receive(self, die: tuple[str, int] | None = None) -> None:
        """Start the receiver of pushed reports, and wait until it listens."""
        self.receiver = self._start("serve", "--port", str(self.port), die=die)
        until(self._listens)

    def stopped(self) -> None:
        """Wait until the receiver has died."""
        assert self.receiver is not None
        assert self.receiver.poll(LONGEST) == -9
        self.receiver.kill()
        self.receiver = None

    def close(self) -> None:
        """End the receiver, if it still runs."""
        if self.receiver is not None:
            self.receiver.kill()

    def settings(self, **changed: object) -> None:
        """Other switches of the sandbox from now on."""
        control(self.server.base_url, "POST", "settings", changed)

    def faults(self, *faults: Mapping[str, object]) -> None:
        """The script of what goes wrong from now on; what happened before counts no more."""
        control(self.server.base_url, "DELETE", "faults")
        control(self.server.base_url, "POST", "faults", list(faults))

    def subscribe(self, *, content_type: str) -> None:
        """Have reports pushed to the receiver, each three times and in no order."""
        keys = read_key(self.shop.state, {})
        assert keys is not None
        push = {
            "url": f"http://127.0.0.1:{self.port}/zalo/reports/{webhook_token(keys, 'here')}",
            "content_type": content_type,
            "security": "hmac",
            "secret": SECRET,
            "batch": 25,
            "duplicate_share": 1.0,
            "duplicate_copies": 2,
            "disorder": True,
        }
        self.settings(push=push)

    def hours(self, number: int) -> None:
        """Let hours pass, one by one; every push that is due in them is made, or fails."""
        for _ in range(number):
            control(self.server.base_url, "POST", "clock", {"advance_seconds": HOUR_S})
            until(self._quiet)
            # Copies overtake each other by some seconds.
            control(self.server.base_url, "POST", "clock", {"advance_seconds": 20})
            until(self._quiet)

    def write_people(self, rows: int) -> None:
        """Put so many rows of the audience into its file."""
        whole = self.shop.people
        self.shop.people = whole[:rows]
        write_audience(self.shop)
        self.shop.people = whole

    def write_reminder(self) -> None:
        """A second campaign for the same people, with an SMS for whom Zalo fails."""
        folder = self.shop.root / "campaigns"
        first = (folder / f"{CAMPAIGN}.yaml").read_text(encoding="utf-8")
        second = first.replace(CAMPAIGN, REMINDER).replace("validityPeriod: 8h", "validityPeriod: 4h")
        (folder / f"{REMINDER}.yaml").write_text(second + REMINDER_SMS, encoding="utf-8")

    def _start(self, *arguments: str, die: tuple[str, int] | None = None) -> Running:
        clock = f"{self.server.base_url} {self.wrong}"
        environ = {**self.server.environ, "HOOK_SECRET": SECRET}
        return start(self.shop.root, *arguments, environ=environ, die=die, clock=clock)

    def _listens(self) -> bool:
        assert self.receiver is not None
        assert self.receiver.poll() is None, self.receiver.wait().err
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _quiet(self) -> bool:
        """Whether every report that is due was pushed, or could not be."""
        now = control(self.server.base_url, "GET", "clock")["now"]
        with closing(sqlite3.connect(f"file:{self.server.state}/sandbox.db?mode=ro", uri=True)) as found:
            (posts,) = found.execute("SELECT count(*) FROM pushes WHERE next_at <= ?", (now,)).fetchone()
            (waiting,) = found.execute(
                "SELECT count(*) FROM outcomes WHERE pushed = 0 AND done_at <= ?", (now,)
            ).fetchone()
        return not posts and not waiting


def begin(folder: Path, server: Server, rows: int) -> Days:
    """A project of one campaign with an empty ledger, and a free port for its receiver."""
    shop = write_shop(
        folder,
        rows,
        base_url=server.base_url,
        encrypted=False,
        batch_size=25,
        more="  validityPeriod: 8h\n",
        environment=ENVIRONMENT,
    )
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    days = Days(server, shop, port)
    days.command("ledger", "init")
    return days
