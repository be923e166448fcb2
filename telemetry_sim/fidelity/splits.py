"""Fresh splits: a trace cut in two by session family, a synthetic trace fitted on one half, all three compared."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from telemetry_sim.fidelity.distances import group_weights, ks_distance, resampled_ks, wasserstein_log
from telemetry_sim.fidelity.families import one_session_per_family
from telemetry_sim.fidelity.joint import rank_correlations
from telemetry_sim.fidelity.samples import Sample, samples_of

Imitate = Callable[[pl.DataFrame, int], pl.DataFrame]
"""Fits a trace and gives a synthetic one of it, drawn with the seed."""

RESAMPLES = 200
COVERED = (0.05, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One fresh split, compared."""

    ks: dict[str, float]
    """Synthetic trace against the half that it was not fitted on."""
    wasserstein: dict[str, float]
    floor_ks: dict[str, float]
    """Half against half."""
    floor_wasserstein: dict[str, float]
    floor_correlation: dict[str, float]
    """Absolute difference of the rank correlations of the halves."""
    intervals: dict[str, tuple[float, float]]
    """90 % interval of `ks` under resampling of the families of the half that is compared with."""
    samples: tuple[dict[str, Sample], dict[str, Sample], dict[str, Sample]]
    """Of the half fitted on, the other half, and the synthetic trace."""


def halves(calls: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two halves by session, of one session per family, at random."""
    kept = one_session_per_family(calls)
    sessions = kept["session_id"].unique(maintain_order=True)
    order = np.random.default_rng(seed).permutation(len(sessions))
    first = sessions.gather(np.sort(order[: len(sessions) // 2]))
    is_first = pl.col("session_id").is_in(first.implode())
    return kept.filter(is_first), kept.filter(~is_first)


def compared_split(calls: pl.DataFrame, imitate: Imitate, seed: int) -> Split:
    """One fresh split: halves by family, fit on one, score on the other."""
    fitted, other = halves(calls, seed)
    synthetic = one_session_per_family(imitate(fitted, seed))
    own, fresh, made = samples_of(fitted), samples_of(other), samples_of(synthetic)
    names = [name for name in own if name in fresh and name in made]
    one, two = rank_correlations(fitted), rank_correlations(other)
    generator = np.random.default_rng(seed)
    return Split(
        ks={name: ks_distance(made[name].values, fresh[name].values) for name in names},
        wasserstein={name: wasserstein_log(made[name].values, fresh[name].values) for name in names},
        floor_ks={name: ks_distance(own[name].values, fresh[name].values) for name in names},
        floor_wasserstein={name: wasserstein_log(own[name].values, fresh[name].values) for name in names},
        floor_correlation={name: abs(one[name] - two[name]) for name in one if name in two},
        intervals={name: _interval(fresh[name], made[name], generator) for name in names},
        samples=(own, fresh, made),
    )


def _interval(real: Sample, synthetic: Sample, generator: np.random.Generator) -> tuple[float, float]:
    codes = real.sessions.rank("dense").to_numpy().astype(np.int64) - 1
    groups = int(codes.max()) + 1
    found: list[np.ndarray] = []
    for _ in range(0, RESAMPLES, max(1, min(RESAMPLES, 4_000_000 // len(codes)))):
        wanted = max(1, min(RESAMPLES, 4_000_000 // len(codes)))
        weights = group_weights(groups, wanted, generator)
        found.append(resampled_ks(real.values, codes, synthetic.values, weights))
    low, high = np.quantile(np.concatenate(found)[:RESAMPLES], COVERED)
    return float(low), float(high)
