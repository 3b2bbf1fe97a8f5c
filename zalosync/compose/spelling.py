"""Message ids as text, many at once: pure arithmetic in the place of a loop over letters."""

from collections.abc import Sequence
from functools import lru_cache

from zalosync.compose.message import MESSAGE_ID_BYTES, MESSAGE_ID_CHARACTERS, MESSAGE_ID_PREFIX

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".ljust(256, b"?")  # of base32, by their value
_ROOM = bytes(MESSAGE_ID_CHARACTERS - MESSAGE_ID_BYTES)  # a letter has 8 bits and stands for 5
_HALVES = (80, 40, 20, 10, 5)  # bits of half an id, of half of that, and so on down to a letter


def message_id_texts(message_ids: Sequence[bytes]) -> list[str]:
    """What `message_id_text` gives of each, in a tenth of the time.

    All ids are one number, each in as many bytes as it has letters. Five times both halves of everything move
    apart to where they belong; then each byte is one letter's value.

    Args:
        message_ids: of 20 bytes each.
    """
    number = int.from_bytes(b"".join([_ROOM + each for each in message_ids]))
    for shift, high, low in _steps(len(message_ids)):
        number = (number & high) << shift | number & low
    size = MESSAGE_ID_CHARACTERS
    text = number.to_bytes(size * len(message_ids)).translate(_LETTERS).decode()
    return [MESSAGE_ID_PREFIX + text[at : at + size] for at in range(0, len(text), size)]


@lru_cache(maxsize=8)
def _steps(count: int) -> list[tuple[int, int, int]]:
    """Of each step: how far the higher halves move, and the bits of the higher and of the lower halves."""
    steps = []
    for bits in _HALVES:
        slot = bits * 2 * 8 // 5  # two halves, spread already by the steps before
        low = sum((2**bits - 1) << at for at in range(0, 8 * MESSAGE_ID_CHARACTERS * count, slot))
        steps.append((slot // 2 - bits, low << bits, low))
    return steps
