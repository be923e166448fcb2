"""Commands of serving: when each call of a trace gets its tokens, and what a chip can trade for what."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.exits import told

PANEL = "Serving"
COLUMNS = (
    ("TP", 4, "tp_count", "d"),
    ("EP", 4, "ep_count", "d"),
    ("DP", 4, "attention_dp_count", "d"),
    ("format", 8, "precision", "s"),
    ("batch", 7, "batch_count", "d"),
    ("tok/s/user", 12, "tokens_per_s_per_user", ",.1f"),
    ("tok/s/chip", 12, "tokens_per_s_per_chip", ",.1f"),
    ("TTFT s", 9, "ttft_s", ".3f"),
    ("tok/s/MW", 12, "tokens_per_s_per_mw", ",.0f"),
    ("$/Mtok", 9, "usd_per_million_tokens", ".3f"),
    ("low", 9, "usd_low_per_million_tokens", ".3f"),
    ("high", 9, "usd_high_per_million_tokens", ".3f"),
)
SHOWN = (("TTFT", "ttft_s"), ("TPOT", "tpot_s"), ("E2E", "e2e_s"))


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("serve", rich_help_panel=PANEL)(serve)
    app.command("pareto", rich_help_panel=PANEL)(pareto)


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
    goodput: Annotated[
        str | None,
        typer.Option(
            metavar="TTFT_S,TPOT_S[,TARGET]",
            help="Also find the largest request rate at which a share of the calls (0.9 if not said) keeps both.",
        ),
    ] = None,
    perfetto: Annotated[
        Path | None, typer.Option(help="Also write the run as trace events for ui.perfetto.dev.")
    ] = None,
    window: Annotated[
        str | None, typer.Option(metavar="START_S,END_S", help="Part of the run that the trace events show.")
    ] = None,
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
        goodput=goodput,
        picture=perfetto,
        window=window,
    )
    summary = serve_file(asked)
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
        return
    counts = f"{summary['iterations']:,} iterations, {summary['calls']:,} calls, {summary['preemptions']:,} preemptions"
    typer.echo(f"{counts}: {out}")
    for name, key in SHOWN:
        typer.echo(f"{name:5}{_told(summary[key])}")
    if goodput is not None:
        typer.echo(_goodput_line(summary["goodput"]))


@told
def pareto(  # noqa: PLR0917 - typer asks for each option
    chip: Annotated[str, typer.Option(help="Id of a chip; `scoville chip list` prints them.")],
    model: Annotated[str, typer.Option(help="Id of an LLM.")],
    input_tokens: Annotated[int, typer.Option(help="Prompt of every call.")],
    output_tokens: Annotated[int, typer.Option(help="Answer of every call, at least 2.")],
    max_batched_tokens: Annotated[int, typer.Option(help="Token budget of a step.")] = 2048,
    max_batch: Annotated[int, typer.Option(help="Most calls on a replica; powers of two up to it are tried.")] = 512,
    price_basis: Annotated[str, typer.Option(help="in_house or merchant.")] = "in_house",
    every: Annotated[bool, typer.Option("--all", help="Print dominated points, too.")] = False,
    allow_estimates: Annotated[bool, typer.Option(help="Let numbers that nobody published stand in.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all points as JSON, dominated ones marked.")] = False,
) -> None:
    """Trade throughput for speed: ranks, experts, batch and format of one chip and LLM, in closed form.

    Tokens are output tokens; megawatts are at the meter with chips at their TDP.
    """
    from hwmodel.serving.outcomes import Workload  # noqa: PLC0415 - keeps --help fast
    from pipelines.serving_outcomes import Traded, point_row, trade  # noqa: PLC0415

    points, no_dollars = trade(
        Traded(
            chip=chip,
            llm=model,
            workload=Workload(input_tokens=input_tokens, output_tokens=output_tokens),
            max_batched_tokens=max_batched_tokens,
            most_batch=max_batch,
            price_basis=price_basis,
            allow_estimates=allow_estimates,
        )
    )
    rows = [point_row(point) for point in points]
    if as_json:
        typer.echo(json.dumps({"points": rows, "no_dollars": no_dollars}, indent=2))
        return
    typer.echo("".join(f"{name:>{width}}" for name, width, _, _ in COLUMNS))
    for row in rows:
        if every or not row["is_dominated"]:
            typer.echo("".join(_cell(row[key], width, form) for _, width, key, form in COLUMNS))
    if no_dollars:
        typer.echo(f"no dollars: {no_dollars}")


def _cell(value: Any, width: int, form: str) -> str:
    return f"{'-' if value is None else format(value, form):>{width}}"


def _goodput_line(found: dict[str, float]) -> str:
    return (
        f"goodput {found['requests_per_s']:.4g} requests/s ({found['load_ratio']:.4g} times the trace's rate): "
        f"{found['attainment_ratio']:.1%} of the calls keep {found['ttft_limit_s']:g} s and "
        f"{found['tpot_limit_s']:g} s; at {found['missed_requests_per_s']:.4g} requests/s "
        f"{found['missed_attainment_ratio']:.1%}, at the trace's own rate {found['trace_attainment_ratio']:.1%}"
    )


def _told(spread: dict[str, Any]) -> str:
    return "  ".join(
        f"{name} {'-' if spread[name] is None else f'{spread[name]:.6f} s'}" for name in ("p50", "p99", "mean")
    )
