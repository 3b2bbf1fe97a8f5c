"""Small projects written in many manners, and the digests of their sealed plans."""

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.sim.world import fresh_database
from zalosync.compose.message import Keys
from zalosync.ledger.dialect import SQLITE
from zalosync.ledger.records import Kind
from zalosync.ledger.store import Ledger
from zalosync.plan.build import Known, SenderKey, build
from zalosync.plan.bundle import seal, unseal
from zalosync.spec.load import load_project

NOW: Final = datetime(2026, 12, 1, 5, tzinfo=UTC)
SENDER, OTHER = "4097700000000000001", "4097700000000000002"
Row = tuple[str, str, str]  # phone, name, code
COLUMNS = ("phone", "name", "code", "phone2", "note")
Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class World:
    """All that decides what a plan sends."""

    rows: tuple[Row, ...]
    spec: Tree
    environment: Tree = field(default_factory=lambda: {"baseUrl": "sandbox"})
    environment_name: str = "here"
    base_url: str = "sandbox"
    project: Tree = field(default_factory=dict)
    policy: Tree = field(default_factory=lambda: {"maxRecipientsPerPlan": 1000})
    policies: tuple[str, ...] = ("guardrails",)
    contract: Tree = field(default_factory=lambda: {"status": "ENABLE"})
    signers: str = "lan@example.vn ssh-ed25519 AAAA\n"
    name: str = "orders"
    key: bytes = b"k" * 32
    public_key: str = "sha256:" + "0" * 64
    lineage: str = "one"
    claims: int = 0


@dataclass(frozen=True, slots=True)
class Manner:
    """How a world is written down: nothing of it changes what is sent.

    Attributes:
        seed: of what shuffles keys and rows, and chooses names, quotes, comments and white space.
        folder: of the project, and what its files are called.
        commit: that the record of the plan names.
        later: when it is planned, after `NOW`.
    """

    seed: int
    folder: str = "project"
    commit: str = "0" * 40
    later: timedelta = timedelta()


def spec_of(*, encrypted: bool, **changes: Any) -> Tree:
    """A campaign that has every part a campaign can have, but for what `changes` leaves out."""
    whole: Tree = {
        "occurrence": 1,
        "sender": SENDER,
        "template": {"name": 322307, "tag": "PROMOTION"},
        "audience": {
            "phone": "phone",
            "key": "{{ code }}",
            "where": "{{ name != 'nobody' }}",
            "region": "VN",
            "consent": "note",
            "onInvalid": "skip",
            "onDuplicate": "first",
            "minRecipients": 1,
            "maxRecipients": 500,
        },
        "templateData": {"customer_name": "{{ name | title }}", "order_code": "{{ code }}"},
        "encrypted": encrypted,
        "schedule": {
            "sendAt": "2026-12-02T09:00:00+07:00",
            "expiresAt": "2026-12-02T11:00:00+07:00",
            "mode": "provider",
            "sendingSpeedLimit": {"amount": 300, "timeUnit": "MINUTE"},
            "deliveryTimeWindow": {"days": ["WEDNESDAY"], "from": "08:00", "to": "21:00"},
        },
        "validityPeriod": "6h",
        "smsFailover": {
            "sender": "SHOPVN",
            "text": "Don {{ code }}",
            "validityPeriod": "2h",
            "asciiOnly": True,
        },
        "platform": {"entityId": "shop-1", "applicationId": "prod"},
        "tracking": {
            "shortenUrl": True,
            "trackClicks": True,
            "trackingUrl": "https://hooks.example.vn/clicks",
            "removeProtocol": False,
            "customDomain": "go.example.vn",
        },
        "webhooks": {"delivery": {"url": "https://hooks.example.vn/zalo/{token}", "notify": True}},
        "retry": {"on": ["EXPIRED_EXPIRED"], "maxAttempts": 2, "after": "6h"},
        "onUnknown": "hold",
        "onChange": "ignore",
    }
    if encrypted:
        del whole["tracking"]  # links in encrypted values cannot be shortened
    return {name: value for name, value in (whole | changes).items() if value is not None}


def shuffled(tree: Mapping[str, Any], random: Random) -> list[tuple[str, Any]]:
    """The entries of a mapping in any order."""
    entries = list(tree.items())
    random.shuffle(entries)
    return entries


def scalar(value: Any, random: Random) -> str:
    """A value as YAML writes it, with quotes of either kind."""
    if not isinstance(value, str):
        return json.dumps(value)
    if random.random() < 0.5 and "\\" not in value:
        return "'" + value.replace("'", "''") + "'"
    return json.dumps(value, ensure_ascii=False)


def named(key: str, random: Random) -> str:
    """A key as YAML writes it: numbers in quotes, others with them or without."""
    return f'"{key}"' if key.isdecimal() or random.random() < 0.2 else key


def flow(value: Any, random: Random) -> str:
    """A value on one line."""
    gap = " " * random.randint(0, 2)
    if isinstance(value, dict):
        inner = f",{gap} ".join(
            f"{named(name, random)}: {flow(each, random)}" for name, each in shuffled(value, random)
        )
        return f"{{{gap}{inner}{gap}}}"
    if isinstance(value, list):
        return f"[{gap}{f', {gap}'.join(flow(each, random) for each in value)}{gap}]"
    return scalar(value, random)


