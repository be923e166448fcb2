"""Fits how much of the prompt before a prompt shares."""

import numpy as np
import polars as pl

from telemetry_sim.fit.calls import TraceCalls
from telemetry_sim.fit.mixture_fit import fit_law
from telemetry_sim.fitted.surface import PrefixLaw

TAIL_KEPT_RATIO = 0.8
"""Assumed: a shrunk prompt that keeps this share of itself was not rewritten, but ends otherwise."""
BLOCK_SIZES = (1024, 512, 256, 128, 64, 32, 16, 1)


def block_of(shared: "np.ndarray") -> int:
    """Largest usual block that nearly all shared lengths are whole numbers of."""
    for size in BLOCK_SIZES:
        if np.mean(shared % size == 0) >= 0.95:
            return size
    return 1


def fit_prefix(trace: TraceCalls) -> PrefixLaw | None:
    """Sharing with the prompt before; None where the trace does not tell."""
    if "shared_prefix_tokens" not in trace.told:
        return None
    told = trace.main.filter(pl.col("shared_prefix_tokens").is_not_null())
    shared = told["shared_prefix_tokens"].to_numpy()
    block = block_of(shared[shared > 0]) if np.any(shared > 0) else 1
    opening = told.filter(pl.col("place") == 0)["shared_prefix_tokens"].to_numpy().astype(np.float64)
    steps = told.filter(pl.col("place") > 0).with_columns(both=pl.min_horizontal("input_tokens", "before_input_tokens"))
    shrank = steps.filter(pl.col("growth_tokens") < 0)
    rewritten = shrank.filter(pl.col("shared_prefix_tokens") < TAIL_KEPT_RATIO * pl.col("both"))
    shrunk = rewritten["shared_prefix_tokens"].to_numpy().astype(np.float64)
    grown = steps.filter(pl.col("growth_tokens") >= 0)
    lost = (grown["both"] - grown["shared_prefix_tokens"]).to_numpy()
    is_cut = lost > block
    lost_ratio = (lost / np.maximum(grown["both"].to_numpy(), 1))[is_cut]
    return PrefixLaw(
        block_tokens=block,
        opening_tokens=fit_law(opening, grid=float(block), most_components=4),
        cut_ratio=float(is_cut.mean()) if len(is_cut) else 0.0,
        cut_lost_ratio=fit_law(np.maximum(lost_ratio, 0.001), grid=0.001, most_components=4)
        if is_cut.sum() >= 5
        else None,
        shrunk_kept_tokens=fit_law(shrunk, grid=float(block), most_components=4) if len(shrunk) >= 5 else None,
        shrunk_tail_ratio=1.0 - rewritten.height / max(shrank.height, 1),
    )
