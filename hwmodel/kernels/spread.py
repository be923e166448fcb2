"""How unevenly rows fall on the groups of a grouped product, as one number."""

import numpy as np
from jaxtyping import Float

LARGEST_SPREAD = 100.0
"""Log of the fullest group over the emptiest beyond which no routing goes. Found by halving, so many times."""
HALVINGS = 50
LEAST_EXCESS = 1e-6
"""Second moment over squared mean, less 1, below which groups count as equal."""


def spread_log(moment: Float[np.ndarray, "routings"]) -> Float[np.ndarray, "routings"]:
    """Spread d of `KernelBatch` with a given second moment: E[X^2] / E[X]^2 = d / 2 coth(d / 2).

    Args:
        moment: Mean of squared rows over the square of mean rows, of groups that have rows; at least 1.
    """
    distinct, at = np.unique(moment, return_inverse=True)
    return _halved(distinct)[at]


def _halved(moment: Float[np.ndarray, "routings"]) -> Float[np.ndarray, "routings"]:
    low, high = np.zeros_like(moment), np.full_like(moment, LARGEST_SPREAD)
    for _ in range(HALVINGS):
        half = 0.25 * (low + high)
        below = half / np.tanh(half) < moment
        low, high = np.where(below, 2.0 * half, low), np.where(below, high, 2.0 * half)
    return np.where(moment < 1.0 + LEAST_EXCESS, 0.0, high)


def uniform_moment(tokens: Float[np.ndarray, "states"], share: float) -> Float[np.ndarray, "states"]:
    """The second moment where each token takes a group with the same probability, of groups with at least one row.

    X ~ Binomial(tokens, share): E[X^2 | X > 0] / E[X | X > 0]^2 = E[X^2] P(X > 0) / E[X]^2.

    Args:
        tokens: Tokens of a step; 1 comes back where there is none.
        share: Groups that a token takes over all groups.
    """
    mean = np.maximum(tokens, 1.0) * share
    some = -np.expm1(np.maximum(tokens, 1.0) * np.log1p(-share)) if share < 1.0 else np.ones_like(mean)
    return np.maximum((mean * (1.0 - share) + mean**2) * some / mean**2, 1.0)
