"""The sample's fronts, chip errors and decisions; every number is invented."""

import polars as pl

from pipelines.exploration.designs.interactivity import SCHEMA
from pipelines.report.content import HistoryRow

CHIPS = (
    ("h100-sxm", "baseline", 1.0),
    ("6 HBM stacks, 96 MB L2", "recommended", 1.22),
    ("a100-sxm-80", "real chip", 0.5),
    ("h200-sxm", "real chip", 1.15),
    ("b200-sxm", "real chip", 1.6),
    ("mi300x", "real chip", 0.9),
)


def interactivity() -> pl.DataFrame:
    rows = []
    for llm, ease in (("gpt-oss-120b", 1.0), ("qwen3-next-80b-a3b", 1.3)):
        for chip, kind, strength in CHIPS:
            for power in range(7):
                speed = 30.0 * 1.6**power * strength
                tokens = 4.0e6 * strength * ease / 1.9**power
                rows.append(
                    {
                        "chip": chip,
                        "kind": kind,
                        "llm": llm,
                        "input_tokens": 1800,
                        "output_tokens": 320,
                        "precision": "fp8",
                        "tp_count": 2,
                        "ep_count": 1,
                        "attention_dp_count": 1,
                        "batch_count": 2 ** (7 - power),
                        "tokens_per_s_per_user": speed,
                        "tokens_per_usd": tokens,
                        "tokens_per_usd_low": tokens * 0.7,
                        "tokens_per_usd_high": tokens * 1.4,
                        "tokens_per_j": tokens / 1e6,
                    }
                )
    return pl.DataFrame(rows, schema=SCHEMA)


def chip_errors() -> pl.DataFrame:
    rows = [
        {
            "chip": chip,
            "phase": phase,
            "rows_count": 500,
            "median_ratio": 0.97 + 0.01 * at,
            "mean_error_ratio": 0.11 + 0.02 * at,
            "p90_error_ratio": 0.27 + 0.02 * at,
        }
        for chip in ("a100-sxm-80", "h100-sxm", "h200-sxm")
        for at, phase in enumerate(("products", "prefill attention", "decode attention"))
    ]
    return pl.DataFrame(rows, schema_overrides={"rows_count": pl.UInt32})


def decisions() -> tuple[HistoryRow, ...]:
    return (
        decision(1, "d-17a2", "accepted", ("2026-11-04 09:12 UTC, accepted: fits the next tape-out",)),
        decision(2, "d-09ce", "proposed", ()),
    )


def decision(rank: int, design_id: str, status: str, told: tuple[str, ...]) -> HistoryRow:
    return HistoryRow(
        run_id="2026-11-03-7f3a",
        dataset="synthetic",
        baseline="h100-sxm",
        started_at="2026-11-03 08:00 UTC",
        rank=rank,
        design_id=design_id,
        change="hbm stacks 5 to 6",
        predicted_ratio=1.21,
        low_ratio=1.14,
        high_ratio=1.28,
        evaluated_ratio=1.23,
        status=status,
        decisions=told,
    )
