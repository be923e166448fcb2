"""Commands of the catalogue: what is known of a chip, and how chips compare."""

import json
from typing import Annotated

import typer

from pipelines.cli.exits import told

PANEL = "Hardware"

chips = typer.Typer(help="Chips of the catalogue: numbers with kind and source, and what the models make of them.")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    chips.command("list")(list_chips)
    chips.command("show")(show)
    chips.command("compare")(compare)
    app.add_typer(chips, name="chip", rich_help_panel=PANEL, no_args_is_help=True)


Estimates = Annotated[bool, typer.Option("--allow-estimates", help="Let numbers that nobody published stand in.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@told
def list_chips(as_json: AsJson = False) -> None:
    """List every chip: its lane, and whether it can be a design."""
    from pipelines.chip_view import chip_rows  # noqa: PLC0415 - keeps --help fast

    _print(chip_rows(), as_json=as_json)


@told
def show(
    chip_id: Annotated[str, typer.Argument(metavar="ID")], allow_estimates: Estimates = False, as_json: AsJson = False
) -> None:
    """Show every number of a chip with its kind and source, and its area, cost and power where they can be told."""
    from pipelines.chip_view import fact_rows, physical_rows, unknown_numbers  # noqa: PLC0415

    facts = fact_rows(chip_id, allow_estimates=allow_estimates)
    unknown = unknown_numbers(chip_id, allow_estimates=allow_estimates)
    physical, refusals = physical_rows([chip_id], allow_estimates=allow_estimates)
    if as_json:
        whole = {"facts": facts, "not_public": unknown, "physical": physical, "refusals": refusals}
        typer.echo(json.dumps(whole, indent=2))
        return
    _print(facts, as_json=False)
    _print(physical, as_json=False)
    for line in (*([f"not public: {'; '.join(unknown)}"] if unknown else []), *refusals):
        typer.echo(line)


@told
def compare(
    chip_ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    allow_estimates: Estimates = False,
    as_json: AsJson = False,
) -> None:
    """Compare chips: their numbers side by side, then area, cost and power by the physical model."""
    from pipelines.chip_view import comparison_rows, physical_rows  # noqa: PLC0415

    rows = comparison_rows(chip_ids, allow_estimates=allow_estimates)
    physical, refusals = physical_rows(chip_ids, allow_estimates=allow_estimates)
    if as_json:
        typer.echo(json.dumps({"numbers": rows, "physical": physical, "refusals": refusals}, indent=2))
        return
    _print([*rows, *physical], as_json=False)
    for line in refusals:
        typer.echo(line)


def _print(rows: list[dict[str, str]], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    if not rows:
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name)
    for row in rows:
        table.add_row(*(row.get(name, "") for name in columns))
    Console().print(table)
