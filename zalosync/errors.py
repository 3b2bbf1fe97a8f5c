"""The errors of zalosync, one leaf per thing an operator must do differently.

```
ZalosyncError
├── InternalError      1    a bug of ours: what cannot happen, happened
├── Blocked            3    a guard, policy, quota or missing approval said no; nothing was sent
├── PlanRefused        4    the plan is stale, expired, consumed, tampered with or for another environment
├── StoppedEarly       5    some messages were not sent; applying again is safe
├── UnknownRemain      6    some messages may have been sent; refresh, then resolve
├── LedgerError        7    the ledger is locked, paused, missing, older than it was, or damaged
│   ├── CommitUnclear  7    a step of it may be stored or not
│   └── OutcomesAside  6    answers came that it could not take: refresh merges what is kept beside it
├── ProviderRefused    8    credentials, key, template or quota: the provider will not have it
├── UsageError        64    the command line or the set-up is wrong
├── SpecError         65    specs, templates or audience files are wrong; carries every problem found
└── Interrupted      130    a signal; everything in flight was written down
```

A message says where, what, how much, and the way out. Personal data and secrets never reach one.
"""

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says to its caller; the table of the command-line documentation."""

    DONE = 0
    INTERNAL = 1
    CHANGES = 2
    BLOCKED = 3
    PLAN = 4
    STOPPED = 5
    UNKNOWN = 6
    LEDGER = 7
    PROVIDER = 8
    USAGE = 64
    SPEC = 65
    INTERRUPTED = 130


# When several hold, the first of these is the process's exit code.
PRECEDENCE = (
    ExitCode.LEDGER,
    ExitCode.UNKNOWN,
    ExitCode.INTERRUPTED,
    ExitCode.STOPPED,
    ExitCode.PROVIDER,
    ExitCode.PLAN,
    ExitCode.BLOCKED,
    ExitCode.CHANGES,
)


def first_of(*codes: int) -> ExitCode:
    """The code to exit with when several hold; codes outside the precedence list come last."""
    present = {ExitCode(code) for code in codes}
    for code in PRECEDENCE:
        if code in present:
            return code
    return max(present, default=ExitCode.DONE)


class ZalosyncError(Exception):
    """An expected failure: one line for people, a way out, and an exit code.

    Args:
        message: where, what and how much, without personal data.
        fix: the way out, as an instruction.
        code: a stable identifier that `zalosync explain` knows, such as `ZS401`.
    """

    exit_code = ExitCode.INTERNAL

    def __init__(self, message: str, *, fix: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.code = code

    def __str__(self) -> str:
        return f"{self.message}; {self.fix}" if self.fix else self.message


class InternalError(ZalosyncError):
    """A bug of ours."""


class Blocked(ZalosyncError):
    """A guard, a policy, a quota or a missing approval said no; nothing was sent."""

    exit_code = ExitCode.BLOCKED


class PlanRefused(ZalosyncError):
    """The plan cannot be applied; nothing was sent."""

    exit_code = ExitCode.PLAN


class StoppedEarly(ZalosyncError):
    """Some messages were not sent; applying again is safe."""

    exit_code = ExitCode.STOPPED


class UnknownRemain(ZalosyncError):
    """Some messages may have been sent and their fate is not proven."""

    exit_code = ExitCode.UNKNOWN


class LedgerError(ZalosyncError):
    """The ledger is locked, paused, missing, older than it was, foreign or damaged."""

    exit_code = ExitCode.LEDGER


class CommitUnclear(LedgerError):
    """A commit failed after all of it was written: it may be stored. Nothing builds on it."""


class OutcomesAside(LedgerError):
    """Answers came that the ledger could not take; until `refresh` merges them those messages are unknown."""

    exit_code = ExitCode.UNKNOWN


class ProviderRefused(ZalosyncError):
    """The provider will not have it: credentials, key, template or quota."""

    exit_code = ExitCode.PROVIDER


class UsageError(ZalosyncError):
    """The command line or the set-up is wrong."""

    exit_code = ExitCode.USAGE


class Interrupted(ZalosyncError):
    """Stopped by a signal; what was in flight is written down."""

    exit_code = ExitCode.INTERRUPTED


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file of the project: path relative to the project root, line and column from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file of the project, with all that is needed to mend it.

    `found` and `allowed` are for people. `found` never quotes a value of an audience file: only specs,
    column names and counts.
    """

    code: str
    place: Place
    path: str
    message: str
    found: str = ""
    allowed: str = ""
    meant: str = ""
    source: str = ""

    def __str__(self) -> str:
        parts = [
            f"{self.place}: {self.path}: {self.message}" if self.path else f"{self.place}: {self.message}"
        ]
        if self.found:
            parts.append(f"found {self.found}")
        if self.allowed:
            parts.append(f"allowed: {self.allowed}")
        if self.meant:
            parts.append(f"did you mean `{self.meant}`?")
        return "; ".join(parts) + (f" [{self.code}]" if self.code else "")


class SpecError(ZalosyncError):
    """Specs, templates or audience files are wrong; carries every problem that was found."""

    exit_code = ExitCode.SPEC

    def __init__(self, problems: list[Problem]) -> None:
        ordered = sorted(problems, key=lambda problem: (problem.place, problem.path, problem.code))
        first = ordered[0]
        more = f" (and {len(ordered) - 1} more)" if len(ordered) > 1 else ""
        super().__init__(f"{first}{more}", code=first.code)
        self.problems = tuple(ordered)

    def __reduce__(self) -> tuple[type["SpecError"], tuple[list[Problem]]]:
        """As it comes from a worker process."""
        return SpecError, (list(self.problems),)
