"""As much of torch as capturing and timing a graph needs, writing down what it is asked to do."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest


class Tensor:
    """Knows its shape."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def t(self) -> "Tensor":
        return Tensor(*reversed(self.shape))

    def zero_(self) -> None:
        """Overwritten."""


class Event:
    """Reads a clock that each launch moves on by a millisecond."""

    def __init__(self, journal: list[str], *, enable_timing: bool) -> None:
        assert enable_timing
        self.journal, self.at = journal, -1

    def record(self) -> None:
        self.at = self.journal.count("replay")

    def synchronize(self) -> None:
        self.journal.append("wait")

    def elapsed_time(self, end: "Event") -> float:
        return float(end.at - self.at)


class Stream:
    """One of two; waiting for the other is not written down."""

    def wait_stream(self, _: "Stream") -> None:
        """Waits."""


def stand_in(*, capability: tuple[int, int] = (9, 0), memory_bytes: int = 2**30) -> Any:
    """A module with one GPU. `journal` holds what was done."""
    journal: list[str] = []

    @contextmanager
    def within(name: str) -> Iterator[None]:
        journal.append(f"{name} begins")
        yield
        journal.append(f"{name} ends")

    def mm(left: Tensor, right: Tensor) -> Tensor:
        assert left.shape[1] == right.shape[0]
        journal.append("mm")
        return Tensor(left.shape[0], right.shape[1])

    def randn(shape: tuple[int, ...], *, device: str, dtype: str) -> Tensor:
        assert (device, dtype) == ("cuda", "bfloat16")
        if max(shape) > 10**6:
            raise RuntimeError("CUDA out of memory.\nTried to allocate much")
        return Tensor(*shape)

    def attend(query: Tensor, keys: Tensor, values: Tensor, *, is_causal: bool, enable_gqa: bool) -> None:
        assert keys.shape == values.shape
        journal.append(f"attend {query.shape} {keys.shape} {is_causal=} {enable_gqa=}")

    def compiled(function: Callable[..., Any], *, dynamic: bool) -> Callable[..., Any]:
        assert dynamic
        return function

    cuda = SimpleNamespace(
        is_available=lambda: True,
        get_device_name=lambda: "NVIDIA H100 80GB HBM3",
        get_device_capability=lambda: capability,
        get_device_properties=lambda device: SimpleNamespace(total_memory=memory_bytes, L2_cache_size=100),
        empty_cache=lambda: journal.append("empty cache"),
        Stream=Stream,
        current_stream=Stream,
        stream=lambda stream: within("aside"),
        CUDAGraph=lambda: SimpleNamespace(replay=lambda: journal.append("replay")),
        graph=lambda graph: within("capture"),
        Event=lambda enable_timing: Event(journal, enable_timing=enable_timing),
    )
    attention = SimpleNamespace(
        sdpa_kernel=within, SDPBackend=SimpleNamespace(FLASH_ATTENTION="flash", CUDNN_ATTENTION="cudnn")
    )
    functional = SimpleNamespace(scaled_dot_product_attention=attend)
    return SimpleNamespace(
        __version__="2.0",
        version=SimpleNamespace(cuda="13.2"),
        journal=journal,
        cuda=cuda,
        compile=compiled,
        nn=SimpleNamespace(attention=attention, functional=functional),
        bfloat16="bfloat16",
        uint8="uint8",
        manual_seed=lambda seed: None,
        empty=lambda size, **_: Tensor(size),
        randn=randn,
        mm=mm,
    )


def install(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    """Makes it what `import torch` finds."""
    monkeypatch.setitem(sys.modules, "torch", module)
    monkeypatch.setitem(sys.modules, "torch.nn.attention", module.nn.attention)
