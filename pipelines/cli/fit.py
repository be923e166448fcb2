"""The command that fits a surface to a trace and says how close it came."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.exits import told

PANEL = "Telemetry"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("fit", rich_help_panel=PANEL)(fit)


@told
def fit(  # noqa: PLR0917 - typer asks for each option
    format_name: Annotated[
        str, typer.Argument(metavar="FORMAT", help="Trace format: azure, weka, mooncake, servegen ...")
    ],
    path: Annotated[Path, typer.Argument(help="Trace file or folder; servegen: file#MODEL chooses a model.")],
    surface: Annotated[str, typer.Option(help="Product surface of its calls (default: the format's own).")] = "",
    name: Annotated[str, typer.Option(help="Name of the fitted surface (default: the file's).")] = "",
    seed: Annotated[int, typer.Option(min=0, help="Root of splits and draws.")] = 7,
    out: Annotated[Path, typer.Option(help="Folder that gets the parameter file and the report.")] = Path("fitted"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the fidelity as JSON.")] = False,
) -> None:
    """Fit a surface to a trace; write its parameter file and how close it comes to the real thing."""
    from pipelines.fit import fit_trace, write_fit  # noqa: PLC0415 - keeps --help fast
    from pipelines.fit.run import fidelity_json  # noqa: PLC0415
    from pipelines.fit.table import COLUMNS, cells_of, verdict  # noqa: PLC0415

    outcome = fit_trace(format_name, path.expanduser(), surface=surface, name=name, seed=seed)
    files = write_fit(outcome, out)
    if as_json:
        typer.echo(json.dumps(fidelity_json(outcome, files.parameter_bytes), indent=2, allow_nan=False))
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(title=f"{outcome.name}: {outcome.source}", title_justify="left")
    for at, (head, _) in enumerate(COLUMNS):
        table.add_column(head, justify="left" if at == 0 else "right", no_wrap=True)
    for measure in outcome.fidelity.measures:
        table.add_row(*cells_of(measure))
    Console(width=170).print(table)
    typer.echo(verdict(outcome.fidelity.measures))
    typer.echo(f"{files.parameters} ({files.parameter_bytes:,} bytes), {files.fidelity}, {files.page}")
