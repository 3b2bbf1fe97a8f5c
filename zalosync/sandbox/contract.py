"""A template's contract, and whether values keep it: what Zalo checks before it shows a message.

Character limits hold for the plain value, after Unicode NFC. A missing key, a value too long or of a bad form
is Zalo's -1122, -1121, -1124; all three end as one cause here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from unicodedata import normalize

import orjson

from zalosync.sandbox.settings import Property
from zalosync.sandbox.world import World

_REMEMBERED: Final = 1000
_FORMS: Final = {
    "PHONE_NUMBER": re.compile(r"\+?[0-9 .-]{6,20}"),
    "OTP": re.compile(r"[A-Za-z0-9]{1,10}"),
    "CURRENCY_VND": re.compile(r"[1-9][0-9.,]{0,15}"),
    "QUANTITY_AMOUNT": re.compile(r"[0-9][0-9.,]{0,19}"),
    "TIME": re.compile(r"\d{2}:\d{2}(:\d{2})?( \d{2}/\d{2}/\d{4})?|\d{2}/\d{2}/\d{4}|\d{2}/\d{4}"),
}


@dataclass(frozen=True, slots=True)
class Contract:
    """What a send must know of a template; `properties` None takes any parameters."""

    id: int
    status: str
    tag: str
    otp: bool
    uid_allowed: bool
    daily_cap: int | None
    properties: tuple[Property, ...] | None


def find(world: World, sender: str, template: int) -> Contract | None:
    """The contract of a sender's template, or None if there is none; remembered until one changes."""
    key = (sender, template)
    if key not in world.contracts:
        if len(world.contracts) > _REMEMBERED:
            world.contracts.clear()
        world.contracts[key] = _look_up(world, sender, template)
    found: Contract | None = world.contracts[key]
    return found


def _look_up(world: World, sender: str, template: int) -> Contract | None:
    for each in world.listed(template):
        if each.sender is None or each.sender == sender:
            return Contract(
                each.id, each.status, each.tag, each.otp, each.uid_allowed, each.daily_cap, each.properties
            )
    row = world.store.rows(
        "SELECT status, tag, body FROM templates WHERE id = ? AND sender = ?", (template, sender)
    )
    if row:
        status, tag, raw = row[0]
        body = orjson.loads(raw)
        properties = tuple(Property(**each) for each in body["properties"])
        otp = body["kind"] == "AUTHENTICATION"
        return Contract(template, status, tag, otp, not otp, None, properties)
    if world.settings.unlisted_templates and not world.listed(template):
        return Contract(template, "ENABLE", "TRANSACTION", False, True, None, None)
    return None


def breach(contract: Contract, values: Mapping[str, Any], *, encrypted: bool, extra: str) -> bool:
    """Whether values break the contract; of encrypted ones only the keys can be seen."""
    if contract.properties is None:
        return False
    for each in contract.properties:
        value = values.get(each.name)
        if value is None:
            if each.required and not (each.accept_null and each.name in values):
                return True
        elif not encrypted and not _fits(each, str(value)):
            return True
    known = {each.name for each in contract.properties}
    return extra == "refuse" and any(name not in known for name in values)


def _fits(each: Property, value: str) -> bool:
    value = normalize("NFC", value)
    if not each.min_length <= len(value) <= each.max_length:
        return False
    form = _FORMS.get(each.type)
    return form is None or not value or form.fullmatch(value) is not None
