"""What the hardware half looks at: demand, patience and policy of the days of a run, read from the lake."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from featurize import PeakWindow, peak_window
from hwmodel.design import FULL_CELL
from hwmodel.serving.explained import FIT_DAYS_COUNT
from pipelines.errors import BadInput
from pipelines.lake_days import read_days
from pipelines.policy import serving_policy
from warehouse.lake import Lake

OBSERVED_COLUMNS = (
    "call_id", "cache_read_tokens", "output_tokens", "queue_s", "ttft_s", "duration_s", "status",
)  # fmt: skip
PEAK_WINDOW_S = int(FULL_CELL.window_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopInputs:
    """Frames of the days of a run."""

    days: tuple[date, ...]
    demand: pl.DataFrame
    """Contract `DemandCalls`."""
    observed: pl.DataFrame
    """What the telemetry of the last days says about times; see `observed_calls` of `hwmodel.serving.explained`."""
    abandonment: pl.DataFrame
    """Contract `AbandonmentCurve`."""
    policy: pl.DataFrame
    """Contract `ServingPolicy`."""
    forecast: pl.DataFrame
    """Contract `DemandForecast`, as of the last day; no rows where the history is too short."""
    peak: PeakWindow


def loop_inputs(lake: Lake, days: Sequence[date], *, llm: str | None) -> LoopInputs:
    """Read the demand of these days, all days of the data set if none are named.

    Raises:
        BadInput: The lake holds no demand for them.
    """
    chosen = tuple(days) or tuple(lake.days("demand_calls"))
    demand = read_days(lake, "demand_calls", chosen).collect() if chosen else pl.DataFrame()
    if demand.is_empty():
        raise BadInput(f"data set {lake.dataset} holds no demand for the days asked for; run `scoville run` first")
    return LoopInputs(
        days=chosen,
        demand=demand,
        observed=observed_times(lake, chosen),
        abandonment=read_days(lake, "abandonment_curve", chosen).collect(),
        policy=serving_policy(llm=llm),
        forecast=read_days(lake, "demand_forecast", [max(chosen)]).collect(),
        peak=peak_window(demand.lazy(), window_s=PEAK_WINDOW_S),
    )


def observed_times(lake: Lake, days: Sequence[date]) -> pl.DataFrame:
    """What the telemetry says about times, for the last days of a run: as many as the comparison looks at."""
    last = sorted(days)[-FIT_DAYS_COUNT - 1 :]
    return read_days(lake, "model_calls", last).select(OBSERVED_COLUMNS).collect()
