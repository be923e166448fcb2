"""What one number per backend, fitted on the other chips alone, does to the predicted times."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.timing import HOST_STEP_S

DELAYS_S = np.arange(0.0, 1.0, 0.01)
"""First-token delays that the fit tries."""
HOST_STEPS_S = np.arange(0.0, 6.0e-3, 5.0e-5)
"""Host times per step that the fit tries."""

CALIBRATED_CHIPS = frozenset({"h100-sxm", "h200-sxm", "b200-sxm"})
CALIBRATED_DELAYS_S = {"sglang": 0.35, "trtllm": 0.04, "vllm": 0.06}
"""First-token delays fitted on the runs of those chips: for another chip in a table that holds no chip beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Numbers of one backend for one chip, from the rows of the other chips; without such rows 0 and the default."""

    first_token_delay_s: float
    """What stands before the first step of a call: HTTP, tokeniser, admission."""
    host_step_s: float
    """Host time per step that would fit best; shown beside, not used."""


def fitted_for(chip: str, backend: str, others: pl.DataFrame) -> Fitted:
    """What the other chips' rows say; where there are none, what the calibrated chips said, except of themselves."""
    if others.is_empty() and chip not in CALIBRATED_CHIPS:
        return Fitted(first_token_delay_s=CALIBRATED_DELAYS_S.get(backend, 0.0), host_step_s=HOST_STEP_S)
    return fitted_on(others)


def fitted_on(others: pl.DataFrame) -> Fitted:
    """The delay with the least median error of the first token, the host time with the least mean error per token."""
    if others.is_empty():
        return Fitted(first_token_delay_s=0.0, host_step_s=HOST_STEP_S)
    ttft_s, tpot_s = others["ttft_s"].to_numpy(), others["tpot_s"].to_numpy()
    engine_host_s = others["engine_host_s"].to_numpy()
    ttft, tpot = others["measured_ttft_s"].to_numpy(), others["measured_tpot_s"].to_numpy()
    return Fitted(
        first_token_delay_s=_least(DELAYS_S, lambda delay: float(np.median(errors(ttft_s + delay, ttft)))),
        host_step_s=_least(HOST_STEPS_S, lambda host: float(errors(tpot_s + host - engine_host_s, tpot).mean())),
    )


def errors(said: Float[np.ndarray, "rows"], measured: Float[np.ndarray, "rows"]) -> Float[np.ndarray, "rows"]:
    """Relative errors without their sign."""
    return np.abs(said / measured - 1.0)


def _least(values: Float[np.ndarray, "values"], loss: Callable[[float], float]) -> float:
    return float(values[np.argmin([loss(float(value)) for value in values])])
