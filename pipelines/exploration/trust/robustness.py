"""Does the winner change: the re-evaluated designs judged again with other values and other patience."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.design import AbandonmentModel, Evaluation, Recommendation, served_value
from pipelines.exploration.inputs import LoopInputs
from pipelines.report import RecommendationView
from warehouse.contracts import SURFACES

TODAY = "today"
"""The scenario as it is: the row that the what-ifs are held against."""
SCHEMA = {"scenario": pl.String, "winner": pl.String, "winner_gain_ratio": pl.Float64, "changed": pl.Boolean}


def robustness_frame(
    inputs: LoopInputs,
    baseline: Evaluation,
    finalists: Sequence[Recommendation],
    views: Sequence[RecommendationView],
) -> pl.DataFrame:
    """One row per what-if; the winner is the design with most value per dollar under it, the baseline included."""
    rivals = [("the baseline", baseline)] + [
        (view.title, r.evaluation) for r, view in zip(finalists, views, strict=True) if r.evaluation is not None
    ]
    rows = []
    usual = ""
    for scenario, values in _what_ifs(inputs, [e for _, e in rivals]):
        per_usd = np.array([value.sum() / e.tco_usd_per_h for value, (_, e) in zip(values, rivals, strict=True)])
        best = int(per_usd.argmax())
        usual = usual or rivals[best][0]
        rows.append(
            {
                "scenario": scenario,
                "winner": rivals[best][0],
                "winner_gain_ratio": float(per_usd[best] / per_usd[0] - 1.0),
                "changed": rivals[best][0] != usual,
            }
        )
    return pl.DataFrame(rows, schema=SCHEMA)


def _what_ifs(
    inputs: LoopInputs, evaluations: Sequence[Evaluation]
) -> Iterator[tuple[str, list[Float[np.ndarray, "surfaces"]]]]:
    """Value by surface of every evaluation under each what-if, today's first."""
    today = [e.value_by_surface for e in evaluations]
    yield TODAY, today
    served = np.flatnonzero(sum(today) > 0.0).tolist()
    for factor, word in ((0.5, "halved"), (2.0, "doubled")):
        yield from (
            (f"value of {SURFACES[surface]} {word}", [_reweighted(value, surface, factor) for value in today])
            for surface in served
        )
    patience = {
        "nobody leaves": AbandonmentModel.nobody_leaves(),
        "users leave at the low end": AbandonmentModel.of(inputs.abandonment, band="leave_low_ratio"),
        "users leave at the high end": AbandonmentModel.of(inputs.abandonment, band="leave_high_ratio"),
    }
    for name, model in patience.items():
        yield (
            name,
            [np.sum([served_value(p.pool, p.fleet.result, model) for p in e.pools], axis=0) for e in evaluations],
        )


def _reweighted(value: Float[np.ndarray, "surfaces"], surface: int, factor: float) -> Float[np.ndarray, "surfaces"]:
    changed = value.copy()
    changed[surface] *= factor
    return changed
