"""Where a ledger may be: on a local disk, since SQLite needs true locks, that outlives the process."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from zalosync.errors import LedgerError
from zalosync.ledger.home import Home

MOUNTS = Path("/proc/self/mounts")
# Locks and syncs of these are known to lie, or depend on how they are mounted.
NETWORK = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "ncpfs",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "fuse.sshfs",
        "davfs",
    }
)


def check_place(home: Home, mounts: Iterable[str] | None = None) -> None:
    """Refuse a ledger on a network file system.

    Args:
        home: the ledger's.
        mounts: lines of the table of mounts; None: this machine's.

    Raises:
        LedgerError: it is on one.
    """
    if mounts is None:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines() if MOUNTS.exists() else ()
    kind = file_system(home.path.parent.resolve(), mounts)
    if kind in NETWORK:
        raise LedgerError(
            f"{home.place} is on a network file system ({kind}), where locks cannot be trusted",
            fix="put the ledger on a local disk: `ledger: sqlite:///path` of the environment",
            code="ZS632",
        )


def file_system(folder: Path, mounts: Iterable[str]) -> str:
    """The type of the file system that holds a folder; empty where the table does not say."""
    best, kind = Path(), ""
    for line in mounts:
        fields = line.split()
        if len(fields) < 3:  # noqa: PLR2004 - device, folder, type
            continue
        mounted = Path(fields[1].replace("\\040", " "))
        if folder.is_relative_to(mounted) and len(mounted.parts) >= len(best.parts):
            best, kind = mounted, fields[2]
    return kind


def check_durable(home: Home, environ: Mapping[str, str], *, declared: bool, rehearsal: bool) -> None:
    """Refuse to send from a CI job whose disk is thrown away, and the memory with it.

    Args:
        home: the ledger's.
        environ: with `CI`, as CI systems set it.
        declared: whether the environment says `ledgerDurable: true`.
        rehearsal: whether nothing real is sent: the sandbox, or a server on this machine.

    Raises:
        LedgerError: the next job would not know who was messaged.
    """
    if environ.get("CI", "").lower() in ("", "0", "false") or declared or rehearsal:
        return
    raise LedgerError(
        f"this is a CI job, and {home.place} is a file on its disk: the next job would send everything again",
        fix="keep the ledger where jobs share it, and say `ledgerDurable: true` in the environment",
        code="ZS633",
    )
