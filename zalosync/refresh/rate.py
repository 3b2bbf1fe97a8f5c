"""How many requests an address, and all of them together, may make. For one thread; time is an argument."""

from collections import OrderedDict

MOST_ADDRESSES = 10_000


class Rate:
    """Buckets that fill with time: one for each address, one for all.

    Args:
        each: requests a second of one address; a second's worth may come at once.
        total: of all addresses.
    """

    def __init__(self, each: float, total: float) -> None:
        self._each = each
        self._total = total
        self._all = (total, 0.0)
        self._known: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, address: str, now: float) -> bool:
        """Whether a request may be looked at; it is counted if so.

        Args:
            address: of the caller.
            now: seconds that never go back.
        """
        mine = _filled(self._known.get(address, (self._each, now)), self._each, now)
        everybodys = _filled(self._all, self._total, now)
        allowed = mine >= 1 and everybodys >= 1
        self._known[address] = (mine - allowed, now)
        self._known.move_to_end(address)
        if len(self._known) > MOST_ADDRESSES:
            self._known.popitem(last=False)
        self._all = (everybodys - allowed, now)
        return allowed


def _filled(bucket: tuple[float, float], rate: float, now: float) -> float:
    level, since = bucket
    return min(rate, level + (now - since) * rate)
