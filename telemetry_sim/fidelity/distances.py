"""Distances between two samples: Kolmogorov and Smirnov's, and Wasserstein's first on logarithms; with resampling."""

import numpy as np

from telemetry_sim.laws import Floats, Ints

LEAST_AMOUNT = 1.0
"""Amounts are raised to this before their logarithm is taken: a count of tokens or seconds below 1 is like 1."""


def log_amounts(amounts: Floats) -> Floats:
    """Natural logarithm of amounts, those below 1 counted as 1."""
    return np.log(np.maximum(amounts, LEAST_AMOUNT))


def ks_distance(one: Floats, other: Floats) -> float:
    """Largest difference of the two distribution functions, 0 to 1; nan if a sample is empty."""
    if len(one) == 0 or len(other) == 0:
        return float("nan")
    one, other = np.sort(one), np.sort(other)
    places = np.concatenate((one, other))
    gap = np.searchsorted(one, places, side="right") / len(one)
    gap -= np.searchsorted(other, places, side="right") / len(other)
    return float(np.abs(gap).max())


def wasserstein_log(one: Floats, other: Floats) -> float:
    """Mean distance between the quantiles of the logarithms of two samples of amounts; nan if one is empty."""
    if len(one) == 0 or len(other) == 0:
        return float("nan")
    one, other = np.sort(log_amounts(one)), np.sort(log_amounts(other))
    places = np.sort(np.concatenate((one, other)))
    gap = np.searchsorted(one, places[:-1], side="right") / len(one)
    gap -= np.searchsorted(other, places[:-1], side="right") / len(other)
    return float((np.abs(gap) * np.diff(places)).sum())


def resampled_ks(real: Floats, groups: Ints, synthetic: Floats, weights: Floats) -> Floats:
    """KS distance of resampled versions of the real sample to the synthetic one.

    Args:
        real: Real sample. Shape (values,).
        groups: Number of the group (session family) of each value. Shape (values,).
        synthetic: Synthetic sample, kept as it is.
        weights: How often each group is drawn in each resample. Shape (resamples, groups).
    """
    order = np.argsort(real, kind="stable")
    values, drawn = real[order], weights[:, groups[order]]
    summed = np.cumsum(drawn, axis=1)
    summed /= np.maximum(summed[:, -1:], 1e-12)
    told = np.sort(synthetic)
    last = np.append(values[1:] != values[:-1], [True])
    at = np.searchsorted(told, values, side="right") / len(told)
    before = np.searchsorted(told, values, side="left") / len(told)
    first = np.append([True], last[:-1])
    starts = np.concatenate((np.zeros((len(summed), 1)), summed[:, :-1]), axis=1)
    above = np.abs(summed - at)[:, last].max(axis=1)
    below = np.abs(starts - before)[:, first].max(axis=1)
    return np.maximum(above, below)


def group_weights(groups_count: int, resamples: int, generator: np.random.Generator) -> Floats:
    """How often each group is drawn, with replacement, as many times as there are groups. Shape (resamples, groups)."""
    chances = np.full(groups_count, 1.0 / groups_count)
    return generator.multinomial(groups_count, chances, size=resamples).astype(np.float64)
