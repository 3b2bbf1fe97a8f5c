"""`zalosync sandbox`: serves the local double of Infobip's Zalo API, for rehearsals and other programs."""

from pathlib import Path
from typing import Any

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.errors import ExitCode, UsageError

KEY_BITS = ("1024", "2048", "3072", "4096")


@click.command(
    epilog="Example: zalosync sandbox --port 8080 --speed 60",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one."
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where it remembers [.zalosync/sandbox].",
)
@click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="YAML of switches.",
)
@click.option(
    "--faults",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="YAML of faults.",
)
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, help="How fast time goes.")
@click.option("--key-bits", type=click.Choice(KEY_BITS), help="Size of a sender's RSA key [4096].")
@click.option("--seed", type=int, help="Of all fates and faults.")
@click.option("--faithful", is_flag=True, help="No shortcut in time: validity takes as long as given.")
def sandbox(
    options: Options,
    *,
    port: int,
    state: Path | None,
    settings: Path | None,
    faults: Path | None,
    speed: float,
    key_bits: str | None,
    seed: int | None,
    faithful: bool,
) -> int:
    """Serve the API's double on 127.0.0.1 until a signal ends it. Needs no project; the key is `App sandbox`.

    What it took and what became of it stays in its folder: a later start goes on there.
    """
    from zalosync.sandbox import server
    from zalosync.sandbox.settings import FAITHFUL, Settings, SettingsError, load_mapping

    folder = state or (options.project or Path()) / ".zalosync" / "sandbox"
    given: dict[str, Any] = {"seed": seed, "key_bits": None if key_bits is None else int(key_bits)}
    try:
        switches = load_mapping(settings) if settings is not None else {}
        base = dict(FAITHFUL) if faithful else {}
        said = {name: value for name, value in given.items() if value is not None}
        serving = server.Options(
            state_dir=folder,
            port=port,
            speed=speed,
            settings=Settings.from_mapping(base | switches | said),
            faults=faults,
        )
        server.serve(serving)
    except server.SandboxBusy as error:
        raise UsageError(str(error)) from error
    except SettingsError as error:
        raise UsageError(
            str(error), fix="docs/sandbox.md has every switch and fault, and what each takes"
        ) from error
    except OSError as error:
        if error.filename is not None:
            raise UsageError(
                f"the sandbox cannot keep its state in {folder}: {error.strerror}",
                fix="name another folder with --state",
            ) from error
        raise UsageError(
            f"the sandbox cannot listen on port {port} of 127.0.0.1: {error.strerror}",
            fix="name another with --port; 0 takes a free one",
        ) from error
    return ExitCode.DONE
