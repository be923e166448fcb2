"""Counting a step into the bins that the bill is made of."""

from hwmodel.serving.bins import count_step
from hwmodel.serving.fast.jit import compiled
from hwmodel.serving.fast.state import Machine
from hwmodel.serving.step_features import StepFeatures


@compiled
def count(m: Machine, replica: int, duration: int, features: StepFeatures) -> None:
    """Add a step to its bin, and its work to the surfaces that caused it."""
    chunk = features.chunk_tokens
    context = features.prompt_context / chunk if chunk > 0 else 0.0
    for surface in range(m.kv_of.size):
        m.kv_of[surface] = m.base_of[replica, surface] + m.decoding_of[replica, surface] * m.replicas[replica].step
    decoding_of = m.decoding_of[replica]
    count_step(
        m.bins, duration, chunk, context, features.decoding, features.decode_kv, m.chunk_of, decoding_of, m.kv_of
    )
