"""Exit codes, and how errors become one line: expected ones are told, bugs keep their traceback."""

import functools
from collections.abc import Callable
from typing import ParamSpec

import typer
from rich.console import Console

from pipelines.errors import one_line

OK = 0
FINDINGS = 1
"""The command ended, but a check did not hold."""
BAD_INPUT = 2
INTERRUPTED = 130

EXPECTED = frozenset(
    {
        "pipelines.errors.PipelineError",
        "pipelines.report.errors.ReportError",
        "warehouse.errors.WarehouseError",
        "telemetry_sim.errors.TelemetryError",
        "featurize.errors.FeaturizeError",
        "hwmodel.catalog.errors.CatalogError",
        "hwmodel.kernels.errors.KernelError",
        "hwmodel.timing.errors.TimingError",
        "hwmodel.physical.errors.PhysicalError",
        "hwmodel.serving.errors.ServingError",
        "hwmodel.costmodel.errors.CostModelError",
        "hwmodel.design.errors.DesignError",
        "hwmodel.silicon.errors.SiliconError",
    }
)
"""Base error of each room, by name, so that telling an error imports nothing."""

P = ParamSpec("P")


def is_expected(error: BaseException) -> bool:
    """Whether this is a fact about the input or the machine (a room expects it, or the disk refuses) and not a bug."""
    return isinstance(error, OSError) or any(
        f"{base.__module__}.{base.__qualname__}" in EXPECTED for base in type(error).__mro__
    )


def cause_of(error: BaseException) -> BaseException:
    """What went wrong under an error that only says that Dagster gave up trying; else the error itself."""
    cause: BaseException | None = error
    while cause is not None and type(cause).__name__ in {"DagsterMaxRetriesExceededError", "RetryRequested"}:
        cause = cause.__cause__ or cause.__context__
    return cause or error


def tell(text: str) -> None:
    """Prints one error line."""
    Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(f"error: {text}")


def told(command: Callable[P, None]) -> Callable[P, None]:
    """A command whose expected errors end in one line and exit code 2 (a failed check: 1)."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt:
            tell("interrupted; what was finished before stays, run the same command again to go on")
            raise typer.Exit(INTERRUPTED) from None
        except Exception as raised:
            error = cause_of(raised)
            if not is_expected(error):
                raise
            tell(one_line(error))
            is_finding = type(error).__name__ == "FailedCheck"
            raise typer.Exit(FINDINGS if is_finding else BAD_INPUT) from None

    return wrapped
