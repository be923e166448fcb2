"""Log-linear histograms of whole numbers: exact to merge, the same on every engine, quantiles within a stated error."""

from collections.abc import Mapping, Sequence

import narwhals as nw
from narwhals.typing import IntoLazyFrameT

BINS_PER_DOUBLING = 16
"""Linear bins between a power of two and the next."""

BIN_ERROR_RATIO = 1 / BINS_PER_DOUBLING
"""Width of a bin over its lower edge, at most: a quantile read from a histogram lies this near one of the two
observations around the exact one."""

_ORDERS = 47
"""Powers of two up to 2^46: 2.2 years in microseconds, and every token count of the contracts."""


def histogram(frame: IntoLazyFrameT, *, keys: Sequence[str], value: str) -> IntoLazyFrameT:
    """Count and sum a whole number by keys and bins; histograms of parts add up to the histogram of the whole.

    Below `BINS_PER_DOUBLING` each number has a bin of its own; above, a doubling has `BINS_PER_DOUBLING` bins of equal
    width (G. Tene's HdrHistogram). Only whole numbers are compared and divided, so that no engine's logarithm decides.

    Args:
        frame: has the keys and the value.
        keys: columns to group by.
        value: name of a whole, non-negative column below 2^47; nulls are not counted.

    Returns:
        `keys`, `bin_low` and `bin_high` (closed below, open above), `value_count`, `value_sum`.
    """
    step = nw.col("bin_step")
    low = (nw.col("counted") // step) * step
    return (
        nw.from_native(frame)
        .filter(~nw.col(value).is_null())
        .with_columns(counted=nw.col(value).cast(nw.Int64))
        .with_columns(bin_step=_bin_step())
        .with_columns(bin_low=low)
        .group_by(*keys, "bin_low", "bin_step")
        .agg(value_count=nw.len(), value_sum=nw.col("counted").sum())
        .with_columns(bin_high=nw.col("bin_low") + step, value_count=nw.col("value_count").cast(nw.Int64))
        .select(*keys, "bin_low", "bin_high", "value_count", "value_sum")
        .to_native()
    )


def histogram_quantiles(
    counted: IntoLazyFrameT, *, keys: Sequence[str], quantiles: Mapping[str, float]
) -> IntoLazyFrameT:
    """Quantiles of each key's histogram, straight inside a bin: off by less than `BIN_ERROR_RATIO` of the exact ones.

    Args:
        counted: from `histogram`, or the sum of several.
        keys: the columns that make a histogram.
        quantiles: wanted ones, within 0 and 1, by the name of their column.

    Returns:
        `keys`, `value_count`, `value_sum` and a column per quantile.
    """
    seen = (
        nw.from_native(counted)
        .with_columns(
            seen_count=nw.col("value_count").cum_sum().over(*keys, order_by="bin_low"),
            total_count=nw.col("value_count").sum().over(*keys),
        )
        .with_columns(before_count=nw.col("seen_count") - nw.col("value_count"))
    )
    return (
        seen.with_columns(**{name: _within_bin(quantile) for name, quantile in quantiles.items()})
        .group_by(*keys)
        .agg(nw.col("value_count", "value_sum").sum(), nw.col(*quantiles).max())
        .to_native()
    )


def _bin_step() -> nw.Expr:
    """Width of the bin of `counted`: 1 up to twice `BINS_PER_DOUBLING`, then doubling with the number."""
    step = nw.lit(1, nw.Int64)
    first = BINS_PER_DOUBLING.bit_length()
    for order in range(first, _ORDERS):
        step = (
            nw.when(nw.col("counted") >= 2**order).then(nw.lit(2**order // BINS_PER_DOUBLING, nw.Int64)).otherwise(step)
        )
    return step


def _within_bin(quantile: float) -> nw.Expr:
    """The quantile if its rank falls into the row's bin, else null; the bin's own are taken as spread evenly."""
    rank = nw.col("total_count") * quantile
    is_here = (rank > nw.col("before_count")) & (rank <= nw.col("seen_count"))
    is_lowest = (nw.col("before_count") == 0) & (rank <= 0)
    width = nw.col("bin_high") - nw.col("bin_low") - 1
    place = (rank - nw.col("before_count")) / nw.col("value_count")
    return nw.when(is_here | is_lowest).then(nw.col("bin_low") + place * width)
