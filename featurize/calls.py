"""The heavy transforms of single calls: who follows whom, and how long each call was waited for, and by what."""

from collections.abc import Sequence

import polars as pl

from featurize import portable
from featurize.neighbours import BEFORE_KEY, id_key, linked_rows
from featurize.portable import AGENT_SURFACES, CLOCK_GRAIN_S, WAITS

__all__ = [
    "AGENT_SURFACES",
    "CLOCK_GRAIN_S",
    "WAITS",
    "call_waits",
    "first_token_wait_s",
    "is_agent",
    "linked_calls",
    "tool_spans",
]

_SPLIT = ("status", "output_tokens", "queue_s", "ttft_s", "duration_s")


def linked_calls(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Join each call to the call that it starts after, and name what the pair tells.

    Args:
        calls: frame valid under `ModelCalls`.

    Returns:
        `calls`, in order, with `previous_call_id` (null where that call is not in the frame), `known_gap_s` (null where
        neither the gap nor the previous call's end is known), `is_retry`, `is_human_driven`, `is_agent`.
    """
    return linked_rows(calls).drop(BEFORE_KEY)


def call_waits(calls: pl.LazyFrame, tools: pl.LazyFrame, *, keep: Sequence[str] | None = None) -> pl.LazyFrame:
    """Split the time around each call by what was waited for.

    Tool and human waits lie before the call, the others inside it. A wait that the trace does not tell is null. Where
    `queue_s` is null the prefill wait is the whole time to first token, because nobody told the queue apart; a call
    that was cut at 0 output tokens waited for its first token until the cut, and one that tells its duration but not
    its first token (not streamed) waited for undivided service, less the known queue. What a known tool run leaves of
    a gap inside a turn is human time, as somebody approved it; the back-off before a retry is `backoff_s`, neither
    tool nor human. The split itself is `featurize.portable.with_waits`.

    Args:
        calls: frame valid under `ModelCalls`.
        tools: frame valid under `ToolCalls`; may be empty.
        keep: columns of `calls` to return, None for all; each one that is left out, ids above all, spares memory.

    Returns:
        The kept columns in the order of `calls`, those of `linked_calls`, and `queue_wait_s`, `prefill_wait_s`,
        `decode_wait_s`, `service_wait_s`, `tool_wait_s`, `human_wait_s`, `backoff_s`.
    """
    needed = None if keep is None else tuple(dict.fromkeys((*keep, *_SPLIT)))
    linked = linked_rows(calls, needed)
    spans = tool_spans(tools.with_columns(call_id=id_key("call_id"))).rename({"call_id": BEFORE_KEY})
    waits = portable.with_waits(linked.join(spans, on=BEFORE_KEY, how="left", maintain_order="left")).drop(BEFORE_KEY)
    return waits if keep is None else waits.drop(name for name in _SPLIT if name not in keep)


def tool_spans(tools: pl.LazyFrame) -> pl.LazyFrame:
    """Wall time of the tools that each call asked for, first start to last end (they may run side by side)."""
    return portable.tool_spans(tools.with_columns(started_us=pl.col("started_at").dt.epoch("us")))


def is_agent() -> pl.Expr:
    """Whether the call belongs to an agent's loop."""
    return pl.any_horizontal(pl.col("surface") == surface for surface in AGENT_SURFACES)


def first_token_wait_s() -> pl.Expr:
    """Time to first token; for a call that was cut when nothing had come out, the time until the cut."""
    is_cut_before = (pl.col("status") != "ok") & (pl.col("output_tokens") == 0)
    return pl.coalesce("ttft_s", pl.when(is_cut_before).then(pl.col("duration_s")))
