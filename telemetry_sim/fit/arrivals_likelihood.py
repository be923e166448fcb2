"""Likelihood of counts per step under a hidden rate: a forward pass over levels of the log-rate and silences.

The Gaussian autoregression of the log-rate is put on a grid by Rouwenhorst's method (Kopecky and Suen, Rev. Econ. Dyn.
2010, doi:10.1016/j.red.2010.02.002), which keeps its variance and correlation exactly whatever its memory. Counts given
the rate are Poisson, or negative binomial with variance `spread` times the mean.
"""

import math

import numpy as np
from numba import njit
from scipy.special import comb, gammaln

from telemetry_sim.laws import Floats, Ints

IMPOSSIBLE = -1e300
"""Log-likelihood of what cannot be."""


def level_chain(memory: float, count: int) -> tuple[Floats, Floats, Floats]:
    """Values (unit variance), weights and step matrix of a discrete autoregression.

    Args:
        memory: Correlation of one step with the next, 0 to 1.
        count: Number of levels, 2 or more.
    """
    stay = 0.5 * (1.0 + memory)
    chain = np.array([[stay, 1.0 - stay], [1.0 - stay, stay]])
    for size in range(3, count + 1):
        wider = np.zeros((size, size))
        wider[:-1, :-1] += stay * chain
        wider[:-1, 1:] += (1.0 - stay) * chain
        wider[1:, :-1] += (1.0 - stay) * chain
        wider[1:, 1:] += stay * chain
        wider[1:-1] *= 0.5
        chain = wider
    weights = comb(count - 1, np.arange(count)) / 2.0 ** (count - 1)
    return np.linspace(-1.0, 1.0, count) * math.sqrt(count - 1), weights, chain


def count_probabilities(most: int, means: Floats, spread: float) -> Floats:
    """Probability of each count from 0 to `most` at each mean. Shape (most + 1, means)."""
    counts, mean = np.arange(most + 1.0)[:, None], np.asarray(means)[None, :]
    if spread < 1.0 + 1e-4:
        return np.asarray(np.exp(counts * np.log(mean) - mean - gammaln(counts + 1.0)))
    size = mean / (spread - 1.0)
    log_p = gammaln(counts + size) - gammaln(size) - gammaln(counts + 1.0)
    return np.asarray(np.exp(log_p - size * math.log(spread) + counts * math.log1p(-1.0 / spread)))


@njit(cache=True)
def chain_log_likelihood(counts: Ints, start: Floats, chain: Floats, table: Floats) -> float:
    """Log-likelihood of counts under one hidden chain.

    Args:
        counts: Count of each step. Shape (steps,).
        start: Weights of the first state. Shape (states,).
        chain: Step matrix, row = from. Shape (states, states).
        table: Probability of a count in a state. Shape (most + 1, states).
    """
    states = len(start)
    weights = start * table[counts[0]]
    total = weights.sum()
    if not total > 0.0:
        return IMPOSSIBLE
    weights /= total
    found = math.log(total)
    after = np.empty(states)
    for step in range(1, len(counts)):
        row = table[counts[step]]
        total = 0.0
        for to in range(states):
            reached = 0.0
            if row[to] > 0.0:
                for begin in range(states):
                    reached += weights[begin] * chain[begin, to]
                reached *= row[to]
            after[to] = reached
            total += reached
        if not total > 0.0:
            return IMPOSSIBLE
        found += math.log(total)
        for to in range(states):
            weights[to] = after[to] / total
    return found


@njit(cache=True)
def pair_log_likelihood(
    counts: Ints, start_a: Floats, chain_a: Floats, start_b: Floats, chain_b: Floats, table: Floats
) -> float:
    """The same for two independent hidden chains side by side, state (a, b) in column a * states_b + b of the table."""
    size_a, size_b = len(start_a), len(start_b)
    weights = np.outer(start_a, start_b)
    found = 0.0
    for step in range(len(counts)):
        if step > 0:
            weights = chain_a.T @ weights @ chain_b
        weights = weights * table[counts[step]].copy().reshape(size_a, size_b)
        total = weights.sum()
        if not total > 0.0:
            return IMPOSSIBLE
        found += math.log(total)
        weights /= total
    return found
