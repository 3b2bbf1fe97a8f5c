"""One entry of the catalogue."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Entry:
    """What `zalosync explain` says of one code.

    Attributes:
        code: `ZS…`, or the kebab-case id of a finding.
        title: what it is, in one line.
        why: why it is refused or said.
        mend: what to do.
        severity: of a finding where no policy says otherwise; None for errors.
    """

    code: str
    title: str
    why: str
    mend: str
    severity: Literal["error", "warn", "off"] | None = None
