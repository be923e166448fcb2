"""The kernel inventory as columns: what a decoder step asks of the chip, before any chip is known."""

from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStates:
    """Scheduler steps described by what is in them; every array has one entry per state."""

    prefill_tokens: Float[np.ndarray, "states"]
    """Prompt tokens computed in this step."""
    prefill_context_tokens: Float[np.ndarray, "states"]
    """Tokens already cached in front of them (mean over the chunk's sequences)."""
    decode_sequences: Float[np.ndarray, "states"]
    decode_kv_tokens: Float[np.ndarray, "states"]
    """Sum of context over the decoding sequences."""
    decode_query_tokens: Float[np.ndarray, "states"] | None = None
    """Tokens that decoding sequences compute, all together: drafts that are verified included. One each if left out."""

    def __len__(self) -> int:
        return int(self.prefill_tokens.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelBatch:
    """Kernels of many steps on one rank; every array has one entry per kernel."""

    names: tuple[str, ...]
    """Distinct kernel names (`qkv_gemm`, `attention_decode`, ...), indexed by `name_code`."""
    name_code: Int[np.ndarray, "kernels"]
    family_code: Int[np.ndarray, "kernels"]
    """Position in `tuple(KernelFamily)`."""
    state: Int[np.ndarray, "kernels"]
    """Which step state the kernel belongs to."""
    repeat_count: Float[np.ndarray, "kernels"]
    """How often it runs in one step (layers)."""
    m: Float[np.ndarray, "kernels"]
    """Rows per group of a (grouped) GEMM; query tokens of attention; 0 where meaningless. So n and k."""
    n: Float[np.ndarray, "kernels"]
    k: Float[np.ndarray, "kernels"]
    groups_count: Float[np.ndarray, "kernels"]
    """GEMMs in a group (active experts of this rank); query heads per KV head in prompt attention; else 1."""
    spread_log: Float[np.ndarray, "kernels"]
    """Log of the fullest group's rows over the emptiest's, rows spread evenly in logarithm between them; 0 where every
    group has `m` rows (balanced routing)."""
    parallel_count: Float[np.ndarray, "kernels"]
    """Independent work items that an attention or vector kernel can spread over cores."""
    math_dtype_code: Int[np.ndarray, "kernels"]
    """Position in `MATH_DTYPES`."""
    work_flop: Float[np.ndarray, "kernels"]
    """Matrix work of one run."""
    vector_flop: Float[np.ndarray, "kernels"]
    exponent_count: Float[np.ndarray, "kernels"]
    weight_bytes: Float[np.ndarray, "kernels"]
    """Bytes of weights or KV cache that must come from HBM."""
    activation_bytes: Float[np.ndarray, "kernels"]
    """Bytes of activations read and written."""
    link_bytes: Float[np.ndarray, "kernels"]
    """Message size of a collective on one rank."""
    ranks_count: Float[np.ndarray, "kernels"]
    """Ranks of a collective, else 1."""
    prefill_share: Float[np.ndarray, "kernels"]
    """Share of the kernel's work caused by prompt tokens (0..1)."""

    def take(self, index: Int[np.ndarray, "chosen"]) -> "KernelBatch":
        """The kernels at some positions, in that order."""
        columns = (field.name for field in fields(self) if field.name != "names")
        return replace(self, **{name: getattr(self, name)[index] for name in columns})

    def __len__(self) -> int:
        return int(self.name_code.size)


MATH_DTYPES: tuple[str, ...] = ("bf16", "fp8", "fp4", "int8", "fp32")
"""Formats that work is done in: the first four on matrix units, fp32 on vector lanes."""
