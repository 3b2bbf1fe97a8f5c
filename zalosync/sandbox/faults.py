"""What goes wrong, and when: a script by request number, rate, time and content, repeatable from a seed.

```yaml
faults:
  - do: accepted-then-reset      # a name of `behaviours.BEHAVIOURS`
    on: [send]                   # calls; default those the behaviour is made for
    requests: [3, 7]             # or "3-7", or every: 5; numbers count each call apart, from 1, over restarts
    rate: 0.05                   # a seeded share of the requests
    match: {to: "8490*"}         # requests with such a message: to, messageId, sender, template, bulkId
    times: 2                     # at most so often
    after_ms: 60000              # from so long after the script was loaded
    for_ms: 600000               # for so long
    with: {delay_ms: 500}        # what the behaviour takes
```

Every condition given must hold. All faults that hold act on one request, the first outermost.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from zalosync.sandbox import futile
from zalosync.sandbox.behaviours import BEHAVIOURS
from zalosync.sandbox.fates import draw
from zalosync.sandbox.settings import SettingsError, load_mapping, told
from zalosync.sandbox.store import Store
from zalosync.sandbox.turn import CALLS, Takes, hits

_SPAN: Final = re.compile(r"[0-9]+(-[0-9]*)?")
MATCHED: Final = ("to", "messageId", "sender", "template", "bulkId")


class Fault(BaseModel):
    """One line of the script."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    do: str
    on: tuple[str, ...] | None = None
    requests: tuple[int, ...] | str | None = None
    every: int | None = Field(default=None, ge=1)
    rate: float | None = Field(default=None, gt=0, le=1)
    match: dict[str, str] | None = None
    times: int | None = Field(default=None, ge=1)
    after_ms: int = Field(default=0, ge=0)
    for_ms: int | None = Field(default=None, ge=1)
    takes: Takes = Field(default=Takes(), alias="with")

    @field_validator("do")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in BEHAVIOURS:
            raise ValueError(f"no fault is called {name!r}; known: {', '.join(sorted(BEHAVIOURS))}")
        return name

    @field_validator("on", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("on")
    @classmethod
    def _calls(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in value or ():
            if name not in CALLS:
                raise ValueError(f"no call is called {name!r}; known: {', '.join(CALLS)}")
        return value

    @field_validator("requests", mode="before")
    @classmethod
    def _single(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value

    @field_validator("requests")
    @classmethod
    def _range(cls, value: tuple[int, ...] | str | None) -> tuple[int, ...] | str | None:
        if isinstance(value, str) and not _SPAN.fullmatch(value):
            raise ValueError("write 3-7, or 3- for all from the third on, or a list of numbers")
        return value

    @field_validator("match")
    @classmethod
    def _fields(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        for name in value or {}:
            if name not in MATCHED:
                raise ValueError(f"match knows {', '.join(MATCHED)}, not {name!r}")
        return value

    @field_validator("match", mode="before")
    @classmethod
    def _texts(cls, value: object) -> object:
        return {name: str(each) for name, each in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _can_act(self) -> Self:
        found = list(futile.of_fault(self))
        if found:
            raise ValueError("; ".join(found))
        return self

    def calls(self) -> tuple[str, ...]:
        """The calls it acts on."""
        return self.on or BEHAVIOURS[self.do].calls

    def counts(self, number: int) -> bool:
        """Whether a request of this number is meant."""
        if self.every is not None and number % self.every:
            return False
        if isinstance(self.requests, str):
            first, dash, last = self.requests.partition("-")
            return int(first) <= number <= (int(last) if last else number if dash else int(first))
        return self.requests is None or number in self.requests


@dataclass(frozen=True, slots=True)
class Line:
    """A fault in force: its name for counting (the same line has the same name over restarts), since when."""

    name: str
    fault: Fault
    since: int
    by_call: bool = False  # a control call added it, so the state folder remembers it


@dataclass(slots=True)
class Script:
    """The faults in force."""

    seed: int
    lines: list[Line] = field(default_factory=list)

    def add(self, faults: Sequence[Fault], now: int, *, by_call: bool = False) -> None:
        """More faults, in force from now on; their spans count from now."""
        for each in faults:
            digest = blake2b(each.model_dump_json().encode(), digest_size=4).hexdigest()
            same = sum(1 for line in self.lines if line.name.startswith(f"{each.do}/{digest}"))
            name = f"{each.do}/{digest}" + (f"/{same}" if same else "")
            self.lines.append(Line(name, each, now, by_call))

    def clear(self) -> None:
        """No more faults; the counts of what happened stay."""
        self.lines.clear()

    def pick(self, store: Store, call: str, body: bytes, now: int) -> list[Line]:
        """Counts a request of a call and gives the faults that act on it, but for those before the body."""
        if not self.lines:
            return []
        with store.write():
            number = store.count(f"call:{call}")
            return self._hit(store, call, number, body, now, before_body=False)

    def pick_early(self, store: Store, call: str, now: int) -> list[Line]:
        """The faults that act before the body is read; the request is counted only if there is one."""
        if not any(BEHAVIOURS[line.fault.do].before_body for line in self.lines):
            return []
        with store.write():
            number = store.counter(f"call:{call}") + 1
            found = self._hit(store, call, number, b"", now, before_body=True)
            if found:
                store.count(f"call:{call}")
            return found

    def _hit(
        self, store: Store, call: str, number: int, body: bytes, now: int, *, before_body: bool
    ) -> list[Line]:
        found = [
            each
            for each in self.lines
            if BEHAVIOURS[each.fault.do].before_body == before_body
            and self._acts(store, each, call, number, body, now)
        ]
        for line in found:
            store.count(f"fault:{line.name}")
        return found

    def _acts(self, store: Store, line: Line, call: str, number: int, body: bytes, now: int) -> bool:
        fault = line.fault
        if call not in fault.calls() or not fault.counts(number):
            return False
        age = now - line.since
        if age < fault.after_ms or (fault.for_ms is not None and age >= fault.after_ms + fault.for_ms):
            return False
        if fault.times is not None and store.counter(f"fault:{line.name}") >= fault.times:
            return False
        if fault.rate is not None and draw(self.seed, f"{line.name}/{call}/{number}").fate >= fault.rate:
            return False
        return fault.match is None or any(hits(fault.match, each) for each in messages_in(body))


def messages_in(body: bytes) -> list[dict[str, str]]:
    """What a send request says of each destination, for `match`; nothing for a body that is none."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    if not isinstance(parsed, dict) or not isinstance(parsed.get("messages"), list):
        return []
    bulk_id = ((parsed.get("options") or {}).get("schedule") or {}).get("bulkId", "")
    found = []
    for entry in parsed["messages"]:
        if not isinstance(entry, dict):
            continue
        content = entry.get("content") or {}
        for each in entry.get("destinations") or ():
            facts: dict[str, Any] = {
                "to": each.get("to"),
                "messageId": each.get("messageId"),
                "bulkId": bulk_id,
            }
            facts |= {"sender": entry.get("sender"), "template": content.get("templateName", "")}
            found.append({name: str(value) for name, value in facts.items()})
    return found


def parse(values: Any, *, whole: bool = True) -> list[Fault]:
    """Faults from a parsed script, a mapping with `faults` or the list; raises SettingsError.

    `whole`: they come together, so one must not keep every request from another.
    """
    listed = values.get("faults") if isinstance(values, dict) else values
    if not isinstance(listed, list):
        raise SettingsError("fault script: expected a list under `faults`")
    found, problems = [], []
    for index, each in enumerate(listed):
        try:
            found.append(Fault.model_validate(each))
        except ValidationError as error:
            problems += told(error, f"faults[{index}]")
    if whole and not problems:
        problems = [
            f"faults[{place}]: never acts, faults[{first}] keeps every request from it: put it in front"
            for place, first in futile.behind(found)
        ]
    if problems:
        raise SettingsError("fault script: " + "; ".join(problems))
    return found


def load(path: Path) -> list[Fault]:
    """Faults from a YAML file; raises SettingsError that names the file."""
    try:
        return parse(load_mapping(path))
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error
