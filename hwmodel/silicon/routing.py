"""How many rows each expert gets in measured mixtures of experts: the collector's routing, rebuilt from its name.

Read in the public collector of `aiconfigurator` (docs/sources.md): `balanced` deals choice i of token t to expert
t + i ceil(E / k), and times the first rank; `power_law_a` draws the experts' loads from a bounded power law x^-a,
scales them to the rows there are, and times the rank with the most rows. It draws without a seed and averages: so do
we, with one.
"""

from functools import lru_cache

import numpy as np
import polars as pl
from numba import njit

from hwmodel.silicon.errors import UnreadableTable

BALANCED = "balanced"
POWER_LAW = "power_law_"
TILE_ROWS = (8, 16, 32, 64, 128, 256)
"""Tile heights for which the tiles of all experts are counted."""
COLUMNS = ("rows", "active", "hit_tokens", "most_rows", "square_rows", *(f"tiles_{rows}" for rows in TILE_ROWS))
"""Of the timed rank: rows of all experts; experts with a row; tokens with a row; rows of the busiest expert; sum of
squared rows; sum over experts of ceil(rows / tile height)."""
HEIGHTS, COLUMNS_COUNT = np.array(TILE_ROWS), len(COLUMNS)
"""The same for compiled code."""
KEYS = ("num_tokens", "num_experts", "topk", "moe_ep_size", "distribution")
"""What a routing is drawn from."""
DRAWS = 10
"""Loads that are averaged. The collector averages 5."""
SEED = 7
FEW_LOADS = (0.01, 2.0)
"""Bounds of the power law where there are no more rows than experts. So the next: the upper one times tokens."""
MANY_LOADS = (1.0, 0.8)


