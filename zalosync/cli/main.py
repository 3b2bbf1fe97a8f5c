"""The `zalosync` command: finds the command's file, runs it, turns errors into one line and an exit code."""

import gc
import importlib
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click

from zalosync import __version__
from zalosync.cli.options import COMMON, Options, gather
from zalosync.cli.signals import comes_again, none_lost
from zalosync.clock import Clock
from zalosync.errors import ExitCode

GARBAGE_AFTER = 50_000  # objects made and not freed, before the young ones are looked through
# name → (module, attribute, one line of help); modules are imported when their command runs,
# so that `--help` and completion stay fast.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "init": ("zalosync.cli.init", "init", "Make a project that runs."),
    "validate": (
        "zalosync.cli.validate",
        "validate",
        "Check every file, offline, all errors at once.",
    ),
    "schema": (
        "zalosync.cli.schema",
        "schema",
        "Print the JSON Schema of specs or outputs.",
    ),
    "fmt": ("zalosync.cli.fmt", "fmt", "Write specs in their canonical form, comments kept."),
    "render": ("zalosync.cli.render", "render", "Show what one recipient would get."),
    "templates": ("zalosync.cli.templates", "templates", "Pin or list the provider's templates."),
    "keys": ("zalosync.cli.keys", "keys", "Show, make and pin the senders' RSA keys."),
    "quota": ("zalosync.cli.quota", "quota", "Show what senders may still send."),
    "plan": ("zalosync.cli.plan", "plan", "Show what would be sent, to how many, at what cost."),
    "explain": ("zalosync.cli.explain", "explain", "Say what an error or finding means, and its mend."),
    "show": ("zalosync.cli.show", "show", "Show a sealed plan, whatever became of it."),
    "diff": ("zalosync.cli.diff", "diff", "Show what differs between two sealed plans."),
    "approve": ("zalosync.cli.approve", "approve", "Approve exactly one sealed plan."),
    "apply": ("zalosync.cli.apply", "apply", "Send what the plan says and nothing else."),
    "refresh": ("zalosync.cli.refresh", "refresh", "Pull reports and logs, and settle unknown messages."),
    "serve": ("zalosync.cli.serve", "serve", "Receive delivery reports by webhook."),
    "logs": ("zalosync.cli.logs", "logs", "Show the provider's logs, by any filter."),
    "resolve": ("zalosync.cli.resolve", "resolve", "Decide what became of unknown messages."),
    "pause": ("zalosync.cli.pause", "pause", "Stop a campaign, also while it is sent."),
    "unpause": ("zalosync.cli.pause", "unpause", "Let a paused campaign go on."),
    "cancel": ("zalosync.cli.pause", "cancel", "End a campaign's held messages."),
    "status": ("zalosync.cli.status", "status", "Count the messages of each campaign by state."),
    "history": ("zalosync.cli.history", "history", "List the runs: who, when, what, with which result."),
    "audit": ("zalosync.cli.audit", "audit", "Prove the ledger; make the HTML report."),
    "ledger": ("zalosync.cli.ledger", "ledger", "Create and inspect the ledger."),
    "sandbox": ("zalosync.cli.sandbox", "sandbox", "Serve the local double of Infobip's Zalo API."),
    "doctor": ("zalosync.cli.doctor", "doctor", "Say what is wrong with this set-up, and its mend."),
    "demo": ("zalosync.cli.demo", "demo", "Run a whole campaign on the embedded sandbox."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Give the names in the order of a campaign's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command; for listings a stand-in with its help is enough."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, attribute, _ = entry
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        _ = ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry[2]) for name, entry in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Example: zalosync plan -o release.zsplan && zalosync apply release.zsplan",
)
@click.version_option(__version__, prog_name="zalosync", message="%(prog)s %(version)s")
@COMMON
@click.pass_context
def root(ctx: click.Context, /, **given: object) -> None:
    """Zalo campaigns as code: plan, approve, apply at most once, prove it."""
    ctx.obj = gather(ctx.obj if isinstance(ctx.obj, Options) else Options(), given)


class _Stopping:
    """A signal outside of an apply run ends the command like a keyboard interrupt, until its code is known.

    After that the process is ending anyway: a second exception would only end it with a traceback.
    """

    def __init__(self) -> None:
        self.done = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.done and not comes_again(number, frame):
            raise KeyboardInterrupt(number)


def main(arguments: Sequence[str] | None = None, clock: Clock | None = None) -> None:
    """Run one command and exit with the documented code; never a traceback for an expected failure.

    Args:
        arguments: of the command line; None: this process's.
        clock: that the command lives by; None: the machine's.
    """
    # What is imported lives as long as the process: to look it through for garbage, again and again,
    # took a quarter of the start of every command.
    gc.set_threshold(GARBAGE_AFTER)
    stopping = _Stopping()
    try:
        with none_lost():
            code = _run(arguments, clock, stopping)
        stopping.done = True
    except KeyboardInterrupt:
        # A signal while the end was being said.
        stopping.done = True
        code = ExitCode.INTERRUPTED
    if arguments is None:
        gc.freeze()  # the process ends: nothing of it is to be looked through for garbage, which takes 0.1 s
    sys.exit(code)


def _run(arguments: Sequence[str] | None, clock: Clock | None, stopping: _Stopping) -> int:
    """Run one command; gives its exit code, whatever becomes of it."""
    from zalosync.cli.failure import report_failure, silence_output

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as a shell has it for what runs behind it
            signal.signal(number, stopping)
    output = sys.stdout
    try:
        code = root.main(
            args=list(arguments) if arguments is not None else None,
            prog_name="zalosync",
            standalone_mode=False,
            obj=Options(clock=clock),
        )
        sys.stdout.flush()
    except SystemExit as ended:
        if sys.stdout is output:
            return _code(ended.code)
        # Where a pipe is broken, click puts a wrapper around it and exits with 1.
        return ExitCode.DONE
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing more can be said to it.
        silence_output()
        return ExitCode.DONE
    except BaseException as error:  # noqa: BLE001 - the one place that turns errors into exit codes
        return report_failure(error, as_json="--json" in (sys.argv[1:] if arguments is None else arguments))
    return _code(code)


def _code(ended: object) -> int:
    return int(ended) if isinstance(ended, int) else ExitCode.DONE


if __name__ == "__main__":
    main()
