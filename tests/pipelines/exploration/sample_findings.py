"""Findings out of the report's sample content, for tests of what happens to findings; every number is invented."""

from datetime import date
from typing import Any

import polars as pl

from pipelines.exploration import Findings
from tests.pipelines.report.sample_content import sample_content


def sample_findings(**changes: Any) -> Findings:
    content = sample_content()
    taken: dict[str, Any] = {
        name: getattr(content, name)
        for name in (
            "hotspots",
            "service",
            "fleet",
            "explained",
            "roofs",
            "designs",
            "recommendations",
            "calibration",
            "robustness",
            "refused",
            "evidence",
            "interactivity",
            "chip_errors",
            "risks",
            "supply",
            "developers",
            "projects",
            "explanation",
        )
    }
    made: dict[str, Any] = {
        "step_bins": pl.DataFrame({"day": [date(2026, 6, 1)], "bin": [1], "busy_s": [2.5]}),
        "evaluations": pl.DataFrame(
            {"design_id": ["h100-sxm"], "late_ratio": [None]}, schema_overrides={"late_ratio": pl.Float64}
        ),
        "service_changes": pl.DataFrame(
            {"design_id": ["0f3a"], "surface": ["api_burst"], "price_ratio": [0.8], "latency_ratio": [0.9]}
        ),
        "handover": pl.DataFrame({"llm": ["gpt-oss-120b"], "tp_count": [2], "replicas_ratio": [0.04]}),
        "scored_count": 5516,
        "space_count": 12960,
        "replayed_count": 14,
        "bill_unexplained_ratio": 1e-6,
    }
    return Findings(**(taken | made | changes))
