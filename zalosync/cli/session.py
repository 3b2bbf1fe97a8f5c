"""What most commands begin with: the project, its key, its ledger and its provider."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zalosync.cli.options import Options
from zalosync.clock import Clock, Stop, SystemClock
from zalosync.compose.message import KEY_BYTES, Identity, Keys, webhook_token
from zalosync.errors import LedgerError, UsageError
from zalosync.ledger.home import STATE_FOLDER, Home, create, open_ledger, open_reader
from zalosync.ledger.key import make_key, read_key
from zalosync.ledger.read import LedgerReader
from zalosync.ledger.store import Ledger
from zalosync.spec.endpoint import SANDBOX
from zalosync.spec.loaded import LoadedCampaign, LoadedProject
from zalosync.spec.secret import Secret

if TYPE_CHECKING:
    from zalosync.console.progress import Reporter
    from zalosync.infobip.client import Reader, Sender
    from zalosync.infobip.settings import Settings
    from zalosync.plan.people import Authors

PROJECT_FILE = "zalosync.yaml"
API_KEY_VARIABLE = "INFOBIP_API_KEY"


@dataclass(frozen=True, slots=True)
class Provider:
    """A reachable provider that can be sent to."""

    client: "Sender"
    base_url: str


@dataclass(frozen=True, slots=True)
class AskedProvider:
    """A reachable provider that can only be asked: a dry run is a type, not a flag."""

    client: "Reader"
    base_url: str


class Session:
    """A command's view of the project. Everything is opened when it is first asked for.

    Args:
        options: the common options.
        environ: the environment variables; secrets are read from them by name only.
        clock: instead of the one that the options bring, or the machine's.
        pinned: False leaves templates.lock.yaml unread, for the command that writes it.
    """

    def __init__(
        self,
        options: Options,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        *,
        pinned: bool = True,
    ) -> None:
        self.options = options
        self.environ = os.environ if environ is None else environ
        self.clock = clock or options.clock or SystemClock()
        self.stop = Stop()
        self._reads_pinned = pinned

    @cached_property
    def root(self) -> Path:
        """The project's folder.

        Raises:
            UsageError: there is no project here.
        """
        if self.options.project is not None:
            if not (self.options.project / PROJECT_FILE).is_file():
                raise UsageError(
                    f"there is no {PROJECT_FILE} in {self.options.project}",
                    fix="give --project the folder that has it, or make one with `zalosync init`",
                    code="ZS101",
                )
            return self.options.project.resolve()
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / PROJECT_FILE).is_file():
                return folder
        raise UsageError(
            f"there is no {PROJECT_FILE} here or in a folder above",
            fix="go to the project, give --project DIR, or make one with `zalosync init`",
            code="ZS101",
        )

    @cached_property
    def project(self) -> LoadedProject:
        """Every file of the project, checked."""
        from zalosync.spec.load import load_project

        now, environment = self.clock.now(), self.options.environment
        return load_project(self.root, environment=environment, now=now, pinned=self._reads_pinned)

    @property
    def webhook_token(self) -> str:
        """What takes the place of `{token}` in webhook URLs: of this key and environment, unguessable."""
        return webhook_token(self.keys, self.project.environment_name)

    def reporter(self) -> "Reporter":
        """What shows this command's progress."""
        from zalosync.console.progress import Reporter

        options = self.options
        return Reporter(self.clock, quiet=options.quiet, json_lines=options.log_format == "json")

    def campaigns(self, names: tuple[str, ...]) -> tuple[LoadedCampaign, ...]:
        """The campaigns of these names, or all of them."""
        if not names:
            return self.project.campaigns
        return tuple(self.project.campaign(name) for name in dict.fromkeys(names))

    @cached_property
    def home(self) -> Home:
        """Where the environment keeps its ledger."""
        from zalosync.spec.project import resolve_ledger_url

        environment, name = self.project.environment, self.project.environment_name
        url = resolve_ledger_url(environment, name, self.environ, self.root)
        return Home(self.root, name, url, sandbox=environment.is_sandbox)

    def first_name(self, name: str, reader: LedgerReader) -> str:
        """Under which name the ledger has a campaign, also one that has left the project since.

        Raises:
            UsageError: neither has it.
        """
        try:
            return self.project.campaign(name).first_name
        except UsageError:
            if name not in reader.campaigns():
                raise
            return name

    @cached_property
    def keys(self) -> Keys:
        """The project's key; a sandbox gets one by itself.

        Raises:
            UsageError: there is none.
        """
        folder = self.root / STATE_FOLDER
        keys = read_key(folder, self.environ)
        if keys is None and self.project.environment.is_sandbox:
            keys = make_key(folder)
            click.echo(f"made the project's key: {STATE_FOLDER}/key", err=True)
        if keys is None:
            raise UsageError(
                "the project has no key",
                fix="set ZALOSYNC_KEY to the project's key;"
                " for a new project `zalosync ledger init` makes one in .zalosync/key",
                code="ZS610",
            )
        return keys

    @property
    def key_sizes(self) -> Path:
        """The file of the sizes of RSA keys as they were last seen in this environment."""
        from zalosync.cli.key_sizes import sizes_path

        return sizes_path(self.root / STATE_FOLDER, self.project.environment_name)

    @contextmanager
    def reader(self) -> Iterator[LedgerReader]:
        """The ledger, to be read."""
        self._ensure_ledger()
        reader = open_reader(self.home, self.keys)
        try:
            yield reader
        finally:
            reader.close()

    @contextmanager
    def ledger(self, lock_timeout: float = 0, *, sound: bool = False) -> Iterator[Ledger]:
        """The ledger, to be written, under its lock; `sound`: its file is looked through before."""
        self._ensure_ledger()
        with open_ledger(self.home, self.keys, lock_timeout=lock_timeout, sound=sound) as ledger:
            yield ledger

    @contextmanager
    def shared_ledger(self) -> Iterator[Ledger]:
        """The ledger, to be written beside a run that holds the lock: for pauses only."""
        self._ensure_ledger()
        with open_ledger(self.home, self.keys, exclusive=False) as ledger:
            yield ledger

    @cached_property
    def actor(self) -> str:
        """Who runs this command, as far as the machine or CI says."""
        from zalosync.cli.who import who

        return str(who(self.root, self.environ)["actor"])

    def authors(self, campaigns: Iterable[Mapping[str, Any]]) -> "Authors":
        """The Git authors of the last commits that touched these campaigns' files."""
        from zalosync.cli.who import authors

        names = {campaign["name"] for campaign in campaigns}
        files = [each.file for each in self.project.campaigns if each.first_name in names]
        return authors(self.root, files)

    @contextmanager
    def provider(self) -> Iterator[Provider]:
        """The environment's provider, to send to; as long as this lasts, the embedded sandbox runs."""
        from zalosync.infobip.client import Sender

        with ExitStack() as stack:
            settings, evidence = self._settings(stack), _evidence(self.keys)
            client = Sender(settings, **evidence, monotonic=self.clock.monotonic)
            yield Provider(stack.enter_context(client), self._named(settings))

    @contextmanager
    def asked_provider(self, *, about_messages: bool = True) -> Iterator[AskedProvider]:
        """The environment's provider, to be asked only.

        Args:
            about_messages: False where nothing is asked about messages: then no project key is needed.
        """
        from zalosync.infobip.client import Reader

        with ExitStack() as stack:
            keys = self.keys if about_messages else Keys(os.urandom(KEY_BYTES))
            settings, evidence = self._settings(stack), _evidence(keys)
            client = Reader(settings, **evidence, monotonic=self.clock.monotonic)
            yield AskedProvider(stack.enter_context(client), self._named(settings))

    def _settings(self, stack: ExitStack) -> "Settings":
        from zalosync import __version__
        from zalosync.infobip.proxy import Way
        from zalosync.infobip.settings import Settings, authorization_header

        base_url, api_key = self.address() or self._embedded(stack)
        way = Way.read(self.environ)
        return Settings(
            base_url=base_url,
            authorization=authorization_header(api_key),
            reports_path=self.project.environment.reports_path,
            user_agent=f"zalosync/{__version__}",
            hosts=tuple(filter(None, self.environ.get("ZALOSYNC_ALLOWED_API_HOSTS", "").split(","))),
            ca_file=way.ca_file,
            proxy=way.proxy,
        )

    def _named(self, settings: "Settings") -> str:
        return SANDBOX if self.project.environment.is_sandbox else settings.base_url

    def address(self) -> tuple[str, Secret] | None:
        """The base URL and the API key; None for the sandbox, for which a real key is never loaded.

        Raises:
            UsageError: one of them is not set, or cannot be used.
        """
        from zalosync.spec.project import resolve_api_key, resolve_base_url
        from zalosync.spec.secret import SecretRef, resolve

        environment = self.project.environment
        if environment.is_sandbox:
            return None
        base_url = resolve_base_url(environment, self.environ, self.root)
        if environment.api_key is None:
            secret = resolve(SecretRef(env=API_KEY_VARIABLE), self.environ, self.root)
        else:
            secret = resolve_api_key(environment, self.environ, self.root)
        return base_url, secret

    def _embedded(self, stack: ExitStack) -> tuple[str, Secret]:
        from zalosync.sandbox.embedded import EmbeddedSandbox, SandboxBusy

        folder, name = self.home.folder, self.project.environment_name
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            sandbox = stack.enter_context(EmbeddedSandbox(folder / f"{name}.sandbox"))
        except SandboxBusy as error:
            raise LedgerError(
                f"another command runs the sandbox of environment {name}",
                fix="wait for it to end, or serve it with `zalosync sandbox` and name its address as baseUrl",
                code="ZS614",
            ) from error
        return sandbox.base_url, Secret(sandbox.api_key)

    @property
    def rehearses(self) -> bool:
        """Whether nothing can leave this machine; an address that cannot be told may lead anywhere."""
        from zalosync.spec.project import is_rehearsal, resolve_base_url

        environment = self.project.environment
        if environment.is_sandbox:
            return True
        try:
            return is_rehearsal(resolve_base_url(environment, self.environ, self.root))
        except UsageError:
            return False

    def check_job(self) -> None:
        """Refuse to use the project's key in a CI job that code from outside can cause."""
        from zalosync.cli.jobs import check_job

        check_job(self.environ, rehearsal=self.rehearses)

    def check_durable(self) -> None:
        """Refuse to send with a ledger that a CI job throws away."""
        from zalosync.ledger.place import check_durable

        declared = self.project.environment.ledger_durable
        check_durable(self.home, self.environ, declared=declared, rehearsal=self.rehearses)

    def _ensure_ledger(self) -> None:
        """A sandbox gets its ledger by itself; any other environment's missing ledger is an error."""
        from zalosync.ledger.place import check_place

        check_place(self.home)
        if self.home.sandbox and not self.home.path.exists():
            self.home.folder.mkdir(mode=0o700, exist_ok=True)
            create(self.home, self.keys, self.clock.now())


def _evidence(keys: Keys) -> dict[str, Any]:
    """How a client speaks of people and of what it saw."""
    return {"pseudonym": Identity(keys, "", 0).recipient, "digest": keys.evidence_digest}
