"""Finds planted values in whatever a run has left behind, in any spelling they may have taken on the way."""

import base64
import io
import json
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Leak:
    """A planted value that came to light: where, which, and in which form."""

    place: str
    what: str
    form: str


class Scanner:
    """Knows the planted values in all their forms.

    Args:
        phones: international, digits only.
        texts: names and other values.
        secrets: keys; also their bytes where they are hexadecimal.
    """

    def __init__(self, phones: Iterable[str], texts: Iterable[str], secrets: Iterable[str]) -> None:
        self._needles: list[tuple[str, str, bytes]] = []
        for phone in phones:
            for form, spelling in phone_forms(phone).items():
                self._add(phone, form, spelling)
        for text in texts:
            for form, spelling in text_forms(text).items():
                self._add(text, form, spelling)
        for secret in secrets:
            for form, spelling in {"plain": secret, "upper": secret.upper()}.items():
                self._add("a secret", form, spelling)
            if re.fullmatch(r"([0-9a-f]{2})+", secret):
                raw = bytes.fromhex(secret)
                self._needles.append(("a secret", "bytes", raw))
                self._needles += [("a secret", "base64", each) for each in base64_forms(raw)]

    def scan(self, places: Iterable[tuple[str, bytes]]) -> list[Leak]:
        """Everything that is found."""
        return [
            Leak(place, what, form)
            for name, data in places
            for place, part in unpacked(name, data)
            for what, form, needle in self._needles
            if needle in part
        ]

    @property
    def forms(self) -> list[tuple[str, str, bytes]]:
        """All that is looked for: value, form, bytes."""
        return self._needles

    def _add(self, what: str, form: str, text: str) -> None:
        encoded = text.encode()
        self._needles.append((what, form, encoded))
        self._needles.append((what, f"{form}, UTF-16", text.encode("utf-16-le")))
        self._needles.append((what, f"{form}, hex", encoded.hex().encode()))
        self._needles += [(what, f"{form}, base64", each) for each in base64_forms(encoded)]
        for name, spelled in (
            ("JSON", json.dumps(text)[1:-1]),
            ("URL", quote(text)),
            ("Python", ascii(text)[1:-1]),
            ("Python bytes", repr(encoded)[2:-1]),
        ):
            if spelled != text:
                self._needles.append((what, f"{form}, {name}", spelled.encode()))


def phone_forms(phone: str) -> dict[str, str]:
    """The ways in which people and programs write one number."""
    rest = phone[2:]
    a, b, c = rest[:3], rest[3:6], rest[6:]
    return {
        "digits": phone,
        "plus": f"+{phone}",
        "national": f"0{rest}",
        "bare": rest,
        "double zero": f"00{phone}",
        "spaces": f"{a} {b} {c}",
        "dots": f"{a}.{b}.{c}",
        "dashes": f"{a}-{b}-{c}",
    }


def text_forms(text: str) -> dict[str, str]:
    """The ways in which a name may be cased and composed."""
    found: dict[str, str] = {}
    for case, spelled in {
        "as written": text,
        "lower": text.lower(),
        "upper": text.upper(),
        "title": text.title(),
    }.items():
        for form in ("NFC", "NFD"):
            found[f"{case}, {form}"] = unicodedata.normalize(form, spelled)
    return found


def base64_forms(data: bytes) -> list[bytes]:
    """What data looks like inside Base64, at each of the three places where it may begin."""
    found = []
    for before in range(3):
        text = base64.b64encode(bytes(before) + data)
        # Characters that also hold bits of what stands before or after are left out.
        start = (before * 8 + 5) // 6
        end = (before + len(data)) * 8 // 6
        found.append(text[start:end])
    return found


def unpacked(name: str, data: bytes, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """The data, and what is packed in it: members of archives, compressed streams."""
    yield name, data
    if depth > 2:
        return
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                yield from unpacked(f"{name}!{member.filename}", archive.read(member), depth + 1)
    if data[:2] == b"\x1f\x8b":
        yield from unpacked(f"{name}!gunzipped", zlib.decompress(data, wbits=31), depth + 1)


def files(*folders: Path, but: Iterable[Path] = ()) -> Iterator[tuple[str, bytes]]:
    """Every file below these folders, its name included, but for some and what is below them."""
    exempt = tuple(but)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if any(path.is_relative_to(each) for each in exempt):
                continue
            yield f"name of {path}", path.name.encode()
            if path.is_file() and not path.is_symlink():
                yield str(path), path.read_bytes()
