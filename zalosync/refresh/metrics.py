"""What the receiver counts, in the text format of Prometheus (0.0.4): a few lines, no library."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Counts:
    """Since the process began. For one thread.

    Attributes:
        requests: by status code.
        reports: that were put aside or are nobody's, by why.
        last: Unix seconds of the last report that was stored, or 0.
    """

    requests: Counter[int] = field(default_factory=Counter)
    reports: Counter[str] = field(default_factory=Counter)
    last: int = 0


ASIDE = ("foreign", "forged", "unusable")


def exposition(counts: Counts, *, stored: int, repeated: int, waiting: int, healthy: bool) -> str:
    """The page of `/metrics`."""
    reports = {"stored": stored, "repeated": repeated} | {fate: counts.reports[fate] for fate in ASIDE}
    families = (
        _family(
            "zalosync_webhook_requests_total",
            "counter",
            "Requests, by the status they were answered with.",
            {f'{{code="{code}"}}': count for code, count in sorted(counts.requests.items())},
        ),
        _family(
            "zalosync_webhook_reports_total",
            "counter",
            "Reports, by what became of them.",
            {f'{{fate="{fate}"}}': count for fate, count in reports.items()},
        ),
        _family(
            "zalosync_webhook_last_report_timestamp_seconds",
            "gauge",
            "When a report was last stored.",
            {"": counts.last},
        ),
        _family("zalosync_inbox_reports", "gauge", "Reports that wait to be merged.", {"": waiting}),
        _family("zalosync_webhook_healthy", "gauge", "Whether reports can be stored.", {"": int(healthy)}),
    )
    return "".join(line + "\n" for family in families for line in family)


def _family(name: str, kind: str, words: str, samples: Mapping[str, int]) -> Iterator[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples.items():
        yield f"{name}{labels} {value}"
