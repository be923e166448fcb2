"""Parts of a table as one lazy frame that is never whole in memory: made in one thread while another one writes."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Event, Thread

import polars as pl
from polars.io.plugins import register_io_source

PARTS_AHEAD = 2
"""Parts that wait for the writer at most."""
LOOK_AGAIN_S = 0.2
"""How often a waiting side looks whether the other one has stopped."""


@dataclass(slots=True)
class PartStream:
    """What went through a stream so far."""

    rows: pl.LazyFrame = field(init=False)
    """All parts, to be collected or written once."""
    row_count: int = 0
    failure: BaseException | None = None
    """What broke the making of the parts: raise it in place of the writer's own error."""


@contextmanager
def streamed(parts: Iterable[pl.DataFrame], schema: pl.Schema) -> Iterator[PartStream]:
    """Opens a stream of parts; whatever is not yet made is dropped on leaving.

    Args:
        parts: Frames of exactly this schema, made one by one.
        schema: Of every part.
    """
    waiting: Queue[pl.DataFrame | None] = Queue(PARTS_AHEAD)
    stopped = Event()
    stream = PartStream()

    def make() -> None:
        try:
            for part in parts:
                stream.row_count += part.height
                if not _offered(waiting, part, stopped):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again by whoever opened the stream
            stream.failure = error
        _offered(waiting, None, stopped)

    def read(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        del batch_size, n_rows
        while (part := _taken(waiting, stopped)) is not None:
            wanted = part if with_columns is None else part.select(with_columns)
            yield wanted if predicate is None else wanted.filter(predicate)
        if stream.failure is not None:
            raise RuntimeError("the parts could not be made")

    maker = Thread(target=make, name="parts", daemon=True)
    stream.rows = register_io_source(read, schema=schema)
    maker.start()
    try:
        yield stream
    except Exception:
        if stream.failure is not None:
            raise stream.failure from None
        raise
    finally:
        stopped.set()
        maker.join()


def _offered(waiting: "Queue[pl.DataFrame | None]", part: pl.DataFrame | None, stopped: Event) -> bool:
    """Puts a part into the queue; False if nobody reads any more."""
    while not stopped.is_set():
        try:
            waiting.put(part, timeout=LOOK_AGAIN_S)
        except Full:
            continue
        return True
    return False


def _taken(waiting: "Queue[pl.DataFrame | None]", stopped: Event) -> pl.DataFrame | None:
    """The next part; None at the end."""
    while not stopped.is_set():
        try:
            return waiting.get(timeout=LOOK_AGAIN_S)
        except Empty:
            continue
    return None
