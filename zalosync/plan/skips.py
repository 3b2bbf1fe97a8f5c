"""The rows that a plan skips, as a list for whoever mends the audience: where and why, never who."""

import csv
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import polars as pl

from zalosync.audience.screen import Reason
from zalosync.compose.desired import CHUNK_ROWS
from zalosync.compose.inputs import opened_audience
from zalosync.compose.preview import Preview, look_at, why_not
from zalosync.plan.decide import Action
from zalosync.plan.shape import CampaignPlan, Plan
from zalosync.spec.loaded import LoadedProject

COLUMNS = ("campaign", "file", "line", "reason", "why")
SAMPLES = 3  # rows shown of each reason
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_skips(path: Path, project: LoadedProject, plan: Plan) -> int:
    """List every skipped row, in the order of the files; gives how many.

    Args:
        path: ends in `.csv` or `.jsonl`; written aside and renamed.
        project: whose audiences are read again, for the lines.
        plan: whose campaigns' inputs are open.
    """
    aside = path.with_name(path.name + ".new")
    count = 0
    with aside.open("w", encoding="utf-8", newline="") as file:
        write = _writer(file, path.suffix)
        for campaign in plan.campaigns:
            for row in skipped_rows(project, campaign):
                write(row)
                count += 1
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
    return count


def skipped_rows(project: LoadedProject, campaign: CampaignPlan) -> Iterator[dict[str, Any]]:
    """The skipped rows of a campaign, as `COLUMNS`; the line is a record's number in Parquet.

    A plan keeps no lines, so the audience is read again, as far as the last skipped row.
    """
    skipped, recipe = _skipped(campaign), campaign.prepared.recipe
    if skipped.is_empty():
        return
    with opened_audience(project, campaign.loaded) as opened:
        for chunk in opened.chunks(CHUNK_ROWS):
            end = chunk.first_row + chunk.frame.height
            mine = skipped.filter((pl.col("row") >= chunk.first_row) & (pl.col("row") < end))
            places = mine["row"] - chunk.first_row
            lines, spellings = chunk.lines.gather(places), chunk.frame[recipe.phone].gather(places)
            for line, number, why, spelling in zip(
                lines, mine["reason"], mine["why"], spellings, strict=True
            ):
                reason = Reason(number)
                yield {
                    "campaign": campaign.name,
                    "file": chunk.file,
                    "line": line,
                    "reason": reason.word,
                    "why": why_not(recipe, reason, why or "", spelling),
                }
            if skipped["row"][-1] < end:
                return


def skip_samples(project: LoadedProject, campaign: CampaignPlan) -> list[Preview]:
    """The first rows of each reason to skip, as they would be previewed, with the reason of the plan."""
    first = _skipped(campaign).unique(["row"], keep="first", maintain_order=True)
    first = first.group_by("reason", maintain_order=True).head(SAMPLES)
    rows = {
        row: (Reason(reason), why or "") for row, reason, why in first.select("row", "reason", "why").rows()
    }
    found = look_at(project, campaign.loaded, campaign.prepared.recipe, rows)
    told = (
        replace(each, reason=rows[each.row - 1][0], why=each.why or rows[each.row - 1][1]) for each in found
    )
    return sorted(told, key=lambda each: (each.reason, each.row))


def _skipped(campaign: CampaignPlan) -> pl.DataFrame:
    """Every skipped row: its number from 0, why, and why more closely, in the order of the rows."""
    return pl.concat([*campaign.prepared.desired.skipped(), _capped(campaign)]).sort("row", "reason")


def _capped(campaign: CampaignPlan) -> pl.DataFrame:
    """The rows whose messages a frequency cap holds back."""
    cursor = campaign.messages.cursor()
    found = [pl.DataFrame(schema={"row": pl.UInt64, "reason": pl.UInt8, "why": pl.String})]
    if campaign.messages.actions[Action.CAPPED]:
        for messages in campaign.prepared.desired.messages():
            actions = cursor.take(messages.height)["action"]
            rows = messages.filter(actions == int(Action.CAPPED)).select(
                "row",
                pl.lit(int(Reason.FREQUENCY_CAP), pl.UInt8).alias("reason"),
                pl.lit("", pl.String).alias("why"),
            )
            found.append(rows)
    return pl.concat(found)


def _writer(file: IO[str], suffix: str) -> Callable[[dict[str, Any]], object]:
    if suffix == ".jsonl":
        return lambda row: file.write(json.dumps(row, ensure_ascii=False) + "\n")
    rows = csv.writer(file, quoting=csv.QUOTE_ALL)
    rows.writerow(COLUMNS)
    return lambda row: rows.writerow([_cell(row[name]) for name in COLUMNS])


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
