"""Commands of the loop: run it, decide on what it recommends, look at it."""

import json
import os
import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.exits import FINDINGS, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.generations import GenerationPlan
    from pipelines.run_loop import RunSummary
    from pipelines.source import Source

PANEL = "The loop"
RUN_EXAMPLES = """
[bold]Examples[/bold]

  scoville run
  scoville run --days 1 --calls-per-day 5000 --surfaces codex_loop
  scoville run --surfaces codex_loop=0.7,api_burst=0.3
  scoville run --generations 3 --elasticity 0.5
  scoville run --trace azure:traces/AzureLLMInferenceTrace_conv.csv
"""


RECOMMEND_EXAMPLES = """
[bold]Examples[/bold]

  scoville recommend
  scoville recommend --baseline mi300x --days 7
  scoville recommend --run 20261123-211809-synthetic --out review
"""


class Verdict(StrEnum):
    """What can be decided on a recommendation."""

    ACCEPT = "accept"
    REJECT = "reject"


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("run", rich_help_panel=PANEL, epilog=RUN_EXAMPLES)(run)
    app.command("recommend", rich_help_panel=PANEL, epilog=RECOMMEND_EXAMPLES)(recommend)
    app.command("report", rich_help_panel=PANEL)(report)
    app.command("decide", rich_help_panel=PANEL)(decide)
    app.command("ui", rich_help_panel=PANEL)(ui)


