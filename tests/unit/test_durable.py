"""A ledger that a CI job throws away: who may send with one, and who not."""

from pathlib import Path

import pytest

from zalosync.errors import ExitCode, LedgerError
from zalosync.ledger.home import Home
from zalosync.ledger.place import check_durable


@pytest.mark.parametrize(
    ("ci", "declared", "rehearsal", "refused"),
    [
        ("true", False, False, True),
        ("1", False, False, True),
        ("true", True, False, False),
        ("true", False, True, False),
        ("false", False, False, False),
        ("", False, False, False),
        (None, False, False, False),
    ],
)
def test_a_file_ledger_in_ci_is_declared_durable_or_refused(
    tmp_path: Path,
    ci: str | None,
    declared: bool,  # noqa: FBT001 - a table column
    rehearsal: bool,  # noqa: FBT001 - a table column
    refused: bool,  # noqa: FBT001 - a table column
) -> None:
    """With `CI` only `ledgerDurable: true` or a rehearsal sends; without it nothing is asked."""
    home = Home(tmp_path, "live", f"sqlite:///{tmp_path}/live.db")
    environ = {} if ci is None else {"CI": ci}
    if not refused:
        check_durable(home, environ, declared=declared, rehearsal=rehearsal)
        return
    with pytest.raises(LedgerError, match="`ledgerDurable: true`") as caught:
        check_durable(home, environ, declared=declared, rehearsal=rehearsal)
    assert caught.value.exit_code is ExitCode.LEDGER
    assert caught.value.code == "ZS633"
