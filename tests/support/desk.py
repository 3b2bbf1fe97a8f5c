"""A project on disk, a ledger in memory and a clock that the test sets: plans without process or network."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from tests.sim.world import fresh_database
from zalosync.apply.letters import Letters
from zalosync.clock import SystemClock
from zalosync.compose.message import Keys, Status
from zalosync.ledger.dialect import SQLITE
from zalosync.ledger.records import Kind, Move, Standing
from zalosync.ledger.store import Ledger
from zalosync.plan.build import Known, SenderKey, build
from zalosync.plan.history import NoHistory
from zalosync.plan.quota import SenderQuota
from zalosync.plan.record import record_of
from zalosync.plan.shape import CampaignPlan, Plan
from zalosync.spec.findings import Finding
from zalosync.spec.load import load_project

SENDER = "4097700000000000001"
KEYS = Keys(b"k" * 32)
NOON = datetime(2026, 12, 1, 5, tzinfo=UTC)  # in Viet Nam; a Tuesday

PROJECT = """\
apiVersion: zalosync/v1
kind: Project
metadata: {name: desk}
spec:
  specs: ["campaigns/*.yaml"]
  policies: ["policies/*.yaml"]
  timezone: Asia/Ho_Chi_Minh
  defaultEnvironment: here
  environments:
    here: {baseUrl: sandbox, batchSize: 100}
  prices: prices.yaml
"""
PRICES = """\
currency: EUR
zalo: {TRANSACTION: 0.01, CUSTOMER_CARE: 0.02, PROMOTION: 0.05}
sms: {perSegment: 0.03}
"""


def phones(count: int, first: int = 0) -> list[str]:
    """Made-up Vietnamese mobile numbers."""
    return [f"090{number:07d}" for number in range(first, first + count)]


@dataclass
class At(SystemClock):
    """A clock that stands."""

    moment: datetime

    def now(self) -> datetime:
        """The moment."""
        return self.moment


@dataclass(slots=True)
class Desk:
    """Writes specs, plans, and writes down in the ledger what a run would."""

    root: Path
    now: datetime = NOON
    ledger: Ledger = field(default_factory=lambda: Ledger(fresh_database(), SQLITE, "ledger"))
    emitted: list[Any] = field(default_factory=list)
    quotas: Mapping[str, SenderQuota] | None = None

    def __post_init__(self) -> None:
        for folder in ("campaigns", "audiences", "policies"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.write("zalosync.yaml", PROJECT)
        self.write("prices.yaml", PRICES)
        self.policy("quiet", "")
        with self.ledger.change(Kind.INIT, self.now) as change:
            change.note("lineage", "desk")
            change.note("key", KEYS.fingerprint)

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        (self.root / name).write_text(text, encoding="utf-8")

    def policy(self, name: str, spec: str) -> None:
        """Write a policy."""
        body = indent(dedent(spec), "  ") if spec else "  {}\n"
        head = f"apiVersion: zalosync/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n"
        self.write(f"policies/{name}.yaml", head + body)

    def audience(self, name: str, rows: Sequence[str | Sequence[str]]) -> None:
        """Write an audience of (phone, code) rows; a phone alone is its own code."""
        with (self.root / "audiences" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("phone", "code"))
            writer.writerows((row, row) if isinstance(row, str) else row for row in rows)

    def campaign(
        self,
        name: str,
        rows: Sequence[str | Sequence[str]] | None = None,
        *,
        tag: str = "TRANSACTION",
        labels: str = "{}",
        audience: str = "",
        more: str = "",
        metadata: str = "",
        text: str = "{{ code }}",
        values: str | None = None,
    ) -> None:
        """Write a campaign and, with `rows`, its audience; `audience` and `more` are further lines."""
        given = values or f'{{order_code: "{text}"}}'
        if rows is not None:
            self.audience(name, rows)
        spec = (
            f'sender: "{SENDER}"\ntemplate: {{name: 322307, tag: {tag}}}\n'
            f'audience:\n  path: ../audiences/{name}.csv\n  phone: phone\n  key: "{{{{ code }}}}"\n'
            f"{indent(dedent(audience), '  ')}"
            f"templateData: {given}\n{dedent(more)}"
        )
        head = (
            f"apiVersion: zalosync/v1\nkind: Campaign\nmetadata:\n  name: {name}\n  labels: {labels}\n"
            f"{indent(dedent(metadata), '  ')}spec:\n"
        )
        self.write(f"campaigns/{name}.yaml", head + indent(spec, "  "))

    def plan(self, *names: str, due: bool = False, content: bool = False, preview: bool = False) -> Plan:
        """Plan the campaigns of these names, or all."""
        project = load_project(self.root, environment=None, now=self.now)
        chosen = [each for each in project.campaigns if not names or each.name in names]
        return build(
            project,
            chosen,
            NoHistory() if preview else self.ledger,
            KEYS,
            base_url="sandbox",
            known=Known({SENDER: SenderKey(446, "sha256:" + "0" * 64)}, self.quotas),
            now=self.now,
            content=content,
            emit=self.emitted.append,
            due=due,
            complete=not preview,
            whole=not names and not preview,
        )

    def send(
        self,
        *names: str,
        state: Status = Status.ACCEPTED,
        limit: int | None = None,
        change: Callable[[Plan], None] | None = None,
    ) -> int:
        """Write down what a run would that sends (at most `limit` of) what is planned; gives how many.

        Args:
            names: of the campaigns.
            state: what became of the messages; INTENT leaves them so, HELD holds them.
            limit: as `--max-messages`.
            change: is shown the plan before it is sent.
        """
        sent = 0
        with self.plan(*names, content=True) as plan:
            if change is not None:
                change(plan)
            with self.ledger.change(Kind.RUN, self.now) as begun:
                record = {"plan_digest": plan.digest, **record_of(plan)}
                number = begun.start_run(f"run-{begun.next_run()}", "apply", record)
            for campaign in plan.campaigns:
                sent += self._claim(campaign, number, state, None if limit is None else limit - sent)
            with self.ledger.change(Kind.END, self.now + timedelta(seconds=1), run=number) as ended:
                ended.end_run(number, {"exit_code": 0, "consumed": limit is None})
        return sent

    def _claim(self, campaign: CampaignPlan, run: int, state: Status, limit: int | None) -> int:
        with self.ledger.change(Kind.NOTE, self.now) as change:
            number = change.campaign(campaign.loaded.first_name)
        sent = 0
        for letters in Letters(campaign, number, self.ledger, KEYS):
            part = letters[: None if limit is None else max(0, limit - sent)]
            sent += len(part)
            if not part:
                continue
            with self.ledger.change(Kind.CLAIM, self.now, run=run) as change:
                if state is Status.HELD:
                    claims = [letter.claim for letter in part]
                    change.claim([_held(claim) for claim in claims])
                    continue
                taken = change.claim([letter.claim for letter in part])
            if state is not Status.INTENT:
                with self.ledger.change(Kind.OUTCOME, self.now, run=run) as change:
                    change.move([Move(record, Standing(state)) for record in taken], own=True)
        return sent


def _held(claim: Any) -> Any:

    return claim._replace(state=Status.HELD)


def found(plan: Plan) -> dict[str, Finding]:
    """The plan's findings by id."""
    return {finding.id: finding for finding in plan.all_findings}
