"""From a campaign's spec to its desired messages: opens the audience, checks what names its columns.

Shared by `plan` and `apply`, so that both compose the same messages from the same inputs.
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from zalosync.audience.read import Audience, matching
from zalosync.compose.desired import Desired, by_processes, chunk_rows
from zalosync.compose.inputs import (
    EXCLUDE,
    SUPPRESSIONS,
    Spec,
    audience_words,
    opened_audience,
    suppressed,
)
from zalosync.compose.message import Keys
from zalosync.compose.pool import Pool
from zalosync.compose.recipe import Recipe
from zalosync.compose.template import check, check_predicate
from zalosync.compose.template_check import MAX_LISTED, TemplateProblem, nearest
from zalosync.compose.values import Limits
from zalosync.errors import Problem, SpecError
from zalosync.spec.document import path_text
from zalosync.spec.loaded import LoadedCampaign, LoadedProject
from zalosync.spec.project import TemplateContract
from zalosync.spec.safe_open import FileRefused
from zalosync.workers import MEMORY


@dataclass(frozen=True, slots=True)
class Prepared:
    """A campaign whose inputs are open.

    Attributes:
        loaded: its spec.
        recipe: what decides its messages.
        desired: its messages, not yet gathered.
        files: the audience's files, from the project's root.
        size: bytes of the audience.
        notes: what a person should know of how the files were read, once they were.
    """

    loaded: LoadedCampaign
    recipe: Recipe
    desired: Desired
    files: tuple[str, ...]
    size: int
    notes: Callable[[], tuple[str, ...]]


@contextmanager
def prepared(
    project: LoadedProject,
    loaded: LoadedCampaign,
    keys: Keys,
    *,
    now: datetime,
    budget: int | None,
    content: bool,
    recipients: bool = False,
    pool: Callable[[], Pool] = Pool,
) -> Iterator[Prepared]:
    """Open a campaign's audience and check everything that names its columns.

    Args:
        project: for its root, policies and template contracts.
        loaded: the campaign.
        keys: the project's.
        now: for suppressions that end.
        budget: bytes that one encrypted value may have; None where the campaign is not encrypted.
        content: whether the composed messages carry their content, to be sent.
        recipients: whether they carry their recipients' pseudonyms.
        pool: gives the worker processes where the audience is large.

    Raises:
        SpecError: with everything of its audience, columns, templates and lists that does not fit.
    """
    audience = loaded.campaign.spec.audience
    with ExitStack() as stack:
        opened, suppressed = _inputs(project, loaded, now, stack)
        recipe = recipe_of(project, loaded, keys, budget=budget, content=content)
        recipe = replace(recipe, suppressed=suppressed, recipients=recipients)
        pieces = opened.pieces(chunk_rows(len(recipe.values) + 2, content=content))
        size, on_duplicate = opened.size, audience.on_duplicate
        broke = partial(_broke, loaded)
        with Desired(recipe, pieces, size=size, on_duplicate=on_duplicate, broke=broke, pool=pool) as desired:
            yield Prepared(loaded, recipe, desired, opened.files, opened.size, lambda: opened.notes)


def takes_processes(project: LoadedProject, campaigns: Sequence[LoadedCampaign]) -> bool:
    """Whether an audience is so large that worker processes compose it; what is wrong is told later."""
    for loaded in campaigns:
        try:
            names = matching(project.root, Path(loaded.file).parent, loaded.campaign.spec.audience.path)
            if by_processes(sum((project.root / name).stat().st_size for name in names)):
                return True
        except (SpecError, FileRefused, OSError):
            continue
    return False


def _broke(loaded: LoadedCampaign, message: str) -> SpecError:
    """The error for a campaign that a worker process died of."""
    allowed = f"{MEMORY // 2**20:,} MiB for each process: shorter values, fewer columns"
    return SpecError([loaded.problem("ZS317", "spec.templateData", message, allowed=allowed)])


def _inputs(
    project: LoadedProject, loaded: LoadedCampaign, now: datetime, stack: ExitStack
) -> tuple[Audience, pl.Series | None]:
    """The audience, opened and fit for the spec, and who is on a list; all that is wrong is told at once."""
    problems: list[Problem] = []
    opened, suppressed = None, None
    try:
        suppressed = _suppressed(project, loaded, now)
    except SpecError as error:
        problems += error.problems
    try:
        opened = stack.enter_context(opened_audience(project, loaded))
    except SpecError as error:
        problems += error.problems
    columns, files = (None, ()) if opened is None else (opened.columns, opened.files)
    problems += problems_with(loaded, columns, files)
    if problems or opened is None:
        raise SpecError(list(dict.fromkeys(problems)))
    return opened, suppressed


def recipe_of(
    project: LoadedProject, loaded: LoadedCampaign, keys: Keys, *, budget: int | None, content: bool
) -> Recipe:
    """What decides a campaign's messages, from its spec and its template's contract."""
    spec = loaded.campaign.spec
    failover = spec.sms_failover
    return Recipe(
        campaign=loaded.first_name,
        occurrence=spec.occurrence,
        template=spec.template.name,
        phone=_composed(spec.audience.phone),
        values=dict(spec.template_data),
        secret=keys.secret,
        region=spec.audience.region,
        key=spec.audience.key,
        where=spec.audience.where,
        consent=None if spec.audience.consent is None else _composed(spec.audience.consent),
        failover=failover.text if failover else None,
        ascii_only=failover.ascii_only if failover else False,
        limits=_limits(project.templates.get(spec.template.name)),
        budget=budget,
        content=content,
    )


def _limits(contract: TemplateContract | None) -> dict[str, Limits]:
    if contract is None:
        return {}
    return {
        name: Limits(parameter.required, parameter.min_length, parameter.max_length)
        for name, parameter in contract.parameters.items()
    }


def _suppressed(project: LoadedProject, loaded: LoadedCampaign, now: datetime) -> pl.Series | None:
    """Everybody on a list of the campaign or of a policy; a list's days are those of the project's zone."""
    audience = loaded.campaign.spec.audience
    if project.spec.timezone is not None:
        now = now.astimezone(ZoneInfo(project.spec.timezone))
    lists: list[tuple[Spec, str, Sequence[str]]] = [(loaded, EXCLUDE, audience.exclude)]
    lists += [(policy, SUPPRESSIONS, policy.policy.spec.suppressions) for policy in project.policies]
    return suppressed(project.root, lists, audience.region, now)


def problems_with(
    loaded: LoadedCampaign,
    columns: Sequence[str] | None,
    files: Sequence[str],
    sound: Callable[[str], bool] = lambda _: True,
) -> Iterator[Problem]:
    """What of a campaign does not fit its audience: columns that are not there, templates that cannot be.

    Args:
        loaded: the campaign.
        columns: of the audience, or None where they cannot be told.
        files: of the audience.
        sound: whether nothing is known to be wrong yet at a YAML path.
    """
    named = audience_words(files) if files else "the audience"
    audience = loaded.campaign.spec.audience
    for key, column in (("phone", audience.phone), ("consent", audience.consent)):
        path = f"spec.audience.{key}"
        if columns is not None and column is not None and sound(path) and _composed(column) not in columns:
            yield loaded.problem(
                "ZS355",
                path,
                f"{named} has no column `{column}`",
                found=f"`{column}`",
                allowed=", ".join(columns[:MAX_LISTED]),
                meant=nearest(column, columns) or "",
            )
    for path, source, condition in _template_fields(loaded):
        if sound(path):
            judge = check_predicate if condition else check
            for problem in judge(source, columns, named):
                yield placed(loaded, path, problem)


def _template_fields(loaded: LoadedCampaign) -> Iterator[tuple[str, str, bool]]:
    """Every template of a campaign: its YAML path, its source, and whether it is a condition."""
    spec = loaded.campaign.spec
    for name, source in spec.template_data.items():
        yield path_text(("spec", "templateData", name)), source, False
    if spec.audience.key is not None:
        yield "spec.audience.key", spec.audience.key, False
    if spec.audience.where is not None:
        yield "spec.audience.where", spec.audience.where, True
    if spec.sms_failover is not None:
        yield "spec.smsFailover.text", spec.sms_failover.text, False


def _composed(column: str) -> str:
    """The name as `audience.read` gives it, however its letters were typed."""
    return unicodedata.normalize("NFC", column)


def placed(loaded: LoadedCampaign, path: str, problem: TemplateProblem) -> Problem:
    """A template's problem with its place in the campaign's file."""
    return loaded.problem_within(
        problem.code,
        path,
        problem.message,
        line=problem.line,
        column=problem.column,
        found=problem.found,
        allowed=problem.allowed,
        meant=problem.meant,
    )
