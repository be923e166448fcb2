"""Commands of telemetry: take a trace into the lake, or write simulated telemetry as files."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core
from rich.markup import escape

from pipelines.cli.exits import told

PANEL = "Telemetry"


class WithFormats(typer.core.TyperCommand):
    """A command whose help ends with the table of trace formats, which is read only when help is asked for."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Writes the help, formats last."""
        from warehouse.ingest import described_formats  # noqa: PLC0415 - keeps other help fast

        self.epilog = "[bold]Formats[/bold]\n\n" + escape(described_formats()).replace("\n", "\n\n")
        super().format_help(ctx, formatter)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("ingest", rich_help_panel=PANEL, cls=WithFormats)(ingest)
    app.command("simulate-telemetry", rich_help_panel=PANEL)(simulate_telemetry)


@told
def ingest(
    format_name: Annotated[str, typer.Argument(metavar="FORMAT", help="One of the formats below.")],
    path: Annotated[Path, typer.Argument(help="Trace file, or for some formats a folder.")],
    surface: Annotated[str, typer.Option(help="Surface of its calls (default: the format's own).")] = "",
    dataset: Annotated[str, typer.Option(help="Data set that takes the rows (default: one for this content).")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Take a trace into the lake; bad rows go to quarantine with their rule."""
    from pipelines.drive import run_ingest  # noqa: PLC0415 - keeps --help fast
    from pipelines.resources import trace_source  # noqa: PLC0415
    from pipelines.settings import read_settings  # noqa: PLC0415

    source = trace_source(format_name, path.expanduser().absolute(), surface, dataset)
    name = run_ingest(read_settings(os.environ), source)
    read = source.read()
    rules = dict(read.quarantine.group_by("rule").len().sort("rule").iter_rows())
    counts = {"calls": read.model_calls.height, "sessions": read.sessions.height, "quarantined": read.quarantine.height}
    if as_json:
        days = [day.isoformat() for day in source.days()]
        typer.echo(json.dumps({"dataset": name, "days": days, **counts, "quarantined_by_rule": rules}, indent=2))
        return
    typer.echo(f"{name}: {', '.join(f'{count:,} {what}' for what, count in counts.items())}")
    for rule, count in rules.items():
        typer.echo(f"  quarantined by {rule}: {count:,}")
    for note in read.notes:
        typer.echo(f"  {note}")


@told
def simulate_telemetry(  # noqa: PLR0917 - typer asks for each option
    out: Annotated[Path, typer.Option(help="Folder that gets model_calls, tool_calls and sessions as Parquet.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="Days to simulate.")] = 3,
    calls_per_day: Annotated[int, typer.Option(min=1, help="Model calls of a working day, all surfaces.")] = 75_000,
    seed: Annotated[int, typer.Option(min=0, help="Root of all random numbers.")] = 7,
    first_day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First simulated UTC day.")] = None,
    surfaces: Annotated[
        str, typer.Option(help="Surfaces, with their shares of the calls if wanted: a=0.7,b=0.3.")
    ] = "",
    export: Annotated[
        str, typer.Option(metavar="FORMAT", help="Also write a load file for a real server: mooncake or aiperf.")
    ] = "",
    tables: Annotated[bool, typer.Option(help="Whether the Parquet files are written.")] = True,
    fitted: Annotated[
        Path | None, typer.Option(help="Play this parameter file of `scoville fit` instead, once, over its own span.")
    ] = None,
    latency: Annotated[
        Path | None,
        typer.Option(help="Serve calls as measured in this Parquet file instead of by the incumbent's laws."),
    ] = None,
) -> None:
    """Write simulated telemetry as Parquet files, one per table and day, without touching the lake.

    A load file of mooncake has every call at its time; one of aiperf has conversations, for AIPerf's
    --custom-dataset-type mooncake_trace --fixed-schedule.
    """
    from pipelines.export import export_telemetry  # noqa: PLC0415
    from pipelines.requests import load_format_named, simulated  # noqa: PLC0415

    load_format = load_format_named(export) if export else None
    if fitted is not None:
        from pipelines.fitted_export import export_fitted  # noqa: PLC0415

        for path, count in export_fitted(fitted.expanduser(), out, seed=seed, load_format=load_format, tables=tables):
            typer.echo(f"{path}: {count:,} rows")
        return
    served = latency.expanduser().absolute() if latency else None
    source = simulated(
        days=days, calls_per_day=calls_per_day, seed=seed, first_day=first_day, surfaces=surfaces, latency=served
    )
    for path, count in export_telemetry(source, out, load_format=load_format, tables=tables):
        typer.echo(f"{path}: {count:,} rows")
