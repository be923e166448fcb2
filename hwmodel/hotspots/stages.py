"""Where the users of a replay wait: in the queue, for their prompt, or for their answer."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from hwmodel.serving import ReplayResult


@dataclass(frozen=True, slots=True, kw_only=True)
class StageShares:
    """Shares of the time that calls took, from request to last token; they sum to 1."""

    queue_ratio: float
    """Before the engine took them up."""
    prompt_ratio: float
    """From there to the first token: the prompt, and waits for cache after an interruption."""
    answer_ratio: float
    """From the first token to the last."""


def stage_shares(result: ReplayResult, chosen: Bool[np.ndarray, "calls"]) -> StageShares:
    """Shares over the calls that are done and `chosen`; NaN where there are none."""
    done = chosen & np.isfinite(result.duration_s)
    whole = float(result.duration_s[done].sum())
    if whole == 0.0:
        return StageShares(queue_ratio=np.nan, prompt_ratio=np.nan, answer_ratio=np.nan)
    queue = float(result.queued_s[done].sum()) / whole
    first = float(result.ttft_s[done].sum()) / whole
    return StageShares(queue_ratio=queue, prompt_ratio=first - queue, answer_ratio=1.0 - first)
