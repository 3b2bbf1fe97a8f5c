"""What control calls changed, kept beside the messages: a restart, also after `kill -9`, goes on with it.

What the start itself names wins: a switch of `--settings` over the same switch of a control call. Faults of a
`--faults` file are in force at every start; those of control calls come after them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from pydantic import BaseModel

from zalosync.sandbox.faults import Fault, Line, parse
from zalosync.sandbox.settings import Settings, SettingsError
from zalosync.sandbox.store import Store

_SETTINGS: Final = "kept settings"
_FAULTS: Final = "kept faults"


def keep_settings(store: Store, changed: Mapping[str, Any]) -> None:
    """Keeps the switches that a control call changed, as it wrote them."""
    with store.write():
        store.set_meta(_SETTINGS, orjson.dumps(merged(_kept(store), changed)))


def settings(store: Store, given: Settings) -> Settings:
    """The switches of a start: those it names, then those of control calls, then the defaults."""
    kept = _kept(store)
    if not kept:
        return given
    values = given.model_dump()
    try:
        return Settings.from_mapping(merged(values, _not_named(given, kept)))
    except SettingsError as error:
        raise SettingsError(
            f"{error}; a control call of an earlier run set it: name it in --settings, or give another folder"
        ) from error


def merged(values: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """The values with others in their place; of a record only the parts that are named."""
    found = dict(values)
    for name, value in changed.items():
        inner = found.get(name)
        found[name] = inner | value if isinstance(inner, dict) and isinstance(value, dict) else value
    return found


def _kept(store: Store) -> dict[str, Any]:
    raw = store.get_meta(_SETTINGS)
    found: dict[str, Any] = orjson.loads(raw) if raw else {}
    return found


def _not_named(given: BaseModel, kept: Mapping[str, Any]) -> dict[str, Any]:
    """The kept values without those that a start names itself; records are looked into."""
    found = {}
    for name, value in kept.items():
        if name not in given.model_fields_set:
            found[name] = value
            continue
        own = getattr(given, name)
        if isinstance(own, BaseModel) and isinstance(value, dict):
            found[name] = _not_named(own, value)
    return found


def keep_faults(store: Store, lines: Sequence[Line]) -> None:
    """Keeps the faults that control calls added, with the moments from which they count."""
    rows = [
        {"since": line.since, "fault": line.fault.model_dump(mode="json", by_alias=True, exclude_unset=True)}
        for line in lines
    ]
    with store.write():
        store.set_meta(_FAULTS, orjson.dumps(rows))


def faults(store: Store) -> list[tuple[Fault, int]]:
    """The faults of control calls, each with its moment, oldest first."""
    raw = store.get_meta(_FAULTS)
    rows = orjson.loads(raw) if raw else []
    found = parse([row["fault"] for row in rows], whole=False)
    return list(zip(found, (row["since"] for row in rows), strict=True))
