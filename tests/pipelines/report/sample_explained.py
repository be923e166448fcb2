"""A plausible comparison of telemetry and replay for the sample report; every number is invented."""

from dataclasses import replace
from math import cos, pi

import polars as pl

from pipelines.report import ExplainedView
from warehouse.contracts import SURFACES


def explained(finding: str = "fails") -> ExplainedView:
    """A comparison with this finding in its first row."""
    tests = [
        ("profile of times", 1.31, 1.27, 1.35, 1.18, finding, "typical factor off the common factor"),
        ("order of surfaces by time to first token", 0.0014, 0.0014, 0.0014, 0.05, "holds", "all pairs agree"),
        ("order of surfaces by time per output token", None, None, None, 0.05, "untold", "too few pairs differ"),
        ("hours of the day", 0.71, 0.58, 0.84, 0.343, "holds", "rank correlation of 24 hours"),
    ]
    columns = ("name", "value", "low", "high", "limit", "finding", "said")
    hour = list(range(24))
    return ExplainedView(
        reason="",
        chip="h100-sxm",
        finding=finding,
        fit_days=("2026-11-01", "2026-11-02"),
        last_day="2026-11-03",
        host_step_s=0.002,
        unexplained_ratio=0.41,
        unserved_ratio=0.0003,
        pools=pl.DataFrame(
            {"llm": ["gpt-oss-120b", "qwen3-next-80b-a3b"], "tp_count": [2, 4], "replicas_ratio": [0.25, 0.5]}
        ),
        tests=pl.DataFrame(
            tests, schema=dict.fromkeys(columns, pl.String) | dict.fromkeys(columns[1:5], pl.Float64), orient="row"
        ),
        surfaces=pl.DataFrame(
            {
                "surface": list(SURFACES),
                "observed_ttft_s": [2.5, 1.0, 0.54, 1.1, 0.55, 9.1],
                "replayed_ttft_s": [0.9, 0.5, 0.2, 0.4, 0.21, 1.9],
                "observed_tpot_s": [0.017, 0.018, 0.013, 0.017, 0.013, 0.022],
                "replayed_tpot_s": [0.006, 0.0052, 0.0049, 0.021, 0.005, 0.006],
            }
        ),
        hours=pl.DataFrame(
            {
                "hour": hour,
                "observed_rank_ratio": [0.5 - 0.05 * cos(2.0 * pi * (h - 3) / 24.0) for h in hour],
                "replayed_rank_ratio": [0.5 - 0.03 * cos(2.0 * pi * (h - 4) / 24.0) for h in hour],
            }
        ),
    )


def untold() -> ExplainedView:
    """No comparison: one day only."""
    return ExplainedView.missing(chip="h100-sxm", reason="1 day of demand: a last day apart needs two days or more")


def held() -> ExplainedView:
    """A comparison whose tests hold."""
    return replace(explained("holds"), unexplained_ratio=0.97)
