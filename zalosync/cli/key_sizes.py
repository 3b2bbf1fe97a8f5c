"""The sizes of RSA keys as they were last seen: what fits into an encrypted value, where nobody is asked.

`render` and `plan --preview` have neither network nor ledger. What `plan`, `apply` or `keys` saw stands in a
file beside the project's key: sizes by sender, nothing secret, and nothing that is trusted to send.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zalosync.infobip.keys import PublicKey

ASSUMED_BITS = 4096  # that keys have as far as is known
_LEAST, _MOST = 2048, 16_384  # bits that a key may have, and a bound for what a damaged file may say


def sizes_path(folder: Path, environment: str) -> Path:
    """Where an environment's sizes stand, in the folder of local state."""
    return folder / f"{environment}.key-sizes.json"


def remember(path: Path, keys: "Mapping[str, PublicKey]") -> None:
    """Write down the sizes of these senders' keys; those of others stay, and a file that says so already."""
    known = seen(path)
    found = known | {sender: key.bits for sender, key in keys.items()}
    if found == known:
        return
    aside = path.with_name(path.name + ".new")
    with suppress(OSError):  # a folder without room or rights: then nothing is remembered, nothing else fails
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=2, sort_keys=True)
            file.write("\n")
        aside.rename(path)


def seen(path: Path) -> dict[str, int]:
    """Bits by sender; a file that is missing or damaged knows none."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    pairs = document.items() if isinstance(document, dict) else ()
    return {sender: bits for sender, bits in pairs if type(bits) is int and _LEAST <= bits <= _MOST}
