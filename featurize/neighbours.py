"""The fast way, on polars, to find the call before each call and the first call of each turn: by the order of the rows.

Traces and the simulator write the calls of a session one below the other, so that most calls start after the row above.
What the order does not prove is looked up by key, so the answers do not depend on it: they are those of
`featurize.portable.linked_calls`. Keys are 64-bit hashes of the ids: of 20 million ids two share a key with a chance of
1 in 100,000, and only then may a call be linked to the wrong one.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import polars as pl

from featurize.portable.links import PREVIOUS, with_links

BEFORE_KEY = "before_key"
"""Column with the key of the call that a call starts after."""

_CALL_KEY, _TURN_KEY = "_call_key", "_turn_key"
_TURN_STRIDE = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: spreads the turns of a session over all keys (Knuth, TAOCP 3, 6.4; published)."""

_REPORTED = ("surface", "gap_s", *(name for name in PREVIOUS if name != "requested_us"))
_DERIVED: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "known_gap_s": pl.Float64(),
        "is_retry": pl.Boolean(),
        "is_agent": pl.Boolean(),
        "is_human_driven": pl.Boolean(),
    }
)
_NARROW = MappingProxyType({"turn_id": pl.Int32, "step_index": pl.Int32})


def id_key(column: str) -> pl.Expr:
    """The 64-bit key of an id; null for null."""
    return pl.when(pl.col(column).is_not_null()).then(pl.col(column).hash())


def linked_rows(calls: pl.LazyFrame, keep: Sequence[str] | None = None) -> pl.LazyFrame:
    """Link calls as `featurize.portable.linked_calls` does, in the order of the rows.

    Args:
        calls: frame valid under `ModelCalls`.
        keep: columns to return beside the new ones, None for all. Ids that are not kept are not held in memory.

    Returns:
        The kept columns, `before_key`, `known_gap_s`, `is_retry`, `is_agent`, `is_human_driven`, and `previous_call_id`
        where `call_id` is kept.
    """
    kept = tuple(calls.collect_schema().names() if keep is None else keep)
    brought = tuple(name for name in (*_REPORTED, "step_index") if name not in kept)
    told = calls.select(
        *kept,
        *(narrow(name) for name in brought),
        requested_us=pl.col("requested_at").dt.epoch("us"),
        **{BEFORE_KEY: id_key("starts_after_call_id"), _CALL_KEY: id_key("call_id"), _TURN_KEY: turn_key()},
    )
    dtypes = dict(told.collect_schema())
    schema = {name: dtypes[name] for name in (*kept, BEFORE_KEY)} | dict(_DERIVED)
    if "call_id" in kept:
        schema["previous_call_id"] = dtypes["call_id"]
    return told.map_batches(lambda frame: _linked(frame).select(*schema), schema=schema)


def narrow(column: str) -> pl.Expr:
    """A column that is compared and not returned, in less memory."""
    if column == "agent_id":
        return id_key(column).alias(column)
    return pl.col(column).cast(_NARROW[column]) if column in _NARROW else pl.col(column)


def turn_key() -> pl.Expr:
    """One key of session and turn."""
    return pl.col("session_id").hash() + pl.col("turn_id").cast(pl.UInt64) * pl.lit(_TURN_STRIDE, pl.UInt64)


def _linked(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows with what the call before and the turn tell."""
    before, call = frame[BEFORE_KEY], frame[_CALL_KEY]
    is_row_above = (before == call.shift(1)).fill_null(value=False)
    names = (*PREVIOUS, "call_id") if "call_id" in frame.columns else PREVIOUS
    above = pl.when(is_row_above)
    linked = _with_previous(frame.lazy(), {name: above.then(pl.col(name).shift(1)) for name in names}).collect()
    is_far = before.is_not_null() & ~is_row_above
    if is_far.any():
        rows = _rows_of(before.filter(is_far), call)
        previous = {name: frame[name].gather(rows) for name in names}
        far, place = _with_previous(frame.lazy().filter(is_far), previous).collect(), is_far.arg_true()
        found = [name for name in ("known_gap_s", "is_retry", "previous_call_id") if name in linked.columns]
        linked = linked.with_columns(linked[name].scatter(place, far[name]) for name in found)
    return linked.with_columns(is_human_driven=_is_first_of_turn(frame))


def _with_previous(rows: pl.LazyFrame, previous: Mapping[str, pl.Expr | pl.Series]) -> pl.LazyFrame:
    return with_links(rows.with_columns(**{f"previous_{name}": value for name, value in previous.items()}))


def _rows_of(wanted: pl.Series, call: pl.Series) -> pl.Series:
    """Row of each wanted call; null where the frame does not hold it."""
    held = pl.DataFrame({"key": call}).with_row_index("row").cast({"row": pl.Int64})
    sought = pl.DataFrame({"key": wanted})
    of_wanted = held.join(sought, on="key", how="semi")
    return sought.join(of_wanted, on="key", how="left", maintain_order="left")["row"]


def _is_first_of_turn(frame: pl.DataFrame) -> pl.Series:
    """Whether no call of the same session and turn has a smaller step.

    A row below an earlier step of its turn is not the first, so every first call is among the other rows. Of those,
    step 0 is the first of its turn, and only the rest has to be compared.
    """
    turn, step = pl.col(_TURN_KEY), pl.col("step_index")
    is_below = ((turn == turn.shift(1)) & (step > step.shift(1))).fill_null(value=False)
    rows = frame.lazy().select(_TURN_KEY, "step_index", may_be_first=~is_below)
    rivals = rows.filter("may_be_first").drop("may_be_first")
    open_turns = rivals.filter(step > 0)
    first_steps = rivals.join(open_turns, on=_TURN_KEY, how="semi").group_by(_TURN_KEY).agg(first_step=step.min())
    compared = open_turns.join(first_steps, on=_TURN_KEY, how="left", maintain_order="left")
    flags, is_first = pl.collect_all([rows.drop(_TURN_KEY), compared.select(step == pl.col("first_step"))])
    is_open = flags["may_be_first"] & (flags["step_index"] > 0)
    return flags["may_be_first"].scatter(is_open.arg_true(), is_first.to_series())
