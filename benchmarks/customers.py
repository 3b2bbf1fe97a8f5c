"""Made-up Vietnamese customers with the dirt of real exports; the same seed gives the same rows.

    python benchmarks/customers.py --rows 10000 specs/audiences/customers.csv
    python benchmarks/customers.py --suppressions specs/audiences/suppressions.csv

Nobody is meant: numbers are valid by the numbering plan, and count up from 0 behind each prefix (the first
customers have 0900 000 000, 0320 000 000 and so on), which is as made up as a number without a reserved
range can be. Chance comes from a keyed hash of the row's number, so that any row can be made by itself.
"""

import argparse
import csv
import hashlib
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

COLUMNS = ("customer_id", "name", "phone", "order_code", "amount", "order_date", "status", "consent_at")
SEED = 2030
ROWS = 10_000
SUPPRESSED = 25


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FAMILY = _words("Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Trịnh Đoàn Mai")
_MIDDLE = ("Văn", "Thị", "Minh", "Ngọc", "Quốc", "Thanh", "Đức", "Hữu", "Kim", "Xuân", "Thị Bích", "Gia")
_GIVEN = _words(
    "An Anh Ánh Bảo Châu Dũng Đạt Giang Hà Hằng Hạnh Hiếu Hồng Huệ Hùng Khánh Kiên Lan Linh Long Mai Nam Nga "
    "Ngân Nhung Oanh Phúc Phương Quân Quỳnh Sơn Tâm Thảo Thắng Thủy Trang Trí Trung Tú Tuấn Tuyết Uyên Vy Yến"
)
_LONG = ("Công Tằng Tôn Nữ Hoàng Thị Kim Ngân Bảo Châu", "Công ty TNHH Thương mại Dịch vụ Hoa Sen Vàng")
_PREFIXES = _words(
    "90 32 70 81 91 33 79 82 93 34 77 83 94 35 76 84 96 36 78 85 97 37 56 86 98 38 58 88 92 39 59"
)
# Present two-digit prefixes and the three digits they had before September 2018.
_OLD = dict(
    zip(
        _words("32 33 34 35 36 37 38 39 70 79 77 76 78 83 84 85 81 82 56 58 59"),
        _words("162 163 164 165 166 167 168 169 120 121 122 126 128 123 124 125 127 129 186 188 199"),
        strict=True,
    )
)
_BAD_PHONES = (
    *("", "", "không có", "0", "phone", "090000", "0900000000000", "09O0000000", "09000000x1"),
    *("(028) 3822 0000 ext 5", "+1 650 253 0000", "1900 0000", "0900000000 / 0320000000"),
    "".join(chr(0xFF10 + int(digit)) for digit in "0900000001"),
)
_STATUSES = ("pending", "pending", "cancelled", "returned")


class Chance:
    """Numbers that follow from a seed and a row, used up one by one."""

    __slots__ = ("_left",)

    def __init__(self, seed: int, row: int) -> None:
        key = seed.to_bytes(8, "big")
        digest = hashlib.blake2b(row.to_bytes(8, "big"), key=key, person=b"customers").digest()
        self._left = int.from_bytes(digest, "big")

    def below(self, bound: int) -> int:
        """A number from 0 to `bound` - 1."""
        self._left, value = divmod(self._left, bound)
        return value

    def of(self, choices: Sequence[str]) -> str:
        """One of the choices."""
        return choices[self.below(len(choices))]


def customer(number: int, seed: int = SEED) -> tuple[str, ...]:
    """The row of one order; of 100 about 3 share the phone of an earlier one and 1.5 repeat its order too."""
    chance = Chance(seed, number)
    kind = chance.below(1000)
    owner = number - 1 - chance.below(number) if kind < 45 and number else number
    order = owner if kind < 15 else number
    return (
        f"C{owner + 1:07}",
        _name(Chance(seed + 1, owner)),
        _phone(owner, chance),
        f"DH{order + 1:08}" if chance.below(500) else "",
        str((chance.below(4_900) + 100) * 1_000),
        f"2026-11-{chance.below(21) + 1:02}",
        chance.of(_STATUSES) if chance.below(100) < 13 else "shipped",
        f"2025-{chance.below(12) + 1:02}-{chance.below(28) + 1:02}T09:00:00+07:00"
        if chance.below(25)
        else "",
    )


def national(number: int) -> str:
    """The nine digits of a customer's number; different for the first 310 million."""
    count, prefix = divmod(number, len(_PREFIXES))
    return f"{_PREFIXES[prefix]}{count:07}"


def suppressions(seed: int = SEED, customers: int = ROWS) -> Iterator[tuple[str, str, str]]:
    """Rows `phone, until, reason`: some for ever, some until 2035, some over, in several spellings."""
    for row in range(SUPPRESSED):
        chance = Chance(seed, 2**63 + row)
        digits = national(chance.below(customers))
        spelling = ("0{}", "84{}", "+84{}", "0084{}")[row % 4].format(digits)
        until = ("", "", "2035-12-31", "", "2026-06-30")[row % 5]
        yield spelling, until, ("unsubscribed", "complaint", "asked by phone")[row % 3]


def _name(chance: Chance) -> str:
    name = f"{chance.of(_FAMILY)} {chance.of(_MIDDLE)} {chance.of(_GIVEN)}"
    kind = chance.below(400)
    if kind < 2:
        return ""
    if kind < 4:
        return _LONG[kind - 2]
    if kind == 4:
        return f'{name} "Shop hoa, quận 1"'
    if kind == 5:
        return unicodedata.normalize("NFD", name)
    if kind < 24:
        return name.upper()
    if kind < 40:
        return name.lower()
    return f" {name} " if kind < 44 else name


def _phone(owner: int, chance: Chance) -> str:
    digits = national(owner)
    prefix, middle, tail = digits[:2], digits[2:5], digits[5:]
    kind = chance.below(1000)
    if kind < 15:
        return chance.of(_BAD_PHONES)
    if kind < 60 and prefix in _OLD:
        return f"0{_OLD[prefix]}{digits[2:]}"
    if kind >= 350:
        return f"0{digits}"
    spellings = (
        f"+84{digits}",
        f"84{digits}",
        f"0084{digits}",
        digits,
        f"'0{digits}",
        f"0{prefix} {middle} {tail}",
        f"0{prefix}.{middle}.{tail}",
        f"0{prefix}-{middle}-{tail}",
        f"+84 {prefix} {middle} {tail}",
        f"(+84) {prefix}{middle}{tail}",
        f"+84 (0){prefix} {middle} {tail}",
        f"0{prefix}\u00a0{middle}\u00a0{tail}",
    )
    return chance.of(spellings)


def write(stream: TextIO, rows: int = ROWS, seed: int = SEED) -> None:
    """The customers as CSV with a header, row by row."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(customer(number, seed) for number in range(rows))


def write_suppressions(stream: TextIO, seed: int = SEED) -> None:
    """The suppression list as CSV with a header."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("phone", "until", "reason"))
    writer.writerows(suppressions(seed))


def main() -> None:
    """Write one of the two files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", nargs="?", type=Path, help="default: standard output")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--suppressions", action="store_true", help="write the suppression list instead")
    options = parser.parse_args()
    stream = options.path.open("w", encoding="utf-8", newline="") if options.path else sys.stdout
    with stream:
        if options.suppressions:
            write_suppressions(stream, options.seed)
        else:
            write(stream, options.rows, options.seed)


if __name__ == "__main__":
    main()
