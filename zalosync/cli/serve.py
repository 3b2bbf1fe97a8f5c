"""`zalosync serve`: receives delivery reports that the provider pushes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from zalosync.refresh.trust import Guard

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.command(
    epilog="Example: zalosync serve --host 0.0.0.0 --port 8443 --tls-cert hook.pem --tls-key hook.key",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="0 takes a free one."
)
@click.option("--tls-cert", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="PEM file.")
@click.option("--tls-key", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="PEM file.")
@click.option("--behind-proxy", is_flag=True, help="A proxy before it does TLS, and says who calls.")
@click.option(
    "--most-waiting",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    help="Reports that may wait for `refresh`; more are answered with 503.",
)
@click.option(
    "--rate",
    type=click.IntRange(1),
    default=3000,
    show_default=True,
    help="Requests a second of one address; four times as many in all.",
)
@click.option("--show-path", is_flag=True, help="Print the secret path for the subscription, and end.")
def serve(
    options: Options,
    *,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    behind_proxy: bool,
    most_waiting: int,
    rate: int,
    show_path: bool,
) -> int:
    """Receive delivery reports at POST /zalo/reports/{token} until a signal ends it; /healthz, /metrics.

    Reports are stored beside the ledger, which is never opened: `zalosync refresh` merges them.
    """
    session = Session(options)
    if show_path:
        return _show_path(session)
    if (tls_cert is None) != (tls_key is None):
        raise UsageError("--tls-cert and --tls-key go together", fix="give both, or neither")
    if host not in LOOPBACK and tls_cert is None and not behind_proxy:
        raise UsageError(
            f"{host} would take reports in the clear, and the path holds a secret",
            fix="give --tls-cert and --tls-key, or --behind-proxy where a proxy does TLS",
        )
    from zalosync.cli.settling import inbox_path
    from zalosync.compose.message import Identity, Maker
    from zalosync.refresh.intake import Intake
    from zalosync.refresh.metrics import Counts
    from zalosync.refresh.rate import Rate
    from zalosync.refresh.serving import server
    from zalosync.refresh.webhook import Receiver

    keys = session.keys
    with Intake(inbox_path(session), session.clock, most_waiting) as intake:
        receiver = Receiver(
            guard=guard_of(session),
            maker=Maker(keys),
            intake=intake,
            clock=session.clock,
            rate=Rate(rate, 4 * rate),
            pseudonym=Identity(keys, "", 0).recipient,
            digest=keys.evidence_digest,
            counts=Counts(),
        )
        scheme = "http" if tls_cert is None else "https"
        running = server(
            receiver.application(),
            host=host,
            port=port,
            certificate=str(tls_cert) if tls_cert else None,
            key=str(tls_key) if tls_key else None,
            behind_proxy=behind_proxy,
            listening=lambda address: _say(f"receiving on {scheme}://{address}/zalo/reports/…"),
        )
        try:
            running.run()
        except SystemExit as error:
            raise UsageError(
                f"cannot listen on {host}:{port}", fix="name another --port; 0 takes a free one"
            ) from error
    return ExitCode.DONE


def guard_of(session: Session) -> "Guard":
    """What a push to this environment has to show."""
    from zalosync.refresh.trust import Guard
    from zalosync.spec.secret import resolve

    webhook = session.project.environment.webhook
    credential = ""
    if webhook.credential is not None:
        credential = resolve(webhook.credential, session.environ, session.root).reveal()
    return Guard(
        token=session.webhook_token,
        security=webhook.security,
        user=webhook.user or "",
        credential=credential,
        header=webhook.header.lower(),
        algorithm=webhook.algorithm,
        encoding=webhook.encoding,
        prefix=webhook.prefix,
    )


def _show_path(session: Session) -> int:
    """The path with its token: for whoever sets up the account's subscription, and nobody else.

    Raises:
        UsageError: there is no terminal, or this is a CI job.
    """
    if session.environ.get("CI", "").lower() not in {"", "0", "false"} or not sys.stdout.isatty():
        raise UsageError(
            "--show-path needs a terminal: the path is a secret, and does not belong into files or logs",
            fix="run it at a terminal",
        )
    click.echo(f"/zalo/reports/{session.webhook_token}")
    return ExitCode.DONE


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