def routing_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Mean histogram of each row's routing on the timed rank, as `COLUMNS`, in order of the rows.

    Args:
        rows: The columns of `KEYS`.

    Raises:
        UnreadableTable: A distribution that is not known, or experts that ranks cannot share evenly.
    """
    named = rows.select(pl.col(KEYS[:-1]).cast(pl.Int64), KEYS[-1])
    keys = named.unique(maintain_order=True)
    drawn = np.array([histogram(*key) for key in keys.iter_rows()]).reshape(len(keys), len(COLUMNS))
    told = keys.with_columns(**{name: pl.Series(drawn[:, at]) for at, name in enumerate(COLUMNS)})
    return named.join(told, on=KEYS, how="left", maintain_order="left").select(COLUMNS)


@lru_cache(maxsize=1 << 16)
def histogram(
    tokens_count: int, experts_count: int, topk_count: int, ranks_count: int, distribution: str
) -> tuple[float, ...]:
    """`COLUMNS` of one routing; the same key always draws the same.

    Raises:
        UnreadableTable: As `routing_of`.
    """
    if experts_count % ranks_count or not 1 <= topk_count <= experts_count:
        raise UnreadableTable(
            f"{experts_count} experts, {topk_count} of them per token, over {ranks_count} ranks: ranks share experts "
            "evenly, and a token asks for at most all of them"
        )
    exponent = power_of(distribution)
    local_count = experts_count // ranks_count
    if exponent == 0.0:
        return tuple(_balanced(tokens_count, experts_count, topk_count, local_count).tolist())
    key = (SEED, tokens_count, experts_count, topk_count, ranks_count, round(exponent * 1e6))
    uniform = np.random.default_rng(key).random((DRAWS, experts_count))
    return tuple(_power_law(tokens_count, topk_count, local_count, exponent, uniform).tolist())


def power_of(distribution: str) -> float:
    """Exponent of a distribution's power law, 0 for balanced routing.

    Raises:
        UnreadableTable: Neither.
    """
    if distribution == BALANCED:
        return 0.0
    try:
        exponent = float(distribution.removeprefix(POWER_LAW))
    except ValueError:
        exponent = 0.0
    if not distribution.startswith(POWER_LAW) or exponent <= 0.0 or exponent == 1.0:
        raise UnreadableTable(f"routing {distribution!r} is not known; known: {BALANCED}, {POWER_LAW}1.2 and the like")
    return exponent


@njit(cache=True, nogil=True)
def _counted(loads: np.ndarray, hit_tokens: float, weight: float, out: np.ndarray) -> None:
    """Adds one rank's loads to the mean."""
    out[0] += weight * loads.sum()
    out[1] += weight * (loads > 0).sum()
    out[2] += weight * hit_tokens
    out[3] += weight * loads.max()
    for load in loads:
        out[4] += weight * load * load
        for at in range(HEIGHTS.size):
            out[5 + at] += weight * ((load + HEIGHTS[at] - 1) // HEIGHTS[at])


@njit(cache=True, nogil=True)
def _balanced(tokens: int, experts: int, topk: int, local: int) -> np.ndarray:
    """Choice i of token t to expert t + i ceil(E / k); few tokens are spread evenly over the first stride."""
    loads = np.zeros(experts, np.int64)
    stride = -(-experts // topk)
    hits = 0
    for token in range(tokens):
        first = token if tokens >= stride else token * stride // tokens
        is_hit = False
        for choice in range(topk):
            expert = (first + choice * stride) % experts
            loads[expert] += 1
            is_hit = is_hit or expert < local
        hits += is_hit
    out = np.zeros(COLUMNS_COUNT)
    _counted(loads[:local], hits, 1.0, out)
    return out


@njit(cache=True, nogil=True)
def _power_law(tokens: int, topk: int, local: int, exponent: float, uniform: np.ndarray) -> np.ndarray:
    """Mean over the draws of the busiest rank's loads."""
    out = np.zeros(COLUMNS_COUNT)
    draws, experts = uniform.shape
    few = tokens * topk <= experts
    low = FEW_LOADS[0] if few else MANY_LOADS[0]
    high = FEW_LOADS[1] if few else max(MANY_LOADS[1] * tokens, 1.0)
    rest = 1.0 - exponent
    for draw in range(draws):
        wanted = ((high**rest - low**rest) * uniform[draw] + low**rest) ** (1.0 / rest)
        rounded = np.round(wanted / wanted.sum() * tokens * topk).astype(np.int64)
        loads = np.minimum(rounded, tokens)
        _even_out(loads, (rounded - loads).sum(), local, tokens)
        _even_out(loads, tokens * topk - loads.sum(), local, tokens)
        busiest = int(np.argmax(loads.reshape(-1, local).sum(axis=1)))
        rank = loads[busiest * local : (busiest + 1) * local]
        _counted(rank, _hit_tokens(loads, busiest, local, tokens), 1.0 / draws, out)
    return out


@njit(cache=True, nogil=True)
def _even_out(loads: np.ndarray, missing: int, local: int, tokens: int) -> None:
    """Adds (or takes) rows one at a time, rank by rank, at each rank's emptiest (fullest) expert."""
    step = 1 if missing > 0 else -1
    left = abs(missing)
    moved = True
    while left > 0 and moved:
        moved = False
        for rank in range(loads.size // local):
            own = loads[rank * local : (rank + 1) * local]
            chosen = np.argmin(own) if step > 0 else np.argmax(own)
            if left > 0 and 0 <= own[chosen] + step <= tokens:
                own[chosen] += step
                left -= 1
                moved = True


@njit(cache=True, nogil=True)
def _hit_tokens(loads: np.ndarray, rank: int, local: int, tokens: int) -> int:
    """Tokens with a row on a rank: experts take their rows from the tokens in turn, the fullest expert first."""
    change = np.zeros(tokens + 1, np.int64)
    position = 0
    for expert in np.argsort(-loads):
        load = loads[expert]
        if expert // local == rank and load > 0:
            first = position % tokens
            last = first + load
            change[first] += 1
            change[min(last, tokens)] -= 1
            if last > tokens:
                change[0] += 1
                change[last - tokens] -= 1
        position += load
    return (np.cumsum(change[:tokens]) > 0).sum()
