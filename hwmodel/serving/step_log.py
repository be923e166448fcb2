"""A log of the steps that touch a window of a replay, kept inside the loop only where it is asked for."""

from typing import NamedTuple

import numpy as np
from numba import njit

from hwmodel.serving.step_features import StepFeatures

STEP_COLUMNS = ("start_ns", "end_ns", "replica", "chunk_tokens", "prompt_count", "decoding", "decode_kv")


class StepLog(NamedTuple):
    """Steps in order of their start."""

    rows: np.ndarray
    """(room, columns): integers, in the order of `STEP_COLUMNS`."""
    size: np.ndarray
    """(1,): steps that touch the window, those without room included."""
    window_ns: np.ndarray
    """(2,): a step is kept that ends after the first and starts before the second."""

    @property
    def steps(self) -> np.ndarray:
        """(steps, columns): what was kept."""
        return self.rows[: min(int(self.size[0]), self.rows.shape[0])]

    @property
    def is_whole(self) -> bool:
        """Whether every step of the window found room."""
        return int(self.size[0]) <= self.rows.shape[0]


def fresh_log(room: int = 0, *, start_ns: int = 0, end_ns: int = 0) -> StepLog:
    """An empty log; without room it keeps nothing and costs nothing."""
    return StepLog(
        np.zeros((room, len(STEP_COLUMNS)), dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.array([start_ns, end_ns], dtype=np.int64),
    )


@njit(nogil=True)
def log_step(log: StepLog, now: int, duration_ns: int, replica: int, features: StepFeatures) -> None:
    """Keep a step that begins now, if it touches the window."""
    if now + duration_ns <= log.window_ns[0] or now >= log.window_ns[1]:
        return
    at = log.size[0]
    log.size[0] += 1
    if at < log.rows.shape[0]:
        log.rows[at, 0] = now
        log.rows[at, 1] = now + duration_ns
        log.rows[at, 2] = replica
        log.rows[at, 3] = features.chunk_tokens
        log.rows[at, 4] = features.prompt_count
        log.rows[at, 5] = features.decoding
        log.rows[at, 6] = features.decode_kv