def block(tree: Mapping[str, Any], random: Random, indent: str = "") -> str:
    """A mapping over several lines, with comments and empty lines that mean nothing."""
    lines = []
    step = " " * random.randint(1, 4)
    for name, value in shuffled(tree, random):
        if random.random() < 0.2:
            lines.append(random.choice(("", f"{indent}# {name}: none of this counts", "  ")))
        key = named(name, random)
        if isinstance(value, dict) and value and random.random() < 0.6:
            lines += [f"{indent}{key}:", block(value, random, indent + step).rstrip("\n")]
        else:
            comment = random.choice(("", "  # why", " " * 3))
            lines.append(f"{indent}{key}: {flow(value, random)}{comment}")
    return "\n".join(lines) + "\n"


def write(root: Path, world: World, manner: Manner) -> None:
    """Write a project."""
    random = Random(manner.seed)
    files = [root / name for name in ("c", "a", "p")]
    for folder in files:
        folder.mkdir(parents=True)
    tag = f"{random.randint(0, 999)}"
    shown = {name: str(random.random()) for name in ("description", "owner") if random.random() < 0.3}
    audience = world.spec["audience"] | {"path": f"../a/{tag}.csv"}
    campaign = {
        "apiVersion": "zalosync/v1",
        "kind": "Campaign",
        "metadata": {"name": world.name, **shown},
        "spec": world.spec | {"audience": audience},
    }
    (root / "c" / f"{tag}.yaml").write_text(block(campaign, random), encoding="utf-8")
    for name in world.policies:
        spec = world.policy | {"allowedSigners": f"../signers{tag}"}
        policy = {"apiVersion": "zalosync/v1", "kind": "Policy", "metadata": {"name": name}, "spec": spec}
        (root / "p" / f"{name}-{tag}.yaml").write_text(block(policy, random), encoding="utf-8")
    (root / f"signers{tag}").write_text(world.signers, encoding="utf-8")
    project = {
        "apiVersion": "zalosync/v1",
        "kind": "Project",
        "metadata": {"name": f"shop-{tag}"},
        "spec": {
            "specs": ["c/*.yaml"],
            "policies": ["p/*.yaml"],
            "timezone": "Asia/Ho_Chi_Minh",
            "allowedWebhookHosts": ["hooks.example.vn", "go.example.vn"],
            "environments": {world.environment_name: world.environment},
            **world.project,
        },
    }
    (root / "zalosync.yaml").write_text(block(project, random), encoding="utf-8")
    contract = {
        "sender": world.spec["sender"],
        "pulledAt": f"2026-11-{random.randint(10, 29)}T08:00:00Z",
        "parameters": {"customer_name": {"maxLength": 30}, "order_code": {"maxLength": 30}},
        **world.contract,
    }
    lock = {"templates": {str(world.spec["template"]["name"]): contract}}
    (root / "templates.lock.yaml").write_text(block(lock, random), encoding="utf-8")
    write_audience(root / "a" / f"{tag}.csv", world.rows, random)


def write_audience(path: Path, rows: tuple[Row, ...], random: Random) -> None:
    """Write the rows, in any order of rows and columns, with a column that nobody reads."""
    columns = [*COLUMNS]
    random.shuffle(columns)
    shown = [(*row, row[0], str(number)) for number, row in enumerate(rows)]
    random.shuffle(shown)
    with path.open("w", encoding=random.choice(("utf-8", "utf-8-sig")), newline="") as file:
        writer = csv.DictWriter(
            file,
            columns,
            delimiter=random.choice(",;"),
            lineterminator=random.choice(("\n", "\r\n")),
            quoting=random.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
        )
        writer.writeheader()
        writer.writerows(dict(zip(COLUMNS, row, strict=True)) for row in shown)


@contextmanager
def _ledger(world: World) -> Iterator[Ledger]:
    ledger = Ledger(fresh_database(), SQLITE, "ledger")
    with ledger.change(Kind.INIT, NOW) as change:
        change.note("lineage", world.lineage)
    for _ in range(world.claims):
        with ledger.change(Kind.CANCEL, NOW) as change:
            change.say("reason", "anything that affects what is sent")
    yield ledger
    ledger.close()


def digest(world: World, manner: Manner) -> str:
    """Of the sealed plan of a world, read back from its file."""
    keys, now = Keys(world.key), NOW + manner.later
    with TemporaryDirectory() as folder, _ledger(world) as ledger:
        root = Path(folder) / manner.folder
        write(root, world, manner)
        project = load_project(root, environment=None, now=now)
        with build(
            project,
            project.campaigns,
            ledger,
            keys,
            base_url=world.base_url,
            known=Known({world.spec["sender"]: SenderKey(446, world.public_key)}),
            now=now,
            content=False,
            emit=lambda _: None,
        ) as plan:
            assert plan.campaigns[0].messages.count, "a plan of nobody shows nothing"
            seal(root / "a.zsplan", plan, keys, {"commit": manner.commit, "path": str(root)})
        return unseal(root / "a.zsplan", keys).digest
