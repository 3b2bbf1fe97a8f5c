"""The project's key: found in one place, 64 hex characters, readable by its owner alone, never shown."""

import stat
from pathlib import Path

import pytest

from zalosync.compose.message import Keys
from zalosync.errors import UsageError
from zalosync.ledger.key import make_key, read_key

TEXT = "0123456789abcdef" * 4
KEYS = Keys(bytes.fromhex(TEXT))


def written(folder: Path, text: str = TEXT, mode: int = 0o600) -> Path:
    """A key file."""
    path = folder / "key"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_made(tmp_path: Path) -> None:
    """A new key is kept in a file of mode 0600 in a folder of mode 0700, and read back."""
    folder = tmp_path / ".zalosync"
    keys = make_key(folder)
    assert read_key(folder, {}) == keys
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len((folder / "key").read_text(encoding="ascii")) == 65


def test_never_overwritten(tmp_path: Path) -> None:
    """An existing key is never replaced: the old one is the only proof of who was messaged."""
    first = make_key(tmp_path)
    with pytest.raises(FileExistsError):
        make_key(tmp_path)
    assert read_key(tmp_path, {}) == first


def test_every_key_is_another(tmp_path: Path) -> None:
    """Keys come from the system's entropy."""
    assert make_key(tmp_path / "a") != make_key(tmp_path / "b")


def test_none(tmp_path: Path) -> None:
    """Neither variable nor file: there is no key, and that is said, not guessed."""
    assert read_key(tmp_path, {}) is None
    assert read_key(tmp_path / "missing", {}) is None


def test_variable_first(tmp_path: Path) -> None:
    """The environment's key wins over the file, in either case of letters, blanks around it or not."""
    written(tmp_path, "f" * 64)
    for text in (TEXT, TEXT.upper(), f"  {TEXT}\n"):
        assert read_key(tmp_path, {"ZALOSYNC_KEY": text}) == KEYS


def test_mounted_file(tmp_path: Path) -> None:
    """A mounted secret is read whatever its mode: an orchestrator decides about it."""
    path = written(tmp_path, TEXT + "\n", 0o444)
    assert read_key(tmp_path / "nowhere", {"ZALOSYNC_KEY_FILE": str(path)}) == KEYS
    with pytest.raises(UsageError, match="missing file"):
        read_key(tmp_path, {"ZALOSYNC_KEY_FILE": str(tmp_path / "gone")})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o601])
def test_others_can_read(tmp_path: Path, mode: int) -> None:
    """A key that others can read or use is refused, with the command that mends it."""
    written(tmp_path, mode=mode)
    with pytest.raises(UsageError, match="chmod 600"):
        read_key(tmp_path, {})


@pytest.mark.parametrize(
    "text",
    ["", " ", TEXT[:-1], TEXT + "0", TEXT[:-1] + "g", f"{TEXT[:32]} {TEXT[32:]}", "0x" + TEXT[2:], "４" * 64],
)
def test_not_a_key(tmp_path: Path, text: str) -> None:
    """Anything but 64 hex characters is refused, and not quoted: it may be half a key."""
    written(tmp_path, text)
    for environ in ({}, {"ZALOSYNC_KEY": text}):
        with pytest.raises(UsageError) as caught:
            read_key(tmp_path, environ)
        assert not text.strip() or text.strip() not in str(caught.value)


def test_not_shown() -> None:
    """No spelling of a key's object holds the secret, or one of those derived from it."""
    shown = f"{KEYS} {KEYS!r} {KEYS.fingerprint}"
    for secret in (KEYS.secret, KEYS.ids, KEYS.content, KEYS.recipients, KEYS.plans, KEYS.webhooks):
        assert secret.hex() not in shown
        assert repr(secret) not in shown


def test_derived_keys_differ() -> None:
    """Each use has its own key; none is the secret itself."""
    derived = {KEYS.ids, KEYS.content, KEYS.recipients, KEYS.plans, KEYS.webhooks, KEYS.evidence, KEYS.inputs}
    assert len(derived) == 7
    assert KEYS.secret not in derived


@pytest.mark.parametrize("size", [0, 31, 33])
def test_size(size: int) -> None:
    """A key has 32 bytes."""
    with pytest.raises(ValueError, match="32 bytes"):
        Keys(bytes(size))
