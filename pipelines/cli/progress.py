"""Progress of a run on a terminal, and nothing elsewhere."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pipelines.run_loop import Progress as RunProgress
from pipelines.run_loop import SilentProgress


class _Bar:
    """One line: what is being done, how much is done, for how long."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._line = bar.add_task("starting", total=None)

    def stage(self, name: str, *, done_count: int, total_count: int) -> None:
        """Shows the stage that begins."""
        self._bar.update(self._line, description=name, completed=done_count, total=total_count)

    def detail(self, text: str, done_count: int | None, total_count: int | None) -> None:
        """Shows what happens inside the stage, and how much of that is done."""
        self._bar.update(self._line, description=text, completed=done_count, total=total_count)


class _Told(logging.Handler):
    """Shows how far a long stage is beside the stage's name."""

    def __init__(self, bar: _Bar) -> None:
        super().__init__(logging.INFO)
        self._to = bar

    def emit(self, record: logging.LogRecord) -> None:
        """Shows one message."""
        counts = (getattr(record, name, None) for name in ("done_count", "total_count"))
        self._to.detail(record.getMessage(), *counts)


class _Lines:
    """One plain line per stage, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def stage(self, name: str, *, done_count: int, total_count: int) -> None:
        """Prints the stage that begins."""
        self._console.print(f"[{done_count + 1}/{total_count}] {name}", markup=False)


@contextmanager
def shown_progress(*, quiet: bool = False) -> Iterator[RunProgress]:
    """A progress line on a terminal, plain lines elsewhere, nothing if quiet; all on standard error."""
    console = Console(stderr=True, highlight=False)
    if quiet:
        yield SilentProgress()
    elif not console.is_terminal:
        yield _Lines(console)
    else:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
            line = _Bar(bar)
            with _listening(_Told(line)):
                yield line


@contextmanager
def _listening(handler: logging.Handler) -> Iterator[None]:
    log = logging.getLogger("scoville.progress")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
