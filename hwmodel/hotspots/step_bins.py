"""The counters of a replay as step states: what each bin's steps held on average, and which surface caused it."""

from dataclasses import dataclass

import dataframely as dy
import numpy as np
import polars as pl
from jaxtyping import Float, Int

from hwmodel.kernels import StepStates
from hwmodel.serving import Bins
from warehouse.contracts import StepBins

NS_PER_S = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBinTable:
    """Visited bins of one replay; every array has one entry per bin."""

    bin_id: Int[np.ndarray, "bins"]
    step_count: Float[np.ndarray, "bins"]
    busy_s: Float[np.ndarray, "bins"]
    states: StepStates
    """Mean step of each bin."""
    prefill_share: Float[np.ndarray, "bins surfaces"]
    """Of the bin's prompt tokens, by surface; rows sum to 1, or to 0 where there are none. So the next two."""
    decode_share: Float[np.ndarray, "bins surfaces"]
    kv_share: Float[np.ndarray, "bins surfaces"]

    def frame(self, llm: str) -> dy.DataFrame[StepBins]:
        """The table under its contract."""
        return StepBins.validate(
            pl.DataFrame(
                {
                    "llm": [llm] * self.bin_id.size,
                    "bin_id": self.bin_id,
                    "step_count": self.step_count.astype(np.int64),
                    "busy_s": self.busy_s,
                    "prefill_tokens": self.states.prefill_tokens,
                    "prefill_context_tokens": self.states.prefill_context_tokens,
                    "decode_sequences": self.states.decode_sequences,
                    "decode_kv_tokens": self.states.decode_kv_tokens,
                },
                schema_overrides={"llm": pl.String},
            ),
            cast=True,
        )


def step_bins(bins: Bins) -> StepBinTable:
    """Means and shares of the bins that were visited."""
    visited = np.flatnonzero(bins.steps)
    steps, sums, caused = bins.steps[visited].astype(np.float64), bins.sums[visited], bins.caused[visited]
    prompt = sums[:, 1]
    return StepBinTable(
        bin_id=visited,
        step_count=steps,
        busy_s=sums[:, 0] / NS_PER_S,
        states=StepStates(
            prefill_tokens=prompt / steps,
            prefill_context_tokens=sums[:, 2] / np.maximum(prompt, 1.0),
            decode_sequences=sums[:, 3] / steps,
            decode_kv_tokens=sums[:, 4] / steps,
        ),
        prefill_share=_shares(caused[:, 0]),
        decode_share=_shares(caused[:, 1]),
        kv_share=_shares(caused[:, 2]),
    )


def _shares(caused: Float[np.ndarray, "bins surfaces"]) -> Float[np.ndarray, "bins surfaces"]:
    total = caused.sum(axis=1, keepdims=True)
    return caused / np.where(total > 0.0, total, 1.0)
