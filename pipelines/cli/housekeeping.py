"""Commands that keep the state folder in order."""

import json
import os
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.exits import told
from pipelines.cli.lists import names_of

PANEL = "Housekeeping"

Told = tuple[list[str], list[dict[str, Any]]]
"""A result as lines for people and as rows for JSON."""


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("maintain", rich_help_panel=PANEL)(maintain)
    app.command("bench", rich_help_panel=PANEL)(bench)


@told
def maintain(as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False) -> None:
    """Forget snapshots older than 30 days that no run names, and delete files that no snapshot needs."""
    from pipelines.drive import run_maintenance  # noqa: PLC0415 - keeps --help fast
    from pipelines.settings import read_settings  # noqa: PLC0415

    done = run_maintenance(read_settings(os.environ))
    if as_json:
        typer.echo(json.dumps(done, indent=2))
    else:
        freed = done["freed_bytes"] / 1e6
        typer.echo(f"{done['snapshots']:,} snapshots forgotten, {done['files']:,} files deleted, {freed:,.1f} MB freed")


@told
def bench(  # noqa: PLR0917 - typer asks for each option
    suite: Annotated[
        str,
        typer.Argument(
            help="telemetry, featurize, ingest, lake, timing-speed, all of those; serving-speed; search; or, on "
            "measured tables, kernel-accuracy, design-change, kernel-rivals, board-power, physical, serving-accuracy "
            "or recommend."
        ),
    ] = "all",
    full: Annotated[bool, typer.Option("--full", help="Measure also what takes minutes.")] = False,
    data: Annotated[Path | None, typer.Option(help="Folder of measured kernel tables.")] = None,
    plots: Annotated[Path, typer.Option(help="Folder for the plots of kernel-accuracy.")] = Path("plots"),
    family: Annotated[str, typer.Option(help="Kernel families, by comma (default: all).")] = "",
    split: Annotated[str, typer.Option(help="What is held out: shape, chip, or both by comma.")] = "shape,chip",
    part: Annotated[str, typer.Option(help="Parts of recommend, by comma (default: all).")] = "",
    truth: Annotated[
        Path | None, typer.Option(help="Replayed designs that `search` is judged by; made there with --full.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Measure what the parts promise, each against a rival or a limit in the same process."""
    from pipelines.bench.measured import MEASURED, Asked, table_of  # noqa: PLC0415 - keeps --help fast

    if suite in MEASURED:
        asked = Asked(
            data=data,
            plots=plots,
            families=names_of(family),
            splits=names_of(split),
            parts=names_of(part),
            truth=truth,
            full=full,
        )
        rows = MEASURED[suite](asked, partial(typer.echo, err=True))
        lines = table_of(rows)
    else:
        lines, rows = _rates(suite, full=full)
    for line in [json.dumps(rows, indent=2)] if as_json else lines:
        typer.echo(line)


def _rates(suite: str, *, full: bool) -> Told:
    from pipelines.bench import run_suite  # noqa: PLC0415 - keeps --help fast

    rows = run_suite(suite, full=full)
    lines = []
    for row in rows:
        beside = f"{row.value / row.against_value:.2f}x of {row.against}" if row.against_value else ""
        lines.append(f"{row.suite:<14} {row.case:<28} {figure(row.value):>14} {row.unit:<18} {beside}")
    return lines, [asdict(row) for row in rows]


def figure(value: float) -> str:
    """A measurement as it is printed: small ones with decimals."""
    return f"{value:,.2f}" if value < 100.0 else f"{value:,.0f}"
