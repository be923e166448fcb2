"""The compiled closed form against the same sums written out over arrays, and against cases worked out by hand."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.serving import ReusePattern, SteadyLoad, StepGrids, cached_ratio, replicas_of

TOKENS, CHUNKS, BATCH = 2.0 ** np.arange(0, 15, 2), 2.0 ** np.arange(0, 14, 2), 2.0 ** np.arange(9)
NO_REUSE = ReusePattern(np.empty(0), np.empty(0))
DESIGNS = 4


def load(**changes: float) -> SteadyLoad:
    usual = SteadyLoad(
        calls_per_s=20.0,
        output_tokens=200.0,
        fresh_tokens=500.0,
        shared_tokens=3000.0,
        held_tokens=3700.0,
        tpot_limit_s=0.04,
        most_tokens=8192.0,
        utilisation_ratio=0.75,
    )
    return usual._replace(**changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Every design's own times, in ns."""

    dense: np.ndarray
    rows: np.ndarray
    decode: np.ndarray
    prefill: np.ndarray

    @classmethod
    def drawn(cls, seed: int) -> "Tables":
        rng = np.random.default_rng(seed)

        def rising(grid: np.ndarray, low: float, slope: float) -> np.ndarray:
            start, rise = low * rng.uniform(0.5, 2.0, (DESIGNS, 1)), slope * rng.uniform(0.5, 2.0, (DESIGNS, 1))
            return np.asarray(start + rise * grid)

        return cls(
            dense=rising(TOKENS, 5e6, 5e3),
            rows=rising(BATCH, 2e5, 1e3),
            decode=rising(BATCH, 4e5, 3e4),
            prefill=rising(CHUNKS, 1e5, 4e3),
        )

    def grids(self) -> StepGrids:
        def whole(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            return values, np.zeros((1, values.shape[1])), np.zeros(values.shape[1])

        return StepGrids(
            own_row=np.arange(DESIGNS),
            link_row=np.zeros(DESIGNS, dtype=np.int64),
            added_launch_ns=np.zeros(DESIGNS),
            tokens=TOKENS,
            dense=whole(self.dense),
            batch=BATCH,
            rows=whole(self.rows),
            decode=whole(self.decode),
            chunks=CHUNKS,
            prefill=whole(self.prefill),
        )


def written_out(tables: Tables, asked: SteadyLoad, reuse: ReusePattern, capacity: np.ndarray) -> list[float]:
    """The definition, design by design, with numpy's own interpolation."""
    found = []
    for d in range(DESIGNS):
        hit, replicas = 1.0, np.inf
        for _ in range(4):
            uncached = asked.fresh_tokens + (1.0 - hit) * asked.shared_tokens
            rates = []
            for at, batch in enumerate(BATCH):
                prompt = min(batch * uncached / asked.output_tokens, asked.most_tokens)

                def step_s(chunk: float, batch: float = batch, at: int = at, d: int = d) -> float:
                    dense = np.interp(batch + chunk, TOKENS, tables.dense[d])
                    prefill = np.interp(chunk, CHUNKS, tables.prefill[d]) * min(chunk, 1.0)
                    return float(dense + prefill + tables.rows[d, at] + tables.decode[d, at]) / 1e9

                good = batch * asked.held_tokens <= capacity[d]
                good = good and step_s(prompt * (1.0 - 1.0 / batch)) <= asked.tpot_limit_s
                rates.append(prompt / (uncached * step_s(prompt)) if good else 0.0)
            best = int(np.argmax(rates))
            replicas = asked.calls_per_s / (asked.utilisation_ratio * rates[best]) if rates[best] else np.inf
            free = max(capacity[d] - BATCH[best] * asked.held_tokens, 0.0) if rates[best] else 0.0
            if reuse.laid_down_s.size:
                rate = asked.calls_per_s / max(replicas, 1e-9) * asked.held_tokens
                hit = float(np.interp(free / max(rate, 1e-9), reuse.laid_down_s, reuse.covered_ratio))
        found.append(replicas)
    return found


@given(
    seed=st.integers(0, 10_000),
    tpot_limit_s=st.floats(0.004, 0.2),
    fresh_tokens=st.floats(20.0, 5000.0),
    output_tokens=st.floats(10.0, 2000.0),
    room=st.floats(3.0, 12.0),
    gap_s=st.floats(1.0, 3000.0),
)
def test_the_loop_does_what_is_written_out(  # noqa: PLR0917 - drawn
    seed: int, tpot_limit_s: float, fresh_tokens: float, output_tokens: float, room: float, gap_s: float
) -> None:
    tables = Tables.drawn(seed)
    asked = load(tpot_limit_s=tpot_limit_s, fresh_tokens=fresh_tokens, output_tokens=output_tokens)
    capacity = 10.0**room * np.array([1.0, 1.5, 2.0, 4.0])
    gaps = gap_s * np.linspace(0.1, 3.0, 25)
    laid_down = np.array([np.minimum(gaps, t).mean() for t in (0.0, *gaps)])
    reuse = ReusePattern(laid_down, np.append(0.0, np.linspace(0.02, 1.0, 25)))
    wanted = written_out(tables, asked, reuse, capacity)
    assert replicas_of(tables.grids(), asked, reuse, capacity).tolist() == pytest.approx(wanted, rel=1e-9)


def test_one_call_at_a_time_takes_its_output_steps() -> None:
    """Steps of 10 ms whatever they hold, room for one call of 100 tokens: one call a second, three quarters usable."""
    flat = {name: np.zeros((DESIGNS, grid.size)) for name, grid in (("rows", BATCH), ("decode", BATCH))}
    tables = Tables(dense=np.full((DESIGNS, TOKENS.size), 1e7), prefill=np.zeros((DESIGNS, CHUNKS.size)), **flat)
    asked = load(output_tokens=100.0, held_tokens=1000.0, fresh_tokens=50.0, calls_per_s=3.0)
    replicas = replicas_of(tables.grids(), asked, NO_REUSE, np.full(DESIGNS, 1500.0))
    assert replicas.tolist() == pytest.approx([3.0 / 0.75] * DESIGNS)


def test_no_batch_within_the_promise_or_the_memory_needs_infinitely_many() -> None:
    tables = Tables.drawn(1)
    assert np.isinf(replicas_of(tables.grids(), load(tpot_limit_s=1e-9), NO_REUSE, np.full(DESIGNS, 1e6))).all()
    assert np.isinf(replicas_of(tables.grids(), load(), NO_REUSE, np.full(DESIGNS, 1.0))).all()


def test_without_free_memory_nothing_is_found_again_and_without_reuse_nothing_is_lost() -> None:
    reuse = ReusePattern(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.5, 1.0]))
    assert cached_ratio(reuse, 10.0, 0.0) == 0.0
    assert cached_ratio(reuse, 10.0, 15.0) == pytest.approx(0.75)
    assert cached_ratio(reuse, 10.0, 1e9) == 1.0
    assert cached_ratio(NO_REUSE, 10.0, 0.0) == 1.0
