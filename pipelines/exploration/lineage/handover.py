"""What the next generation is handed of an accepted design: the replicas that serve each LLM."""

from collections.abc import Sequence

import polars as pl

from hwmodel.design import Recommendation

HANDOVER_SCHEMA = {"llm": pl.String, "tp_count": pl.Int64, "replicas_ratio": pl.Float64}


def handover_frame(finalists: Sequence[Recommendation], *, traffic_ratio: float) -> pl.DataFrame:
    """Replicas of the best recommended design by LLM; no rows where none is recommended.

    Args:
        finalists: By re-evaluated value, the best first.
        traffic_ratio: Fleet traffic over the telemetry's; `replicas_ratio` is replicas per traffic of the telemetry.
    """
    best = next((each for each in finalists if each.is_recommended and each.evaluation is not None), None)
    pools = best.evaluation.pools if best is not None and best.evaluation is not None else ()
    rows = [
        {
            "llm": part.pool.llm.id,
            "tp_count": part.deployment.tp_count,
            "replicas_ratio": part.replicas_needed / traffic_ratio,
        }
        for part in pools
    ]
    return pl.DataFrame(rows, schema=HANDOVER_SCHEMA)
