"""A small project on disk, with an audience whose every fate is known by construction."""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SENDER: Final = "4097700000000000001"
CAMPAIGN: Final = "order-shipped"
_FAMILIES: Final = ("nguyễn", "trần", "lê", "phạm", "hoàng", "đặng", "bùi", "đỗ")
_MIDDLES: Final = ("thị", "văn", "minh", "thanh", "ngọc", "đức")
_GIVENS: Final = ("an", "bình", "châu", "dũng", "hạnh", "khoa", "linh", "yến")
# How a phone may be written; the reader has to make one number of them.
_SPELLINGS: Final = ("0{rest}", "+84{rest}", "84{rest}", "0084{rest}", "0{a} {b} {c}", "+84 {a}.{b}.{c}")
# Place in a cycle of twenty rows → why that row gets nothing.
_DROPPED: Final = {
    3: "invalid-phone",
    7: "duplicate-key",
    11: "suppressed",
    13: "no-consent",
    17: "not-where",
}


@dataclass(frozen=True, slots=True)
class Person:
    """One row: as written in the file, and what must become of it.

    Attributes:
        fate: empty where the row becomes a message, else the reason it is skipped.
        values: what the recipient must see.
    """

    phone: str
    written: str
    name: str
    code: str
    fate: str
    values: dict[str, str]


@dataclass(slots=True)
class Shop:
    """A project in a folder."""

    root: Path
    people: list[Person]
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def valid(self) -> dict[str, Person]:
        """Those who must get exactly one message, by phone."""
        return {person.phone: person for person in self.people if not person.fate}

    @property
    def skipped(self) -> dict[str, int]:
        """How many rows are skipped, by reason."""
        counts: dict[str, int] = {}
        for person in self.people:
            if person.fate:
                counts[person.fate] = counts.get(person.fate, 0) + 1
        return counts

    @property
    def state(self) -> Path:
        """The folder of local state."""
        return self.root / ".zalosync"


def people(count: int) -> list[Person]:
    """Rows with all kinds of dirt, a quarter of them of no use; the same for the same count."""
    found: list[Person] = []
    for number in range(count):
        fate = _DROPPED.get(number % 20, "")
        rest = f"90{number:07d}"
        family = _FAMILIES[number % len(_FAMILIES)]
        middle = _MIDDLES[number // 3 % len(_MIDDLES)]
        given = _GIVENS[number // 5 % len(_GIVENS)]
        name = f"{family} {middle} {given}"
        code = f"DH{number:06d}"
        written = _SPELLINGS[number % len(_SPELLINGS)].format(rest=rest, a=rest[:2], b=rest[2:5], c=rest[5:])
        if fate == "invalid-phone":
            written = f"12{number}"
        if fate == "duplicate-key":
            code = found[-1].code
        values = {"customer_name": name.title(), "order_code": code}
        found.append(Person(f"84{rest}", written, name, code, fate, values))
    return found


def write_shop(
    root: Path,
    count: int,
    *,
    base_url: str = "sandbox",
    encrypted: bool = True,
    batch_size: int = 50,
    more: str = "",
    environment: str = "",
) -> Shop:
    """Write a project of one campaign.

    Args:
        root: the folder, made if it is not there.
        count: rows of the audience.
        base_url: of its only environment, called `here`.
        encrypted: whether values go out encrypted.
        batch_size: messages per request.
        more: further lines of the campaign's `spec`, indented by two.
        environment: further lines of the environment, indented by six.
    """
    shop = Shop(root, people(count))
    for folder in ("campaigns", "audiences"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    reports = "" if base_url == "sandbox" else "      reportsPath: /zalo/1/reports\n"
    (root / "zalosync.yaml").write_text(
        "apiVersion: zalosync/v1\nkind: Project\nmetadata:\n  name: shop\nspec:\n"
        '  specs: ["campaigns/*.yaml"]\n  defaultEnvironment: here\n  environments:\n    here:\n'
        f"      baseUrl: {base_url}\n      batchSize: {batch_size}\n      logsPerMinute: 600\n"
        f"{reports}{environment}",
        encoding="utf-8",
    )
    (root / "campaigns" / f"{CAMPAIGN}.yaml").write_text(
        f"apiVersion: zalosync/v1\nkind: Campaign\nmetadata:\n  name: {CAMPAIGN}\nspec:\n"
        f'  sender: "{SENDER}"\n  template: {{name: 322307, tag: TRANSACTION}}\n'
        "  audience:\n    path: ../audiences/people.csv\n    phone: phone\n"
        '    key: "{{ code }}"\n    where: "{{ status == \'shipped\' }}"\n    consent: consent\n'
        "    exclude: [../audiences/gone.csv]\n"
        '  templateData:\n    customer_name: "{{ name | title }}"\n    order_code: "{{ code }}"\n'
        f"  encrypted: {str(encrypted).lower()}\n{more}",
        encoding="utf-8",
    )
    write_audience(shop)
    return shop


def write_audience(shop: Shop) -> None:
    """Write the rows of a project, and the list of those who must not be messaged."""
    with (shop.root / "audiences" / "people.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("phone", "name", "code", "status", "consent"))
        for person in shop.people:
            status = "open" if person.fate == "not-where" else "shipped"
            consent = "" if person.fate == "no-consent" else "2026-01-02"
            rows.writerow((person.written, person.name, person.code, status, consent))
    with (shop.root / "audiences" / "gone.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("phone",))
        rows.writerows([person.phone] for person in shop.people if person.fate == "suppressed")
