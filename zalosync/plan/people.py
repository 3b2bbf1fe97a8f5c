"""Who is one person: the author of a campaign, and people who approve under several names.

Nothing of it proves who somebody is, only a signature does. It errs to the safe side: names that look alike,
and a name and an address that Git has beside each other, are one person's, who then signs to be told apart.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_WITH_ADDRESS = re.compile(r"(.*)<([^<>]+)>\s*")
# Letters of other scripts by the Latin ones that they look like, small and capital: as `folded` has them,
# without accents.
_SMALL = str.maketrans("авекмнорстухіјѕһԁԛԝӏαβεικνορτυχɑɡıđłøæ", "abekmhopctyxijshdqwlabeikvoptuxagidloa")
_CAPITAL = str.maketrans("АВЕКМНОРСТУХІЈЅҺԀԚԜӀΑΒΕΖΗΙΚΜΝΟΡΤΥΧĐŁØÆ", "ABEKMHOPCTYXIJSHDQWLABEZHIKMNOPTYXDLOA")
# Users of machines and containers that are nobody in particular.
_ANYBODY = frozenset(("root", "runner", "ubuntu", "debian", "app", "user", "vscode", "codespace", "nobody"))
_DASH, _NOTHING = "Pd", frozenset("\u115f\u1160\u3164\uffa0\u2800")  # signs that nobody sees


@dataclass(frozen=True, slots=True)
class Authors:
    """By what Git says.

    Attributes:
        known: names and addresses of authors, folded.
        missing: files of campaigns whose author nobody can say.
        alike: names and addresses, folded, that Git has beside each other: of one person each.
    """

    known: frozenset[str]
    missing: tuple[str, ...] = ()
    alike: tuple[frozenset[str], ...] = ()

    def include(self, *names: str) -> bool:
        """Whether one of these names or addresses is an author's, by any of their other names."""
        return persons([names_of(*names), self.known], self.alike) == 1


def persons(people: Sequence[frozenset[str]], alike: Iterable[frozenset[str]] = ()) -> int:
    """How many different people these are: who shares a name with another one is the same.

    Args:
        people: the names of each, folded; somebody without any is a person apart.
        alike: further names that belong together.
    """
    groups: list[tuple[set[str], bool]] = []  # of names, and whether somebody of `people` is in it
    for names, wanted in [*((set(each), True) for each in people), *((set(each), False) for each in alike)]:
        joined = [group for group in groups if group[0] & names]
        apart = [group for group in groups if not group[0] & names]
        merged = names.union(*(group for group, _ in joined))
        groups = [*apart, (merged, wanted or any(each for _, each in joined))]
    return sum(wanted for _, wanted in groups)


def names_of(*names: str) -> frozenset[str]:
    """The names that somebody gives as they are compared; `Name <address>` is two of them."""
    given: set[str] = set()
    for name in filter(None, names):
        found = _WITH_ADDRESS.fullmatch(name)
        for each in found.groups() if found else (name,):
            given |= _looks(each)
    return frozenset(given - {""})


def user_of(actor: str) -> str:
    """Who ran a command, or nothing where that may be anybody: all containers are run by root."""
    return "" if folded(actor) in _ANYBODY else actor


def folded(name: str) -> str:
    """A name or address without differences of case, white space, accents and what cannot be seen."""
    letters = []
    for letter in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold()):
        kind = unicodedata.category(letter)
        if kind.startswith("Z") or letter.isspace():
            letters.append(" ")
        elif kind == _DASH:
            letters.append("-")
        elif kind[0] not in "CM" and letter not in _NOTHING:
            letters.append(letter)
    return " ".join("".join(letters).split())


def _looks(name: str) -> set[str]:
    """How a name looks in small letters and in capitals, in Latin ones."""
    small = folded(name)
    return {small.translate(_SMALL), folded(small.upper().translate(_CAPITAL))}
