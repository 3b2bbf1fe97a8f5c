"""Who wrote a plan's campaigns, for rules that want somebody else to approve it."""

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Authors:
    """By what Git says.

    Attributes:
        known: names and addresses of authors, folded.
        missing: files of campaigns whose author nobody can say.
    """

    known: frozenset[str]
    missing: tuple[str, ...] = ()

    def include(self, *names: str) -> bool:
        """Whether one of these names or addresses is an author's."""
        return any(folded(name) in self.known for name in names if name)


def folded(name: str) -> str:
    """A name or address as it is compared: without differences of case and white space."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()
