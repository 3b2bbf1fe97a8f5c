"""One request in the hands of a fault: what it may see, and how it asks the honest sandbox."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from zalosync.sandbox.answers import Reply
from zalosync.sandbox.codes import CAUSES
from zalosync.sandbox.fates import draw

_CENTURY_MS: Final = 36_525 * 24 * 3_600_000
SEND: Final = ("send",)
LISTS: Final = ("logs", "reports")
KEYS: Final = ("get_key", "create_key")
CONNECT: Final = ("connect",)
ALL: Final = (
    *SEND,
    *LISTS,
    *KEYS,
    "templates",
    "template",
    "create_template",
    "edit_template",
    "media",
    "quota",
)
# What is more than a look: a report is handed out once, so to read one takes it.
TAKING: Final = (*SEND, "reports", "create_key", "create_template", "edit_template", "media")
CALLS: Final = (*CONNECT, *ALL)
# Causes that the answer can refuse a message for: a message that arrived or waits is not refused.
REFUSING: Final = tuple(name for name, (group, _, _) in CAUSES.items() if group in (2, 5))


class Takes(BaseModel):
    """What a fault may be given under `with`; each behaviour reads what concerns it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(default=0.3, gt=0, le=1)  # of the rows or messages, seeded, one at least
    delay_ms: int = Field(default=1000, ge=1)  # of the machine's clock
    drip_ms: int = Field(default=5, ge=1)
    keep: int = Field(default=20, ge=0)  # bytes of the body that still leave
    skew_ms: int = 3_600_000
    lag_ms: int = Field(default=600_000, ge=1)
    retry_after: int | None = Field(default=None, ge=0)  # seconds
    shape: Literal["own", "old", "new"] = "own"  # of a refusal: that of the call, or one of the two
    cause: str = "bad_phone"

    @field_validator("cause")
    @classmethod
    def _refuses(cls, name: str) -> str:
        if name not in REFUSING:
            raise ValueError(f"no message is refused for {name!r}; known: {', '.join(REFUSING)}")
        return name

    @field_validator("skew_ms")
    @classmethod
    def _moves(cls, value: int) -> int:
        if not value or abs(value) > _CENTURY_MS:
            raise ValueError("write by how much the clock is wrong, at most a hundred years")
        return value


@dataclass(frozen=True, slots=True)
class Ask:
    """How a request is answered; the default is the honest way."""

    only: frozenset[int] | None = None  # places of the messages that are taken, the others vanish
    answer_all: bool = False  # vanished messages are answered as taken all the same
    refuse: frozenset[int] = frozenset()  # places that the answer refuses
    cause: str = "bad_phone"
    switches: Mapping[str, Any] = field(default_factory=dict)  # other settings for this request
    later_ms: int = 0  # the request waits so long before it is taken

    def joined(self, own: "Ask") -> "Ask":
        """Both wishes at once, where two faults act on one request."""
        if self.only is None or own.only is None:
            only = own.only if self.only is None else self.only
        else:
            only = self.only & own.only
        return Ask(
            only,
            self.answer_all or own.answer_all,
            self.refuse | own.refuse,
            own.cause if own.refuse else self.cause,
            {**self.switches, **own.switches},
            self.later_ms + own.later_ms,
        )


HONEST: Final = Ask()


@dataclass(frozen=True, slots=True)
class Turn:
    """One request, one fault. `ask` is the rest of the sandbox: further faults, then the truth."""

    seed: int
    name: str  # of this line of the script, for its seeded choices
    takes: Takes
    match: Mapping[str, str] | None
    sent: tuple[Mapping[str, str], ...]  # what the request says of each message
    query: str
    old_shape: bool
    now: int
    ask: Callable[[Ask], Reply]

    def some(self, keys: list[str]) -> set[int]:
        """Places of the rows to spoil: those of matching messages, else a seeded share, one at least."""
        if self.match is not None:
            meant = {each.get("messageId") for each in self.sent if hits(self.match, each)}
            found = {place for place, key in enumerate(keys) if key in meant}
            if found:
                return found
        points = [draw(self.seed, f"{self.name}/{key}").sample for key in keys]
        found = {place for place, point in enumerate(points) if point < self.takes.share}
        return found or ({points.index(min(points))} if points else set())

    def some_sent(self) -> frozenset[int]:
        """Places of the messages of a send request to treat differently."""
        if self.match is not None:
            return frozenset(place for place, each in enumerate(self.sent) if hits(self.match, each))
        return frozenset(self.some([each.get("messageId", "") or str(n) for n, each in enumerate(self.sent)]))


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A name's meaning: the calls it is made for, one line that tells it, what it does.

    `takes`: what of `with` it reads. `before_body`: it acts when the headers are in, before the body is read.
    """

    calls: tuple[str, ...]
    told: str
    act: Callable[[Turn], Reply]
    takes: tuple[str, ...] = ()
    before_body: bool = False


def hits(match: Mapping[str, str], message: Mapping[str, str]) -> bool:
    """Whether a message fits every glob."""
    return all(fnmatchcase(message.get(name, ""), pattern) for name, pattern in match.items())
