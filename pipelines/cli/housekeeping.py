"""Commands that keep the state folder in order."""

import json
import os
from typing import Annotated

import typer

from pipelines.cli.exits import told

PANEL = "Housekeeping"


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
def bench(
    suite: Annotated[
        str, typer.Argument(help="telemetry, featurize, lake, timing-speed, serving-speed, or all.")
    ] = "all",
    full: Annotated[bool, typer.Option("--full", help="Measure also what takes minutes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Measure what the parts promise, each against a rival or a limit in the same process."""
    from dataclasses import asdict  # noqa: PLC0415 - keeps --help fast

    from pipelines.bench import run_suite  # noqa: PLC0415

    rows = run_suite(suite, full=full)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    for row in rows:
        beside = f"{row.value / row.against_value:.2f}x of {row.against}" if row.against_value else ""
        typer.echo(f"{row.suite:<14} {row.case:<28} {figure(row.value):>14} {row.unit:<18} {beside}")


def figure(value: float) -> str:
    """A measurement as it is printed: small ones with decimals."""
    return f"{value:,.2f}" if value < 100.0 else f"{value:,.0f}"
