"""A machine whose clock goes by a law, so that measuring can be checked against known times."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pipelines.errors import NotOffered
from pipelines.measure.machine import Row, Run


@dataclass
class LawfulMachine:
    """Every call takes what its law says; each further run takes a hundredth more than the one before."""

    law_s: Callable[[str, Row], float] = lambda family, row: 1e-5
    gpu: str = "h100_sxm"
    device_kind: str = "cuda"
    library: str = "9.9"
    timing: str = "cuda_graph"
    memory_bytes: int = 2**30
    dtypes: frozenset[str] = frozenset({"bfloat16", "fp8"})
    offered: tuple[str, ...] = ("first", "second")
    refused: str = ""
    events: list[str] = field(default_factory=list)
    _last_s: float = 0.0

    def kernels(self, family: str) -> tuple[str, ...]:
        return self.offered

    def prepared(self, family: str, row: Row, calls_count: int) -> Run:
        if row["kernel"] == self.refused:
            raise NotOffered("this one is not built in")
        one_s = self.law_s(family, row)
        runs = iter(range(10**6))

        def run() -> None:
            self._last_s = one_s * calls_count * (1.0 + 0.01 * next(runs))

        return run

    def seconds(self, run: Run) -> float:
        run()
        self.events.append("run")
        return self._last_s

    def forget(self) -> None:
        self.events.append("forget")
