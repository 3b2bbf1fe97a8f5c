"""The project's key: 32 bytes as 64 hex characters, in `ZALOSYNC_KEY` or in a file of mode 0600."""

import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from zalosync.compose.message import KEY_BYTES, Keys
from zalosync.errors import UsageError

_SPELLING = re.compile(r"[0-9a-fA-F]{64}")


def read_key(directory: Path, environ: Mapping[str, str]) -> Keys | None:
    """The key from the environment, else from `<directory>/key`; None where there is neither.

    Raises:
        UsageError: a key that is not 64 hex characters, or a file that others can read.
    """
    if "ZALOSYNC_KEY" in environ:
        return _keys(environ["ZALOSYNC_KEY"], "ZALOSYNC_KEY")
    path = Path(environ["ZALOSYNC_KEY_FILE"]) if "ZALOSYNC_KEY_FILE" in environ else directory / "key"
    if not path.exists():
        if "ZALOSYNC_KEY_FILE" in environ:
            raise UsageError("ZALOSYNC_KEY_FILE names a missing file", fix="mount it, or unset it")
        return None
    if "ZALOSYNC_KEY_FILE" not in environ and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise UsageError(f"others can read the key file {path.name}", fix=f"chmod 600 {path}", code="ZS611")
    return _keys(path.read_text(encoding="ascii", errors="replace"), str(path.name))


def make_key(directory: Path, entropy: Callable[[int], bytes] = os.urandom) -> Keys:
    """Make the key file; an existing one is never overwritten."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = entropy(KEY_BYTES)
    descriptor = os.open(directory / "key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return Keys(secret)


def _keys(text: str, source: str) -> Keys:
    if not _SPELLING.fullmatch(text.strip()):
        raise UsageError(
            f"the key in {source} is not 64 hexadecimal characters",
            fix="give the project's own key: another one would give old messages new ids",
            code="ZS612",
        )
    return Keys(bytes.fromhex(text.strip()))
