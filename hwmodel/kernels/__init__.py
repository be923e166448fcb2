"""LLM architecture and step state in, kernel inventory out: work, traffic and shapes, before any chip is known."""

from hwmodel.kernels.batch import MATH_DTYPES, KernelBatch, StepStates
from hwmodel.kernels.columns import assemble
from hwmodel.kernels.errors import BadDeployment, BadStates, KernelError
from hwmodel.kernels.footprint import kv_bytes_per_token, sequence_state_bytes, weight_bytes_per_rank
from hwmodel.kernels.inventory import kernel_columns, kernel_inventory, touched_bytes

__all__ = [
    "MATH_DTYPES",
    "BadDeployment",
    "BadStates",
    "KernelBatch",
    "KernelError",
    "StepStates",
    "assemble",
    "kernel_columns",
    "kernel_inventory",
    "kv_bytes_per_token",
    "sequence_state_bytes",
    "touched_bytes",
    "weight_bytes_per_rank",
]
