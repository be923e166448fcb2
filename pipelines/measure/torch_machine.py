"""The device at hand as torch sees it: CUDA graphs timed by events where there is CUDA, else calls timed by a clock."""

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipelines.errors import BadInput, NotOffered, one_line
from pipelines.measure.gpus import gpu_of
from pipelines.measure.machine import Machine, Row, Run
from pipelines.measure.torch_calls import CALLS, SDPA_BACKENDS, quantised

CUDA, CPU = "cuda", "cpu"
FP8_CAPABILITY = (8, 9)
"""Ada and later multiply fp8."""
CACHE_TIMES = 4
"""How much more than its caches a device writes so that nothing measured stays in them."""
CPU_CACHE_BYTES = 64 * 2**20
CPU_MEMORY_BYTES = 2**30
"""What trials may take; assumed, far below any machine's."""
WARM_UP_CALLS = 3
"""Before a capture, as torch's documentation of CUDA graphs asks."""
SEED = 0


def torch_machine(device: str, chip: str | None) -> Machine:
    """The device at hand.

    Args:
        device: `cuda` or `cpu`.
        chip: Which chip of the catalogue it is; None to go by the driver's name.

    Raises:
        BadInput: torch is not there, it sees no such device, or the GPU is not known by its name.
    """
    try:
        torch = importlib.import_module("torch")
        importlib.import_module("torch.nn.attention")
    except ImportError as error:
        raise BadInput("measuring needs torch, which is not installed; install scoville[measure]") from error
    torch.manual_seed(SEED)
    if device == CPU:
        return TorchCpu(torch)
    if not torch.cuda.is_available():
        raise BadInput("torch sees no CUDA device; measure where there is one, or try it out with --device cpu")
    return TorchCuda(torch, gpu_of(torch.cuda.get_device_name(), chip))


class TorchCpu:
    """A CPU, on which measuring can be tried out: its times are marked and never calibrate a chip."""

    device = device_kind = gpu = CPU
    timing = "eager"
    dtypes = frozenset({"bfloat16"})
    memory_bytes = CPU_MEMORY_BYTES

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.quantised: Callable[..., Any] = quantised
        self.library = str(torch.__version__)
        self._scratch = torch.empty(CPU_CACHE_BYTES * CACHE_TIMES, dtype=torch.uint8)

    def kernels(self, family: str) -> tuple[str, ...]:
        """Whatever torch takes."""
        return ("torch_sdpa",) if family.startswith("attn") else ("torch_eager",)

    def prepared(self, family: str, row: Row, calls_count: int) -> Run:
        """Calls one after another."""
        try:
            call = CALLS[family](self, row)
            call()
        except RuntimeError as error:
            raise NotOffered(one_line(error)) from error

        def run() -> None:
            for _ in range(calls_count):
                call()

        return run

    def seconds(self, run: Run) -> float:
        """By the clock of the host."""
        start_s = time.perf_counter()
        run()
        return time.perf_counter() - start_s

    def forget(self) -> None:
        """Overwrites a buffer larger than the caches."""
        self._scratch.zero_()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A captured graph."""

    graph: Any
    call: Run
    """What was captured: it owns the operands, which must outlive the graph."""

    def __call__(self) -> None:
        """Runs the graph."""
        self.graph.replay()


class TorchCuda:
    """A GPU. Kernels run inside captured graphs, so that the host's launches do not count."""

    device = device_kind = CUDA
    timing = "cuda_graph"

    def __init__(self, torch: Any, gpu: str) -> None:
        self.torch = torch
        self.gpu = gpu
        self.quantised: Callable[..., Any] = torch.compile(quantised, dynamic=True)
        self.library = f"{torch.__version__} CUDA {torch.version.cuda}"
        facts = torch.cuda.get_device_properties(CUDA)
        self.memory_bytes = int(facts.total_memory)
        has_fp8 = torch.cuda.get_device_capability() >= FP8_CAPABILITY
        self.dtypes = frozenset({"bfloat16", "fp8"} if has_fp8 else {"bfloat16"})
        self._scratch = torch.empty(int(facts.L2_cache_size) * CACHE_TIMES, dtype=torch.uint8, device=CUDA)

    def kernels(self, family: str) -> tuple[str, ...]:
        """Each implementation of attention; one of everything else."""
        return tuple(SDPA_BACKENDS) if family.startswith("attn") else ("torch_compiled",)

    def prepared(self, family: str, row: Row, calls_count: int) -> Run:
        """Captures the calls into a graph."""
        try:
            return self._captured(CALLS[family](self, row), calls_count)
        except RuntimeError as error:
            self.torch.cuda.empty_cache()
            raise NotOffered(one_line(error)) from error

    def _captured(self, call: Run, calls_count: int) -> Replay:
        cuda = self.torch.cuda
        aside = cuda.Stream()
        aside.wait_stream(cuda.current_stream())
        with cuda.stream(aside):
            for _ in range(WARM_UP_CALLS):
                call()
        cuda.current_stream().wait_stream(aside)
        graph = cuda.CUDAGraph()
        with cuda.graph(graph):
            for _ in range(calls_count):
                call()
        return Replay(graph=graph, call=call)

    def seconds(self, run: Run) -> float:
        """Between two events on the device."""
        cuda = self.torch.cuda
        start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
        start.record()
        run()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) * 1e-3

    def forget(self) -> None:
        """Overwrites a buffer larger than the L2 cache."""
        self._scratch.zero_()
