"""Step states and the LLMs of the catalogue, for tests."""

import numpy as np

from hwmodel.catalog import LlmSpec, load_catalog
from hwmodel.kernels import KernelBatch, StepStates

LLMS = ("llama-3.1-70b", "gpt-oss-120b", "deepseek-r1", "qwen3-next-80b-a3b", "qwen3-235b-a22b")


def llm(llm_id: str) -> LlmSpec:
    return load_catalog().llm(llm_id)


def states(*rows: tuple[float, float, float, float]) -> StepStates:
    """One row per state: prompt tokens, their context, decoding sequences, their total context."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return StepStates(
        prefill_tokens=table[:, 0],
        prefill_context_tokens=table[:, 1],
        decode_sequences=table[:, 2],
        decode_kv_tokens=table[:, 3],
    )


def names_in(batch: KernelBatch, state: int) -> list[str]:
    return [batch.names[code] for code in batch.name_code[batch.state == state]]


def total(batch: KernelBatch, column: str, *, name: str | None = None, state: int = 0) -> float:
    """Sum over one state of a column times repeats, of one kernel name or of all."""
    chosen = batch.state == state
    if name is not None:
        chosen &= np.array([batch.names[code] == name for code in batch.name_code])
    return float((getattr(batch, column) * batch.repeat_count)[chosen].sum())
