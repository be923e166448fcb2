"""A step cost that is a sum: so many nanoseconds for a step, and for each unit of what it computes."""

from typing import NamedTuple

from numba import njit

from hwmodel.serving.step_cost import register_cost
from hwmodel.serving.step_features import StepFeatures


class WeightedCost(NamedTuple):
    """The simplest engine: what schedulers are compared with, and a stand-in where nothing was measured yet."""

    base_ns: int
    weights: StepFeatures
    """Nanoseconds per unit of each thing that a step computes."""

    @property
    def WANTS_LONGEST(self) -> bool:  # noqa: N802 - an engine asks every kind of cost by this name
        """Whether the longest context counts."""
        return self.weights.longest_kv > 0


@njit(nogil=True)
def weighted_ns(cost: WeightedCost, features: StepFeatures) -> int:
    """Nanoseconds of a step."""
    w, f = cost.weights, features
    prompts = w.chunk_tokens * f.chunk_tokens + w.chunk_squares * f.chunk_squares + w.prompt_count * f.prompt_count
    prompts += w.prompt_context * f.prompt_context + w.prompt_kv * f.prompt_kv
    answers = w.emitting * f.emitting + w.decoding * f.decoding + w.decode_kv * f.decode_kv
    answers += w.longest_kv * f.longest_kv + w.draft_tokens * f.draft_tokens
    return int(cost.base_ns + prompts + answers)


register_cost(WeightedCost, weighted_ns)
