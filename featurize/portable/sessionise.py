"""Sessions of a trace that names none: the calls of a client with no long pause between them."""

from collections.abc import Sequence

import narwhals as nw
from narwhals.typing import IntoLazyFrameT

from featurize.portable.links import MICROSECONDS_PER_S, not_negative

ONE_CLIENT: tuple[str, ...] = ("client_id",)


def sessionise(calls: IntoLazyFrameT, *, gap_limit_s: float, keys: Sequence[str] = ONE_CLIENT) -> IntoLazyFrameT:
    """Cut each client's calls into sessions where it paused for longer than a limit.

    A pause is the time from the end of the client's previous call, its request if the end is not known, to the next
    request, and not below 0 for calls side by side. Calls of one instant are ordered by their id.

    Args:
        calls: frame with `call_id`, `requested_us` (whole microseconds), `duration_s` and the keys; none of the columns
            that this adds.
        gap_limit_s: longest pause inside a session.
        keys: columns that make calls those of one client; none of them null.

    Returns:
        `calls`, in no promised order, with `session_number` (from 0 for each client), `step_index` (from 0 in each
        session), `starts_after_call_id` and `gap_s` (both null for the first call of a session).
    """
    order = ("requested_us", "call_id")
    told_us = nw.when(nw.col("duration_s").is_null()).then(nw.lit(0.0)).otherwise(nw.col("duration_s"))
    end_us = nw.col("requested_us") + (told_us * MICROSECONDS_PER_S).round().cast(nw.Int64)
    pause_s = not_negative((nw.col("requested_us") - nw.col("previous_end_us")) / MICROSECONDS_PER_S)
    begins = nw.col("pause_s").is_null() | (nw.col("pause_s") > gap_limit_s)
    in_session = (*keys, "session_number")
    return (
        nw.from_native(calls)
        .with_columns(end_us=end_us, one=nw.lit(1, nw.Int64))
        .with_columns(
            previous_end_us=nw.col("end_us").shift(1).over(*keys, order_by=order),
            before_call_id=nw.col("call_id").shift(1).over(*keys, order_by=order),
        )
        .with_columns(pause_s=pause_s)
        .with_columns(begins=nw.when(begins).then(nw.lit(1, nw.Int64)).otherwise(nw.lit(0, nw.Int64)))
        .with_columns(session_number=nw.col("begins").cum_sum().over(*keys, order_by=order) - 1)
        .with_columns(
            step_index=nw.col("one").cum_sum().over(*in_session, order_by=order) - 1,
            starts_after_call_id=nw.when(nw.col("begins") == 0).then(nw.col("before_call_id")),
            gap_s=nw.when(nw.col("begins") == 0).then(nw.col("pause_s")),
        )
        .drop(["end_us", "one", "previous_end_us", "before_call_id", "pause_s", "begins"])
        .to_native()
    )
