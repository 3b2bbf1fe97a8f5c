"""Where a ledger may lie: on a disk whose locks hold, and that the next job still has."""

from pathlib import Path

import pytest

from zalosync.errors import ExitCode, LedgerError
from zalosync.ledger.home import Home
from zalosync.ledger.place import NETWORK, check_durable, check_place, file_system

MOUNTS = [
    "/dev/sda1 / ext4 rw 0 0",
    "short line",
    "server:/share /mnt/my\\040share nfs4 rw 0 0",
    "tmpfs /mnt/my\\040share/fast tmpfs rw 0 0",
]


def test_the_nearest_mount_decides() -> None:
    """A folder is on the file system whose mount is deepest above it, also under names with spaces."""
    assert file_system(Path("/home/lan"), MOUNTS) == "ext4"
    assert file_system(Path("/mnt/my share/project"), MOUNTS) == "nfs4"
    assert file_system(Path("/mnt/my share/fast/project"), MOUNTS) == "tmpfs"
    assert file_system(Path("/home/lan"), []) == ""


@pytest.mark.parametrize("kind", sorted(NETWORK))
def test_network_file_systems_are_refused(tmp_path: Path, kind: str) -> None:
    """On a file system whose locks lie, two runs could send at once."""
    home = Home(tmp_path, "production")
    with pytest.raises(LedgerError) as caught:
        check_place(home, [f"server:/share {tmp_path} {kind} rw 0 0"])
    assert (caught.value.code, caught.value.exit_code) == ("ZS632", ExitCode.LEDGER)


def test_local_disks_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local disk is right, and so is a machine that does not tell its mounts."""
    home = Home(tmp_path, "production")
    check_place(home, MOUNTS)
    check_place(home)
    monkeypatch.setattr("zalosync.ledger.place.MOUNTS", tmp_path / "nothing")
    check_place(home)


@pytest.mark.parametrize("ci", ["true", "1", "woodpecker"])
def test_thrown_away_disks_are_refused(tmp_path: Path, ci: str) -> None:
    """A CI job does not keep its disk, unless the environment says so, or nothing real is sent."""
    home = Home(tmp_path, "production")
    with pytest.raises(LedgerError) as caught:
        check_durable(home, {"CI": ci}, declared=False, rehearsal=False)
    assert caught.value.code == "ZS633"
    check_durable(home, {"CI": ci}, declared=True, rehearsal=False)
    check_durable(home, {"CI": ci}, declared=False, rehearsal=True)


@pytest.mark.parametrize("environ", [{}, {"CI": ""}, {"CI": "0"}, {"CI": "False"}])
def test_no_ci_job(tmp_path: Path, environ: dict[str, str]) -> None:
    """Elsewhere the disk is the user's."""
    check_durable(Home(tmp_path, "production"), environ, declared=False, rehearsal=False)
