"""`python -m zalosync.sandbox` serves the sandbox; `zalosync sandbox` is the same as a command."""

import argparse
import sys
from pathlib import Path
from typing import Any

from zalosync.sandbox.server import Options, SandboxBusy, serve
from zalosync.sandbox.settings import FAITHFUL, Credential, Settings, SettingsError, load_mapping


def options(arguments: list[str]) -> Options:
    """Options from a command line; raises SettingsError."""
    parser = argparse.ArgumentParser(
        prog="python -m zalosync.sandbox", description="Infobip's Zalo API on loopback."
    )
    parser.add_argument("--port", type=int, default=8080, help="loopback port, 0 takes a free one")
    parser.add_argument(
        "--state", type=Path, default=Path(".zalosync/sandbox"), help="folder of the state file"
    )
    parser.add_argument("--settings", type=Path, help="YAML file of switches")
    parser.add_argument("--faults", type=Path, help="YAML file of faults")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster time goes")
    parser.add_argument(
        "--key-bits", type=int, choices=(1024, 2048, 3072, 4096), help="size of a sender's key"
    )
    parser.add_argument("--api-key", help="the App key that is taken, with all scopes")
    parser.add_argument("--seed", type=int, help="seed of all fates and faults")
    parser.add_argument("--faithful", action="store_true", help="no shortcut in time")
    given = parser.parse_args(arguments)
    if not 0 < given.speed < float("inf"):
        raise SettingsError(f"--speed {given.speed:g}: time goes forward, write a number above 0")
    values: dict[str, Any] = load_mapping(given.settings) if given.settings else {}
    if given.key_bits:
        values["key_bits"] = given.key_bits
    if given.seed is not None:
        values["seed"] = given.seed
    if given.api_key:
        values["credentials"] = [Credential(secret=given.api_key).model_dump()]
    if given.faithful:
        values = {**FAITHFUL, **values}
    return Options(
        state_dir=given.state,
        port=given.port,
        speed=given.speed,
        settings=Settings.from_mapping(values),
        faults=given.faults,
    )


def main(arguments: list[str]) -> int:
    """Serves until stopped; 64 with one line on stderr when it cannot start."""
    try:
        serve(options(arguments))
    except (SandboxBusy, SettingsError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 64
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
