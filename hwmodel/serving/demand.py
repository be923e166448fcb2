"""Demand as the replay wants it: calls of one LLM as arrays, with who starts after whom and who shares whose prefix."""

from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from hwmodel.serving.errors import EmptyDemand
from warehouse.contracts import SERVICE_TIERS, SURFACES

NONE = -1
NS_PER_S = 1_000_000_000


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
    )


def thin_sessions(demand: ReplayDemand, share: float, *, seed: int = 0) -> ReplayDemand:
    """A share of the sessions, the same ones for the same seed: a smaller share is a subset of a larger one.

    Raises:
        EmptyDemand: Not one session is left.
    """
    lot = np.random.default_rng(seed).permutation(int(demand.session.max()) + 1)
    return _refuse_empty(_sessions_only(demand, lot < round(share * lot.size)), share, lot.size)


def scale_sessions(demand: ReplayDemand, factor: float, *, jitter_s: float, seed: int) -> ReplayDemand:
    """The same demand with `factor` times as many sessions: clones start up to `jitter_s` later; no gap is squeezed.

    A fractional part takes that share of the sessions once more. Factors below 1 take a share of the sessions.

    Raises:
        EmptyDemand: Not one session is left.
    """
    rng = np.random.default_rng(seed)
    session_count = int(demand.session.max()) + 1
    lot = rng.permutation(session_count)
    copies = [demand] if factor >= 1.0 else []
    whole = int(factor)
    copies.extend(_shifted(demand, rng, session_count, jitter_s, clone) for clone in range(1, whole))
    if (share := factor - whole) > 1e-9 or not copies:
        kept = _sessions_only(demand, lot < round(share * session_count))
        copies.append(_shifted(kept, rng, session_count, jitter_s if factor > 1.0 else 0.0, whole))
    return _refuse_empty(_in_order(_joined(copies)), factor, session_count)


def _refuse_empty(demand: ReplayDemand, share: float, session_count: int) -> ReplayDemand:
    if len(demand) == 0:
        raise EmptyDemand(f"{share:.2g} of {session_count} sessions is not one session; take a larger share or window")
    return demand


def _shifted(
    demand: ReplayDemand, rng: np.random.Generator, session_count: int, jitter_s: float, clone: int
) -> ReplayDemand:
    shift_ns = (rng.random(session_count) * jitter_s * NS_PER_S).astype(np.int64)
    return replace(
        demand,
        start_ns=demand.start_ns + shift_ns[demand.session],
        session=demand.session + clone * session_count,
    )


def _sessions_only(demand: ReplayDemand, keep: Bool[np.ndarray, "sessions"]) -> ReplayDemand:
    rows = keep[demand.session]
    position = np.where(rows, np.cumsum(rows) - 1, NONE)
    taken = {f.name: getattr(demand, f.name)[rows] for f in fields(demand)}
    lost_parent = (taken["parent"] >= 0) & ~rows[taken["parent"]]
    taken["after"] = _moved(taken["after"], position)
    taken["parent"] = _moved(taken["parent"], position)
    taken["is_warm"] = taken["is_warm"] | (lost_parent & (taken["shared_tokens"] > 0))
    return ReplayDemand(**taken)


def _joined(parts: list[ReplayDemand]) -> ReplayDemand:
    columns = {f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(ReplayDemand)}
    offsets = np.repeat(np.cumsum([0, *[len(p) for p in parts[:-1]]]), [len(p) for p in parts])
    for name in ("after", "parent"):
        columns[name] = np.where(columns[name] >= 0, columns[name] + offsets, NONE)
    return ReplayDemand(**columns)


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
