"""The measured kernels, as torch runs them: operands are made once, a call does what a serving stack would do."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from pipelines.measure.machine import Row, Run

FP8_MOST, INT8_MOST = 448.0, 127.0
"""Largest number of an 8-bit float with 4 bits of exponent (OCP 8-bit floating point, revision 1.0), and of int8."""
LEAST_SCALE = 1e-12
"""Keeps a tensor of zeros from dividing by zero."""
SDPA_BACKENDS: Mapping[str, str] = MappingProxyType(
    {"torch_sdpa_flash": "FLASH_ATTENTION", "torch_sdpa_cudnn": "CUDNN_ATTENTION"}
)
"""torch's name of the implementation by the kernel's name in tables; a kernel that is not here leaves the choice to
torch."""


class Bench(Protocol):
    """Where calls are made."""

    @property
    def torch(self) -> Any:
        """The module."""

    @property
    def device(self) -> str:
        """Where operands lie."""

    @property
    def quantised(self) -> Callable[..., Any]:
        """`quantised` below, compiled or not."""


def product_call(bench: Bench, row: Row) -> Run:
    """(m, k) by the transpose of (n, k). In fp8 the activations arrive in bf16 and are quantised in the call."""
    torch = bench.torch
    m, n, k = (int(row[name]) for name in ("m", "n", "k"))
    activations = _random(bench, m, k)
    weights = _random(bench, n, k)
    if row["dtype"] != "fp8":
        return lambda: torch.mm(activations, weights.t())
    narrow, scale = quantised(torch, weights, torch.float8_e4m3fn, FP8_MOST)

    def call() -> None:
        rows, row_scale = bench.quantised(torch, activations, torch.float8_e4m3fn, FP8_MOST)
        torch._scaled_mm(rows, narrow.t(), row_scale, scale, out_dtype=torch.bfloat16, use_fast_accum=True)  # noqa: SLF001 - the only way to an fp8 product

    return call


def prompt_call(bench: Bench, row: Row) -> Run:
    """Causal attention of a prompt to itself."""
    seq = int(row["seq"])
    return _attention(bench, row, queries=seq, tokens=seq, is_causal=seq > 1)


def context_call(bench: Bench, row: Row) -> Run:
    """Attention of one new token to a contiguous cache that already holds it."""
    return _attention(bench, row, queries=1, tokens=int(row["kv_len"]), is_causal=False)


def quantise_call(bench: Bench, row: Row) -> Run:
    """One scale for the whole tensor, found and applied."""
    torch = bench.torch
    activations = _random(bench, int(row["m"]), int(row["k"]))
    narrow, most = (torch.float8_e4m3fn, FP8_MOST) if row["dtype"] == "fp8" else (torch.int8, INT8_MOST)
    return lambda: bench.quantised(torch, activations, narrow, most)


def quantised(torch: Any, values: Any, narrow: Any, most: float) -> tuple[Any, Any]:
    """Values over one scale, in a narrow format; and that scale."""
    scale = torch.clamp(values.abs().amax().float() / most, min=LEAST_SCALE)
    scaled = torch.clamp(values.float() / scale, -most, most)
    return (scaled.round() if narrow == torch.int8 else scaled).to(narrow), scale


CALLS: Mapping[str, Callable[[Bench, Row], Run]] = MappingProxyType(
    {"gemm": product_call, "attn_prefill": prompt_call, "attn_decode": context_call, "quantise": quantise_call}
)
"""How a kernel of each family is made."""


def _attention(bench: Bench, row: Row, *, queries: int, tokens: int, is_causal: bool) -> Run:
    batch, heads, kv_heads, width = (int(row[name]) for name in ("batch", "heads", "kv_heads", "head_dim"))
    query = _random(bench, batch, heads, queries, width)
    keys, values = (_random(bench, batch, kv_heads, tokens, width) for _ in range(2))
    attend = bench.torch.nn.functional.scaled_dot_product_attention
    is_grouped = heads != kv_heads

    def call() -> None:
        attend(query, keys, values, is_causal=is_causal, enable_gqa=is_grouped)

    name = SDPA_BACKENDS.get(str(row["kernel"]))
    if name is None:
        return call
    attention = bench.torch.nn.attention

    def chosen() -> None:
        with attention.sdpa_kernel(getattr(attention.SDPBackend, name)):
            call()

    return chosen


def _random(bench: Bench, *shape: int) -> Any:
    torch = bench.torch
    return torch.randn(shape, device=bench.device, dtype=torch.bfloat16)
