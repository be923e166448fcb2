"""A step's tokens, derived once from the states and handed to every part of the inventory."""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

from hwmodel.kernels.batch import StepStates
from hwmodel.kernels.errors import BadStates


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTokens:
    """Token counts of each step; every array has one entry per state."""

    prefill: Float[np.ndarray, "states"]
    context: Float[np.ndarray, "states"]
    """Cached tokens in front of the prompt chunk."""
    decode: Float[np.ndarray, "states"]
    """Decoding sequences, one token each."""
    decode_kv: Float[np.ndarray, "states"]
    """Sum of context over the decoding sequences."""

    @property
    def total(self) -> Float[np.ndarray, "states"]:
        """Rows of every projection."""
        return self.prefill + self.decode

    @property
    def sampled(self) -> Float[np.ndarray, "states"]:
        """Rows that need logits: each decoding sequence, and the one prompt that a chunk may finish."""
        return self.decode + (self.prefill > 0.0)

    @property
    def prefill_share(self) -> Float[np.ndarray, "states"]:
        """Share of the rows that are prompt tokens; 0 in an empty step."""
        return self.prefill / np.maximum(self.total, 1.0)

    @property
    def sampled_prefill_share(self) -> Float[np.ndarray, "states"]:
        """Share of the sampled rows that belong to a prompt."""
        return (self.prefill > 0.0) / np.maximum(self.sampled, 1.0)

    def of_group(self, groups_count: int) -> "StepTokens":
        """What the busiest of several groups has that share the sequences evenly; prompts, too, are many to a step."""
        if groups_count == 1:
            return self
        decode = np.maximum(self.decode / groups_count, np.minimum(self.decode, 1.0))
        return StepTokens(
            prefill=self.prefill / groups_count,
            context=self.context,
            decode=decode,
            decode_kv=self.decode_kv * decode / np.maximum(self.decode, 1.0),
        )


def step_tokens(states: StepStates) -> StepTokens:
    """Check states and derive their token counts.

    Raises:
        BadStates: lengths differ, a count is negative or not finite, or KV tokens have no sequence.
    """
    arrays = {f.name: np.asarray(getattr(states, f.name), dtype=np.float64) for f in fields(states)}
    if len({array.shape for array in arrays.values()}) != 1:
        shapes = {name: array.shape for name, array in arrays.items()}
        raise BadStates(f"step states differ in length: {shapes}; give one entry per state in each")
    for name, array in arrays.items():
        if not (np.isfinite(array).all() and (array >= 0.0).all()):
            raise BadStates(f"step states: {name} must be finite and at least 0, the smallest is {array.min()}")
    if ((arrays["decode_kv_tokens"] > 0.0) & (arrays["decode_sequences"] == 0.0)).any():
        raise BadStates("step states: decode_kv_tokens above 0 in a state with 0 decode_sequences; set both or none")
    return StepTokens(
        prefill=arrays["prefill_tokens"],
        context=arrays["prefill_context_tokens"],
        decode=arrays["decode_sequences"],
        decode_kv=arrays["decode_kv_tokens"],
    )