@told
def run(  # noqa: PLR0917 - typer asks for each option
    days: Annotated[int, typer.Option(min=1, max=366, help="Days to simulate.")] = 3,
    calls_per_day: Annotated[int, typer.Option(min=1, help="Model calls of a working day, all surfaces.")] = 75_000,
    seed: Annotated[int, typer.Option(min=0, help="Root of all random numbers.")] = 7,
    first_day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First simulated UTC day.")] = None,
    surfaces: Annotated[
        str, typer.Option(help="Surfaces, with their shares of the calls if wanted: a=0.7,b=0.3.")
    ] = "",
    trace: Annotated[str, typer.Option(metavar="FORMAT:PATH", help="Take a real trace instead of simulating.")] = "",
    baseline: Annotated[
        str, typer.Option(metavar="CHIP|RUN:RANK", help="Chip in service, or a design that a run recommended.")
    ] = "h100-sxm",
    model: Annotated[str, typer.Option(metavar="LLM", help="Serve every surface by this LLM (default: policy).")] = "",
    allow_estimates: Annotated[bool, typer.Option(help="Let numbers that nobody published stand in.")] = False,
    generations: Annotated[int, typer.Option(min=1, help="Runs in a chain, each on the design accepted before.")] = 1,
    elasticity: Annotated[
        float, typer.Option(min=0.0, help="Factor on the declared elasticities of demand; 0: demand does not answer.")
    ] = 1.0,
    features_only: Annotated[bool, typer.Option("--features-only", help="Stop before the hardware half.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Run the whole loop: telemetry, features, and what can be said of the hardware."""
    from pipelines.cli.progress import shown_progress  # noqa: PLC0415 - keeps --help fast
    from pipelines.generations import GenerationPlan, run_generations  # noqa: PLC0415
    from pipelines.requests import checked_hardware, simulated, traced  # noqa: PLC0415
    from pipelines.run_loop import RunRequest  # noqa: PLC0415
    from pipelines.settings import read_settings  # noqa: PLC0415

    settings = read_settings(os.environ)
    checked_hardware(settings.home, baseline, model, allow_estimates=allow_estimates)
    source: Source = (
        traced(trace, surface=surfaces)
        if trace
        else simulated(days=days, calls_per_day=calls_per_day, seed=seed, first_day=first_day, surfaces=surfaces)
    )
    request = RunRequest(
        settings=settings,
        source=source,
        baseline=baseline,
        llm=model or None,
        allow_estimates=allow_estimates,
        features_only=features_only,
    )
    plan = GenerationPlan(count=generations, elasticity_ratio=elasticity)
    with shown_progress(quiet=as_json) as progress:
        summaries = run_generations(request, plan, progress)
    _print(summaries, plan, as_json=as_json)
    if any(summary.failed_checks for summary in summaries):
        raise typer.Exit(FINDINGS)


@told
def recommend(  # noqa: PLR0917 - typer asks for each option
    home: Annotated[Path | None, typer.Option(help="State folder (default: SCOVILLE_HOME, else .scoville).")] = None,
    baseline: Annotated[
        str, typer.Option(metavar="CHIP|RUN:RANK", help="Chip in service, or a design that a run recommended.")
    ] = "h100-sxm",
    days: Annotated[int | None, typer.Option(min=1, help="The last so many days of it (default: all).")] = None,
    run_id: Annotated[str, typer.Option("--run", metavar="RUN", help="Data set, days, seed of an earlier run.")] = "",
    dataset: Annotated[str, typer.Option(help="Data set of the lake (default: the simulated one).")] = "",
    seed: Annotated[
        int | None, typer.Option(min=0, help="Root of all random numbers (default: that of the data set's last run).")
    ] = None,
    model: Annotated[
        str, typer.Option("--model", "--llm", metavar="LLM", help="Serve every surface by this LLM (default: policy).")
    ] = "",
    allow_estimates: Annotated[bool, typer.Option(help="Let numbers that nobody published stand in.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Copy the report with its data here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Search design changes for telemetry that is in the lake, evaluate them again in full, explain them.

    A command that was cut off goes on where it stopped if it is given again: finished replays are in the ledger.
    """
    from pipelines.cli.progress import shown_progress  # noqa: PLC0415 - keeps --help fast
    from pipelines.generations import GenerationPlan  # noqa: PLC0415
    from pipelines.requests import checked_hardware  # noqa: PLC0415
    from pipelines.run_loop import RunRequest, run_loop  # noqa: PLC0415
    from pipelines.settings import HOME_VARIABLE, read_settings  # noqa: PLC0415
    from pipelines.stored import Wanted, stored_source  # noqa: PLC0415

    settings = read_settings({**os.environ, **({HOME_VARIABLE: str(home)} if home else {})})
    source = stored_source(settings.home, Wanted(dataset=dataset, days_count=days, run_id=run_id, seed=seed))
    checked_hardware(settings.home, baseline, model, allow_estimates=allow_estimates)
    request = RunRequest(
        settings=settings, source=source, baseline=baseline, llm=model or None, allow_estimates=allow_estimates
    )
    with shown_progress(quiet=as_json) as progress:
        summary = run_loop(request, progress)
    if out is not None and summary.report is not None:
        shutil.copytree(summary.report.parent, out, dirs_exist_ok=True)
        summary = replace(summary, report=out / summary.report.name)
    _print([summary], GenerationPlan(count=1), as_json=as_json)
    if summary.failed_checks:
        raise typer.Exit(FINDINGS)


def _print(summaries: "Sequence[RunSummary]", plan: "GenerationPlan", *, as_json: bool) -> None:
    """One summary as it is; those of a chain as a list."""
    from pipelines.cli.summary import summary_json, summary_table  # noqa: PLC0415

    if as_json:
        told = [summary_json(summary) for summary in summaries]
        typer.echo(json.dumps(told[0] if plan.count == 1 else {"generations": told}, indent=2))
        return
    from rich.console import Console  # noqa: PLC0415

    console = Console()
    for summary in summaries:
        console.print(summary_table(summary))
    if len(summaries) < plan.count:
        console.print(f"generation {len(summaries)} recommends no change: the chain ends here")


@told
def report(run_id: Annotated[str, typer.Argument(metavar="RUN", help="Run, as its summary names it.")]) -> None:
    """Render the report of a run again."""
    from pipelines.exploration.telling import render_again  # noqa: PLC0415
    from pipelines.settings import read_settings  # noqa: PLC0415

    typer.echo(render_again(read_settings(os.environ).home, run_id).html)


@told
def decide(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Run, as its summary names it.")],
    design: Annotated[str, typer.Argument(metavar="ID", help="Rank or design id of the recommendation.")],
    verdict: Annotated[Verdict, typer.Argument(help="What was decided.")],
    why: Annotated[str, typer.Option(help="The reason, in your words.")],
) -> None:
    """Record what became of a recommendation."""
    from pipelines.exploration.lineage import render_history_page  # noqa: PLC0415
    from pipelines.home import prepare_home  # noqa: PLC0415
    from pipelines.resources import LedgerResource  # noqa: PLC0415
    from pipelines.settings import read_settings  # noqa: PLC0415
    from warehouse.ledger import RecommendationStatus  # noqa: PLC0415

    home = read_settings(os.environ).home
    status = RecommendationStatus.ACCEPTED if verdict is Verdict.ACCEPT else RecommendationStatus.REJECTED
    with LedgerResource(home=str(home)).opened() as ledger:
        decided = ledger.decide(run_id, design, status=status, why=why, at=datetime.now(UTC))
        history = render_history_page(ledger, prepare_home(home).reports)
    typer.echo(f"recommendation {decided.rank} ({decided.design_id}) of run {run_id} is {decided.status.value}")
    typer.echo(str(history))


@told
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Open the Dagster UI and its daemon (schedules, landing sensor) on this machine only."""
    from pipelines.home import prepare_home  # noqa: PLC0415
    from pipelines.settings import HOME_VARIABLE, read_settings  # noqa: PLC0415
    from pipelines.ui import become_ui  # noqa: PLC0415

    home = read_settings(os.environ).home
    folders = prepare_home(Path(home))
    typer.echo(f"http://127.0.0.1:{port}  (state: {home}; Ctrl-C ends it)")
    sys.stdout.flush()
    become_ui({**os.environ, HOME_VARIABLE: str(home)}, dagster_home=folders.dagster, port=port)
