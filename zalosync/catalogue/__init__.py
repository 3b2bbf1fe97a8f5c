"""Every code and finding that zalosync can name, with why it exists and how it is mended: data, no logic.

Codes go by what they are about: ZS1xx the shape of specs and the files of a project, ZS2xx their meaning,
ZS3xx audiences and templates, ZS5xx plans and reading the provider, ZS6xx the ledger and runs, ZS8xx what
the provider refuses. Findings have names in words, and a severity that policies may change under `rules`.
A code is never given a second meaning.
"""

from collections.abc import Mapping

from zalosync.catalogue import audiences, findings, provider, running, specs
from zalosync.catalogue.entry import Entry

__all__ = ["CATALOGUE", "FINDINGS", "Entry"]

CATALOGUE: Mapping[str, Entry] = {
    entry.code: entry
    for entries in (
        specs.FILES,
        specs.YAML,
        specs.SHAPE,
        specs.MEANING,
        specs.PINNED,
        audiences.AUDIENCES,
        audiences.TEMPLATES,
        running.PLANS,
        running.LEDGER,
        running.RUNS,
        provider.PROVIDER,
        findings.FINDINGS,
    )
    for entry in entries
}
FINDINGS: Mapping[str, Entry] = {entry.code: entry for entry in findings.FINDINGS}
