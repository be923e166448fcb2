"""Commands of serving: when each call of a trace gets its tokens, and what a chip can trade for what."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.exits import told

PANEL = "Serving"
SHOWN = (("TTFT", "ttft_s"), ("TPOT", "tpot_s"), ("E2E", "e2e_s"))


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("serve", rich_help_panel=PANEL)(serve)


@told
def serve(  # noqa: PLR0917 - typer asks for each option
    trace: Annotated[Path, typer.Option(help="Vidur's CSV, or LLMServingSim's workload as Parquet.")],
    config: Annotated[Path, typer.Option(help="YAML of the engine; examples/serving has three.")],
    out: Annotated[Path, typer.Option(help="Parquet or CSV that gets one row per call.")],
    kernel_profile: Annotated[
        str | None, typer.Option(metavar="KIND:PATH", help="vidur:FILE or llmservingsim:DIR.")
    ] = None,
    chip: Annotated[str | None, typer.Option(help="Instead of a profile: id of a chip, with --model.")] = None,
    model: Annotated[str | None, typer.Option(help="Id of the LLM that the chip serves.")] = None,
    allow_estimates: Annotated[bool, typer.Option(help="Let numbers that nobody published stand in.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Serve a trace on measured kernels or on a chip of the catalogue.

    One row per call: call_id, queued_s, scheduled_s, first_token_s, last_token_s, preemptions, cached_tokens.

    Times are seconds on the trace's clock, not since the call's arrival.
    """
    from pipelines.serve import Served, serve_file  # noqa: PLC0415 - keeps --help fast

    asked = Served(
        trace=trace.expanduser(),
        config=config.expanduser(),
        target=out,
        kernel_profile=kernel_profile,
        chip=chip,
        llm=model,
        allow_estimates=allow_estimates,
    )
    summary = serve_file(asked)
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
        return
    counts = f"{summary['iterations']:,} iterations, {summary['calls']:,} calls, {summary['preemptions']:,} preemptions"
    typer.echo(f"{counts}: {out}")
    for name, key in SHOWN:
        typer.echo(f"{name:5}{_told(summary[key])}")


def _told(spread: dict[str, Any]) -> str:
    return "  ".join(
        f"{name} {'-' if spread[name] is None else f'{spread[name]:.6f} s'}" for name in ("p50", "p99", "mean")
    )
