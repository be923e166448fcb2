"""Measured attention times as a full grid of four axes: cells that were not measured are filled from neighbours."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.serving.errors import BadProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionGrid:
    """Times of one layer's attention over prompt tokens, their context, decoding sequences and their context."""

    chunk_at: Float[np.ndarray, "chunks"]
    context_at: Float[np.ndarray, "contexts"]
    decoding_at: Float[np.ndarray, "decodings"]
    history_at: Float[np.ndarray, "histories"]
    time_us: Float[np.ndarray, "chunks contexts decodings histories"]


def attention_grid(rows: pl.DataFrame, where: str) -> AttentionGrid:
    """The grid of rows with `prefill_chunk`, `kv_prefill`, `n_decode`, `kv_decode` and `time_us`.

    Without prompt tokens their context does not matter, without decoding sequences theirs does not: the one measured
    time stands at all. Prompts and contexts below the smallest measured ones take their time. Batches too large for the
    card's memory were not measured: times go on in a straight line along the context, or else along the sequences.

    Raises:
        BadProfile: An axis has fewer than two sizes, or a cell has no neighbours to be filled from.
    """
    names = ("prefill_chunk", "kv_prefill", "n_decode", "kv_decode")
    axes = [np.unique(np.append(rows[name].to_numpy(), 0)) for name in names]
    if short := [name for name, axis in zip(names, axes, strict=True) if axis.size < 3]:
        raise BadProfile(f"{where}: {', '.join(short)} has fewer than two sizes above 0")
    time = np.full([axis.size for axis in axes], np.nan)
    time[tuple(np.searchsorted(axis, rows[name].to_numpy()) for name, axis in zip(names, axes, strict=True))] = rows[
        "time_us"
    ].to_numpy()
    chunk, context, decoding, history = (axis.astype(np.float64) for axis in axes)
    time[0] = time[0, :1]
    time[:, :, 0] = time[:, :, 0, :1]
    time[0, :, 0] = time[1, :, 0]
    time[..., 0] = np.where(np.isnan(time[..., 0]), time[..., 1], time[..., 0])
    time = _continued(time, history, 3)
    time = _continued(time, decoding, 2)
    if holes := int(np.isnan(time).sum()):
        raise BadProfile(f"{where}: {holes} of {time.size} cells of the grid were not measured, nor their neighbours")
    return AttentionGrid(
        chunk_at=chunk, context_at=context, decoding_at=decoding, history_at=history, time_us=np.maximum(time, 0.0)
    )


def _continued(
    time: Float[np.ndarray, "chunks contexts decodings histories"], at: Float[np.ndarray, "sizes"], axis: int
) -> Float[np.ndarray, "chunks contexts decodings histories"]:
    """Cells above the last two measured ones of a row, in a straight line through these."""
    filled = np.moveaxis(time, axis, -1).copy()
    for position in range(2, at.size):
        low, high = filled[..., position - 2], filled[..., position - 1]
        slope = (high - low) / (at[position - 1] - at[position - 2])
        line = high + slope * (at[position] - at[position - 1])
        missing = np.isnan(filled[..., position])
        filled[..., position] = np.where(missing, line, filled[..., position])
    return np.moveaxis(filled, -1, axis)
