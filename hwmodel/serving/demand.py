"""Demand as the replay wants it: calls of one LLM as arrays, with who starts after whom and who shares whose prefix."""

from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from hwmodel.serving.errors import EmptyDemand
from warehouse.contracts import SERVICE_TIERS, SURFACES

NONE = -1
NS_PER_S = 1_000_000_000
GOLDEN_RATIO = (5.0**0.5 - 1.0) / 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDemand:
    """Calls in order of their observed request; every array has one entry per call. Indices are -1 for none."""

    start_ns: Int[np.ndarray, "calls"]
    """Own start on the replay's clock; used where `after` is none."""
    after: Int[np.ndarray, "calls"]
    """Call that must end first."""
    gap_ns: Int[np.ndarray, "calls"]
    input_tokens: Int[np.ndarray, "calls"]
    output_tokens: Int[np.ndarray, "calls"]
    parent: Int[np.ndarray, "calls"]
    shared_tokens: Int[np.ndarray, "calls"]
    is_warm: Bool[np.ndarray, "calls"]
    """The prefix was built before the replay began: taken as cached."""
    is_scored: Bool[np.ndarray, "calls"]
    """False for the lead-in before the window."""
    surface: Int[np.ndarray, "calls"]
    tier: Int[np.ndarray, "calls"]
    session: Int[np.ndarray, "calls"]
    ttft_limit_s: Float[np.ndarray, "calls"]
    tpot_limit_s: Float[np.ndarray, "calls"]
    attainment_target_ratio: Float[np.ndarray, "calls"]
    value_usd_per_token: Float[np.ndarray, "calls"]
    """0 for calls nobody pays for."""
    weight_ratio: Float[np.ndarray, "calls"]
    """How many calls this one stands for. The replay serves each call once: `scale_sessions` makes calls of weights."""

    def __len__(self) -> int:
        return int(self.start_ns.size)


def replay_demand(calls: pl.DataFrame, policy: pl.DataFrame, *, scored_from_s: float = 0.0) -> ReplayDemand:
    """Arrays of one LLM's calls out of frames valid under `DemandCalls` and `ServingPolicy`.

    Args:
        calls: Demand of one LLM; calls beyond its context must be taken out (and counted) before.
        policy: Service levels by surface and tier.
        scored_from_s: Seconds after the first request before which calls only warm the replicas up.

    Raises:
        EmptyDemand: No calls.
    """
    if calls.is_empty():
        raise EmptyDemand("no calls to replay; take a longer window or another surface")
    limits = policy.select("surface", "service_tier", "ttft_limit_s", "tpot_limit_s", "attainment_target_ratio")
    frame = (
        calls.sort("requested_at", "session_id", "step_index", "call_id")
        .join(limits, on=["surface", "service_tier"], how="left", maintain_order="left")
        .with_row_index("position")
    )
    positions = frame.select(pl.col("call_id"), pl.col("position").cast(pl.Int64))
    after = _position_of(frame, positions, "starts_after_call_id")
    parent = _position_of(frame, positions, "parent_call_id")
    start_ns = _since_first_ns(frame)
    shared = frame["shared_prefix_tokens"].to_numpy().astype(np.int64)
    earlier = np.arange(len(frame))
    return ReplayDemand(
        start_ns=start_ns,
        after=np.where(after < earlier, after, NONE),
        gap_ns=(frame["gap_s"].to_numpy() * NS_PER_S).astype(np.int64),
        input_tokens=frame["input_tokens"].to_numpy().astype(np.int64),
        output_tokens=frame["output_tokens"].to_numpy().astype(np.int64),
        parent=np.where(parent < earlier, parent, NONE),
        shared_tokens=shared,
        is_warm=(parent == NONE) & (shared > 0),
        is_scored=start_ns >= int(scored_from_s * NS_PER_S),
        surface=_code(frame["surface"], SURFACES),
        tier=_code(frame["service_tier"], SERVICE_TIERS),
        session=frame["session_id"].rank("dense").to_numpy().astype(np.int64) - 1,
        ttft_limit_s=frame["ttft_limit_s"].to_numpy().astype(np.float64),
        tpot_limit_s=frame["tpot_limit_s"].to_numpy().astype(np.float64),
        attainment_target_ratio=frame["attainment_target_ratio"].to_numpy().astype(np.float64),
        value_usd_per_token=frame.select(pl.col("value_usd_per_token") * pl.col("paid")).to_series().to_numpy(),
        weight_ratio=frame["weight_ratio"].to_numpy().astype(np.float64),
    )


def thin_sessions(demand: ReplayDemand, share: float, *, seed: int = 0) -> ReplayDemand:
    """A share of the sessions, the same ones for the same seed: a smaller share is a subset of a larger one.

    Raises:
        EmptyDemand: Not one session is left.
    """
    lot = np.random.default_rng(seed).permutation(int(demand.session.max()) + 1)
    keep = (lot < round(share * lot.size))[demand.session]
    return _refuse_empty(
        _cloned(demand, keep.astype(np.int64), np.zeros((1, lot.size), dtype=np.int64)), share, lot.size
    )


