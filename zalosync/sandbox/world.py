"""What the parts of the model share: the switches, the store, and what follows from them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from zalosync.sandbox import decrypt, shapes
from zalosync.sandbox.settings import ListedTemplate, Settings
from zalosync.sandbox.store import Store
from zalosync.sandbox.validate import Checker, Manner

_USAGE_KEPT: Final = 10_000
_INT32: Final = 32


@dataclass(slots=True)
class World:
    """One sandbox: its switches now, its memory, and small caches over both."""

    settings: Settings
    store: Store
    next_due: float = 0.0  # nothing to do before this time; infinity when nothing waits
    handed_out: tuple[list[int], str] = ([], "")  # outcomes that a pull has read, and who or what read them
    keys: dict[str, Any] = field(default_factory=dict)  # sender -> private key, loaded once
    readable: dict[str, bool] = field(default_factory=dict)  # sender -> could its last value be read
    make_key: Callable[[int], bytes] = decrypt.new_key  # bits -> PEM; a simulator hands in a ready one
    contracts: dict[tuple[str, int], Any] = field(default_factory=dict)  # what sends must know of templates
    _usage: dict[tuple[str, int], int] = field(default_factory=dict)  # as stored, plus what this write adds
    _used: set[tuple[str, int]] = field(default_factory=set)
    _checker: Checker | None = None
    _listed: dict[int, list[ListedTemplate]] | None = None

    def change(self, settings: Settings) -> None:
        """Other switches from now on; what was accepted before keeps its outcome."""
        self.settings = settings
        self._checker = None
        self._listed = None
        self.contracts.clear()
        self.next_due = 0.0

    @property
    def manner(self) -> Manner:
        """How bodies are read under the present switches."""
        return Manner(self.settings.unknown_keys == "ignore", self.settings.null_values == "ignore")

    @property
    def send_checker(self) -> Checker:
        """The checker of send bodies under the present switches."""
        if self._checker is None:
            s = self.settings
            self._checker = shapes.send_request(
                manner=self.manner,
                clip_ids=s.long_ids == "clip",
                wrap=s.window_wrap == "allow",
                template_id_max=2**31 - 1 if s.template_id_bits == _INT32 else 2**63 - 1,
                strings_only=s.value_types == "string",
                max_entries=s.max_entries,
                max_destinations=s.max_destinations,
                clip_validity=s.long_validity == "clip",
            )
        return self._checker

    @property
    def filters_floods(self) -> bool:
        """Whether somebody may get too many messages in an hour."""
        return self.settings.flood_per_hour is not None or self.settings.flood_same_per_hour is not None

    def forget_key(self, sender: str) -> None:
        """A sender's key is no more; what was encrypted with it cannot be opened."""
        with self.store.write():
            self.store.run("DELETE FROM keys WHERE sender = ?", (sender,))
        self.keys.pop(sender, None)

    def listed(self, template: int) -> list[ListedTemplate]:
        """The listed templates of this number."""
        if self._listed is None:
            self._listed = {}
            for each in self.settings.templates:
                self._listed.setdefault(each.id, []).append(each)
        return self._listed.get(template, [])

    def has_sender(self, sender: str) -> bool:
        """Whether the account has this Official Account."""
        return self.settings.senders is None or sender in self.settings.senders

    def wake(self, due: int) -> None:
        """Something waits for `due`."""
        self.next_due = min(self.next_due, due)

    def use(self, scope: str, period: int, limit: int | None) -> bool:
        """Takes one of a quota; False, and nothing taken, when it is used up. `keep_usage` stores it."""
        used = self.used(scope, period)
        if limit is not None and used >= limit:
            return False
        self._usage[(scope, period)] = used + 1
        self._used.add((scope, period))
        return True

    def used(self, scope: str, period: int) -> int:
        """How much of a quota is gone."""
        known = self._usage.get((scope, period))
        if known is None:
            sql = "SELECT n FROM usage WHERE scope = ? AND period = ?"
            known = self._usage[(scope, period)] = int(self.store.value(sql, (scope, period)) or 0)
        return known

    def set_used(self, scope: str, period: int, n: int) -> None:
        """Sets a count kept beside the quotas."""
        self._usage[(scope, period)] = n
        self._used.add((scope, period))

    @contextmanager
    def write(self) -> Iterator[None]:
        """One transaction of the store that also keeps the quotas used in it."""
        try:
            with self.store.write():
                yield
                self.store.run_many(
                    "INSERT OR REPLACE INTO usage VALUES (?, ?, ?)",
                    [(*key, self._usage[key]) for key in self._used],
                )
        except BaseException:
            self._usage.clear()
            raise
        finally:
            self._used.clear()
        if len(self._usage) > _USAGE_KEPT:
            self._usage.clear()
