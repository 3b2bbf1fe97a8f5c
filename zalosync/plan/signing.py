"""SSH signatures of approvals, made and checked by OpenSSH's own `ssh-keygen -Y`."""

import base64
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from zalosync.errors import UsageError
from zalosync.spec.loaded import LoadedPolicy
from zalosync.spec.safe_open import FileRefused, inside, open_inside

NAMESPACE = "zalosync"
_ARMOUR = "-----BEGIN SSH SIGNATURE-----"
SECONDS = 60.0  # a person may have to type a passphrase, or touch a key
MAX_BYTES = 2**20


def sign(key: Path, data: bytes) -> str:
    """An armoured signature over data.

    Args:
        key: a private key, or a public one whose private half an agent holds.
        data: what is signed.

    Raises:
        UsageError: ssh-keygen is missing, or would not sign.
    """
    done = _run(("sign", "-q", "-f", str(key), "-n", NAMESPACE), data)
    if done is None:
        raise UsageError("there is no ssh-keygen to sign with", fix="install OpenSSH's client", code="ZS545")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(
            f"ssh-keygen would not sign: {said[-1] if said else 'it gave no reason'}",
            fix="give --sign the file of your SSH key",
            code="ZS545",
        )
    return done.stdout.decode()


def signers_of(loaded: LoadedPolicy) -> str | None:
    """The policy's file of allowed signers, from the project's root; None: it names none."""
    named = loaded.policy.spec.allowed_signers
    return None if named is None else inside(named, named_in=loaded.file)


def allowed_signers(root: Path, signers: str) -> bytes:
    """A file of allowed signers, from the root.

    Raises:
        FileRefused: it cannot be read.
    """
    with open_inside(root, signers, max_bytes=MAX_BYTES) as file:
        return file.read()


def verified(root: Path, signers: str, name: str, data: bytes, signature: str) -> str:
    """The fingerprint of the key that signed data, if the file of allowed signers lists it for this name.

    Args:
        root: the project's folder.
        signers: the file, from the root.
        name: whose signature it should be: a principal of that file.
        data: what was signed.
        signature: armoured.

    Returns:
        As `ssh-keygen -l` writes it; empty: the signature is not good.

    Raises:
        UsageError: the file cannot be read, or ssh-keygen is missing.
    """
    if not signature or not name or name.startswith("-"):
        return ""
    try:
        allowed = allowed_signers(root, signers)
    except FileRefused as error:
        raise UsageError(
            f"the file of allowed signers cannot be read: {error.reason}",
            fix="correct `allowedSigners` of the policy",
            code="ZS544",
        ) from error
    with tempfile.TemporaryDirectory(prefix="zalosync-") as folder:
        # Copies of our own: what is checked cannot be exchanged meanwhile.
        (Path(folder) / "signers").write_bytes(allowed)
        (Path(folder) / "signature").write_text(signature, encoding="ascii", errors="replace")
        asked = (
            "verify",
            "-f",
            f"{folder}/signers",
            "-I",
            name,
            "-n",
            NAMESPACE,
            "-s",
            f"{folder}/signature",
        )
        done = _run(asked, data)
    if done is None:
        raise UsageError("there is no ssh-keygen to check with", fix="install OpenSSH's client", code="ZS545")
    return key_of(signature) if done.returncode == 0 else ""


def key_of(signature: str) -> str:
    """The fingerprint of the public key that an armoured signature names: whether it is good, nobody asked.

    Raises:
        ValueError: it is no signature.
    """
    _, found, armoured = signature.partition(_ARMOUR)
    if not found:
        raise ValueError("no armour")
    # After the magic word and the version.
    blob = base64.b64decode("".join(armoured.partition("-----")[0].split()))
    length = int.from_bytes(blob[10:14], "big")
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob[14 : 14 + length]).digest()).decode().rstrip("=")


def _run(arguments: Sequence[str], data: bytes) -> "subprocess.CompletedProcess[bytes] | None":
    """`ssh-keygen -Y …` with data on its standard input; None where there is none."""
    kept = ("PATH", "HOME", "SSH_AUTH_SOCK", "SSH_ASKPASS", "DISPLAY", "TERM")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    try:
        return subprocess.run(  # noqa: S603 - a fixed program
            ["ssh-keygen", "-Y", *arguments],  # noqa: S607 - ssh-keygen is where the user's PATH says
            input=data,
            capture_output=True,
            check=False,
            timeout=SECONDS,
            env=environment,
        )
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired as error:
        raise UsageError("ssh-keygen did not answer within a minute", code="ZS545") from error