def scale_sessions(
    demand: ReplayDemand, factor: float, *, jitter_s: float, seed: int, stratified: bool = False
) -> ReplayDemand:
    """The same demand with `factor` times as many sessions: clones start up to `jitter_s` later; no gap is squeezed.

    A call of weight w is there `factor` x w times, on average over seeds; a fractional part takes that share of the
    sessions once more. All calls of a session share one lot. So where weights rise along a session (they do where
    like sessions were left), a clone may hold only the end of it: it stands for a session that was left and would
    have gone on. It starts when that end was observed and finds its prefix where the whole session left it. Whether
    its user would still be there is counted from that start. Where a weight falls below the one before, a clone may
    lack calls in between; it then goes on when the next one was observed.

    Args:
        demand: With weights; those of the result are 1.
        factor: Sessions over observed ones; below 1, a share of the sessions.
        jitter_s: Most that a clone starts later.
        seed: Of lots and jitter.
        stratified: Each surface and tier is there in its own share, to a session, and not only on average.

    Raises:
        EmptyDemand: Not one session is left.
    """
    rng = np.random.default_rng(seed)
    session_count = int(demand.session.max()) + 1
    lots = rng.permutation(session_count)
    if stratified:
        lots = _evenly_dealt(demand, lots)
    times = _times(factor * demand.weight_ratio, lots[demand.session], session_count)
    later_ns = (rng.random((max(int(times.max()) - 1, 0), session_count)) * jitter_s * NS_PER_S).astype(np.int64)
    scaled = _cloned(demand, times, np.concatenate([np.zeros((1, session_count), dtype=np.int64), later_ns]))
    once = replace(scaled, weight_ratio=np.ones(len(scaled)))
    return _in_order(_refuse_empty(once, factor, session_count))


def _evenly_dealt(demand: ReplayDemand, lots: Int[np.ndarray, "sessions"]) -> Int[np.ndarray, "sessions"]:
    """Lots of which any first so many lie evenly over sessions in order of surface and tier.

    Multiples of the golden ratio, modulo 1, leave no gap much wider than another, however many are taken.
    """
    level = np.zeros(lots.size, dtype=np.int64)
    level[demand.session] = demand.surface * len(SERVICE_TIERS) + demand.tier
    order = np.lexsort((lots, level))
    spread = np.argsort(np.argsort((np.arange(lots.size) * GOLDEN_RATIO) % 1.0, kind="stable"), kind="stable")
    dealt = np.empty_like(lots)
    dealt[order] = spread
    return dealt


def _times(
    wanted: Float[np.ndarray, "calls"], lot: Int[np.ndarray, "calls"], session_count: int
) -> Int[np.ndarray, "calls"]:
    """How often each call is there: what is wanted, a fractional part by the lot of its session."""
    whole = np.floor(wanted)
    return whole.astype(np.int64) + (lot < np.round((wanted - whole) * session_count))


def _refuse_empty(demand: ReplayDemand, share: float, session_count: int) -> ReplayDemand:
    if len(demand) == 0:
        raise EmptyDemand(f"{share:.2g} of {session_count} sessions is not one session; take a larger share or window")
    return demand


def _cloned(
    demand: ReplayDemand, times: Int[np.ndarray, "calls"], later_ns: Int[np.ndarray, "copies sessions"]
) -> ReplayDemand:
    """Every call so many times, copy by copy, the sessions of a copy starting so much later.

    A call whose start or prefix is not in its copy starts when it was observed, or finds its prefix in the first copy
    of its own session; where that is not there either, the prefix was built by somebody left out: taken as cached.
    """
    rows = [np.flatnonzero(times > copy) for copy in range(len(later_ns))]
    source = np.concatenate(rows)
    copy = np.repeat(np.arange(len(rows)), [part.size for part in rows])
    position = np.full((len(rows), len(demand)), NONE, dtype=np.int64)
    position[copy, source] = np.arange(source.size)
    taken = {f.name: getattr(demand, f.name)[source] for f in fields(demand)}
    wanted = taken["parent"]
    parent = np.where(wanted >= 0, position[copy, wanted], NONE)
    own = (wanted >= 0) & (demand.session[wanted] == taken["session"])
    taken["parent"] = np.where((parent == NONE) & own, position[0, wanted], parent)
    taken["is_warm"] = taken["is_warm"] | ((wanted >= 0) & (taken["parent"] == NONE) & (taken["shared_tokens"] > 0))
    taken["after"] = np.where(taken["after"] >= 0, position[copy, taken["after"]], NONE)
    taken["start_ns"] = taken["start_ns"] + later_ns[copy, taken["session"]]
    taken["session"] = taken["session"] + copy * later_ns.shape[1]
    return ReplayDemand(**taken)


def _in_order(demand: ReplayDemand) -> ReplayDemand:
    order = np.argsort(demand.start_ns, kind="stable")
    position = np.empty(len(demand), dtype=np.int64)
    position[order] = np.arange(len(demand))
    columns = {f.name: getattr(demand, f.name)[order] for f in fields(demand)}
    columns["after"] = _moved(columns["after"], position)
    parent = _moved(columns["parent"], position)
    # A clone of another session may now come before the call whose prefix it shared: it then finds no cache.
    columns["parent"] = np.where(parent < np.arange(len(demand)), parent, NONE)
    return ReplayDemand(**columns)


def _moved(index: Int[np.ndarray, "calls"], position: Int[np.ndarray, "old"]) -> Int[np.ndarray, "calls"]:
    return np.where(index >= 0, position[index], NONE)


def _position_of(frame: pl.DataFrame, positions: pl.DataFrame, column: str) -> Int[np.ndarray, "calls"]:
    found = frame.select(column).join(positions, left_on=column, right_on="call_id", how="left", maintain_order="left")
    return found["position"].fill_null(NONE).to_numpy().astype(np.int64)


def _since_first_ns(frame: pl.DataFrame) -> Int[np.ndarray, "calls"]:
    micros = frame["requested_at"].dt.epoch("us").to_numpy().astype(np.int64)
    return (micros - micros.min()) * 1_000


def _code(column: pl.Series, vocabulary: tuple[str, ...]) -> Int[np.ndarray, "calls"]:
    return column.cast(pl.Enum(vocabulary)).to_physical().to_numpy().astype(np.int64)
