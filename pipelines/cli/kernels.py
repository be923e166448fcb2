"""Commands of kernel times: predict them on a chip, and fit the models to silicon again."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.exits import told
from pipelines.cli.lists import names_of

PANEL = "Hardware"
PACKAGE = "aiconfigurator_core"

kernels = typer.Typer(help="Times of single kernels, with their intervals.")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    kernels.command("predict")(predict)
    app.add_typer(kernels, name="kernels", rich_help_panel=PANEL, no_args_is_help=True)
    app.command("calibrate", rich_help_panel=PANEL)(calibrate)


@told
def predict(  # noqa: PLR0917 - typer asks for each option
    chip: Annotated[str, typer.Option(help="Id of a chip; `scoville chip list` prints them.")],
    source: Annotated[Path, typer.Option("--in", help="Parquet or CSV with the key columns of one kernel family.")],
    target: Annotated[Path, typer.Option("--out", help="Parquet or CSV that gets the same rows with their times.")],
    leave_out: Annotated[str, typer.Option(help="Chips, by comma, that no fit may have seen.")] = "",
    calibration: Annotated[Path | None, typer.Option(help="Folder of another calibration.")] = None,
    allow_estimates: Annotated[bool, typer.Option(help="Let numbers that nobody published stand in.")] = False,
) -> None:
    """Time every kernel of a file: latency, its 90 % interval, the ideal bound, what binds, and the evidence."""
    from pipelines.kernels import Asked, predict_file  # noqa: PLC0415 - keeps --help fast

    asked = Asked(chip=chip, source=source.expanduser(), target=target, allow_estimates=allow_estimates)
    answered = predict_file(asked, leave_out=names_of(leave_out), calibration=calibration)
    timed = answered["latency_s"].is_not_null().sum()
    typer.echo(f"{timed:,} of {len(answered):,} kernels timed on {chip}: {target}")
    for reason, count in answered.filter(answered["latency_s"].is_null())["evidence"].value_counts().iter_rows():
        typer.echo(f"{count:,} not timed: {reason}")


@told
def calibrate(
    data: Annotated[
        Path | None, typer.Option(help="Folder of measured tables (default: the installed package).")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder that gets the calibration.")] = Path("calibration"),
) -> None:
    """Fit constants, corrections and intervals to measured kernel tables again."""
    from pipelines.kernels import calibrate_to  # noqa: PLC0415 - keeps --help fast

    calibrate_to(data or _package_folder(), out, source=str(data.name) if data else PACKAGE, told=typer.echo)
    typer.echo(f"calibration written to {out}; use it with `scoville kernels predict --calibration {out}`")


def _package_folder() -> Path:
    from pipelines.errors import BadInput  # noqa: PLC0415

    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise BadInput(f"{PACKAGE} is not installed; install scoville[silicon], or name a folder with --data")
    return Path(found.submodule_search_locations[0])
