"""`zalosync explain`: what an error or finding means, and its mend."""

import json

import click

from zalosync.catalogue import CATALOGUE, Entry
from zalosync.cli.options import Options, common
from zalosync.errors import ExitCode, UsageError

_WIDTH = 110


@click.command(epilog="Example: zalosync explain ZS208")
@click.argument("code", required=False, metavar="[CODE]")
@common
def explain(options: Options, code: str | None) -> int:
    """Say what an error code or a finding means, why it exists, and how it is mended.

    Without CODE, all of them are listed.
    """
    entries = list(CATALOGUE.values()) if code is None else [_entry(code)]
    if options.json:
        document = {"format_version": "1.0", "entries": [_document(each) for each in entries]}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    elif code is None:
        width = max(len(each.code) for each in entries)
        for each in entries:
            click.echo(f"{each.code:<{width}}  {each.title}")
    else:
        click.echo(_text(entries[0]))
    return ExitCode.DONE


def _entry(code: str) -> Entry:
    entry = CATALOGUE.get(code) or CATALOGUE.get(code.upper()) or CATALOGUE.get(code.lower())
    if entry is not None:
        return entry
    from zalosync.spec.mismatch import near

    meant = near(code, list(CATALOGUE))
    raise UsageError(
        "there is no error or finding of this name",
        fix=f"did you mean `{meant}`?" if meant else "`zalosync explain` lists all of them",
        code="ZS223",
    )


def _text(entry: Entry) -> str:
    severity = f" ({'warning' if entry.severity == 'warn' else entry.severity})" if entry.severity else ""
    paragraphs = [
        f"{entry.code}{severity}: {entry.title}",
        click.wrap_text(f"Why:  {entry.why}", _WIDTH, subsequent_indent="      "),
        click.wrap_text(f"Mend: {entry.mend}", _WIDTH, subsequent_indent="      "),
    ]
    if entry.severity:
        note = "A policy may change its severity under `rules`; to weaken it takes a reason and an end date."
        paragraphs.append(click.wrap_text(f"Note: {note}", _WIDTH, subsequent_indent="      "))
    return "\n".join(paragraphs)


def _document(entry: Entry) -> dict[str, str | None]:
    return {
        "code": entry.code,
        "title": entry.title,
        "why": entry.why,
        "mend": entry.mend,
        "severity": entry.severity,
    }
