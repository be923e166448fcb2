"""Session effects and memory of normal scores, by moments: between sessions, along a session, across one step."""

from dataclasses import dataclass

import numpy as np

from telemetry_sim.laws import Floats, Ints

LEAST_CALLS = 2
"""Sessions with fewer scores tell nothing about the spread inside a session."""
SMALLEST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Normal scores of one quantity, in order of session and step."""

    session: Ints
    score: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One quantity's scores split into sessions and calls."""

    counts: Floats
    """Scores per session, shape (sessions,)."""
    means: Floats
    """Mean score per session; 0 where there is none."""
    within_variance: float
    between_variance: float
    """Of the sessions' true means, sampling noise taken out."""


def spread_of(scores: Scores, sessions: int) -> Spread:
    """Analysis of variance of the scores by session (method of moments, unbalanced one-way layout)."""
    counts = np.bincount(scores.session, minlength=sessions).astype(np.float64)
    sums = np.bincount(scores.session, scores.score, sessions)
    means = np.where(counts > 0, sums / np.maximum(counts, 1.0), 0.0)
    residual = scores.score - means[scores.session]
    free = float(np.maximum(counts - 1.0, 0.0).sum())
    seen = counts > 0
    grand = float(scores.score.mean()) if len(scores.score) else 0.0
    if free < 1.0 or seen.sum() < LEAST_CALLS:
        return Spread(counts=counts, means=means, within_variance=1.0, between_variance=0.0)
    within = float((residual**2).sum() / free)
    total = counts.sum()
    effective = (total - (counts**2).sum() / total) / (seen.sum() - 1.0)
    among = float((counts * (means - grand) ** 2).sum() / (seen.sum() - 1.0))
    between = max((among - within) / max(effective, SMALLEST), 0.0)
    return Spread(counts=counts, means=means, within_variance=within, between_variance=between)


def regressed(spread: Spread, regressors: Floats) -> tuple[Floats, Floats, float]:
    """Weighted regression of the session means on session scores.

    Returns:
        Coefficients (intercept first), residuals per session (0 where there is no score), residual variance of the
        true means.
    """
    noise = spread.within_variance / np.maximum(spread.counts, 1.0)
    weights = np.where(spread.counts > 0, 1.0 / (spread.between_variance + noise + 1e-3), 0.0)
    design = np.column_stack((np.ones(len(weights)), regressors))
    ridge = np.diag([1e-9] + [1.0] * regressors.shape[1])
    normal = design.T @ (design * weights[:, None]) + ridge
    coefficients = np.asarray(np.linalg.solve(normal, design.T @ (weights * spread.means)), dtype=np.float64)
    residual = np.asarray(np.where(spread.counts > 0, spread.means - design @ coefficients, 0.0), dtype=np.float64)
    if spread.between_variance == 0.0:
        return coefficients, residual, 0.0
    variance = float((weights * (residual**2 - noise)).sum() / weights.sum())
    return coefficients, residual, max(variance, 0.0)


def residual_covariance(spreads: list[Spread], residuals: list[Floats], variances: list[float]) -> Floats:
    """Covariance of the sessions' true residual means, made positive semidefinite."""
    size = len(spreads)
    covariance = np.diag(np.asarray(variances, dtype=np.float64))
    for i in range(size):
        for j in range(i):
            both = (spreads[i].counts > 0) & (spreads[j].counts > 0)
            if both.sum() < 8 or variances[i] == 0.0 or variances[j] == 0.0:
                continue
            weights = np.sqrt(
                1.0
                / (variances[i] + spreads[i].within_variance / spreads[i].counts[both])
                / (variances[j] + spreads[j].within_variance / spreads[j].counts[both])
            )
            found = float((weights * residuals[i][both] * residuals[j][both]).sum() / weights.sum())
            limit = 0.95 * np.sqrt(variances[i] * variances[j])
            covariance[i, j] = covariance[j, i] = float(np.clip(found, -limit, limit))
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)


def memory_of(scores: Scores, spread: Spread) -> float:
    """First-order autocorrelation of the scores around their session's mean, corrected for the means' estimation."""
    inside = scores.session[1:] == scores.session[:-1]
    if inside.sum() < 30:
        return 0.0
    residual = scores.score - spread.means[scores.session]
    lagged = float((residual[1:] * residual[:-1])[inside].mean() / max(float((residual**2).mean()), SMALLEST))
    length = float(np.average(spread.counts, weights=spread.counts))
    return float(np.clip(lagged + 1.0 / length, 0.0, 0.9))


def step_correlations(columns: list[Floats]) -> Floats:
    """Correlation matrix of residual scores that belong to one step; NaN marks a missing score."""
    size = len(columns)
    matrix = np.eye(size)
    for i in range(size):
        for j in range(i):
            both = np.isfinite(columns[i]) & np.isfinite(columns[j])
            if both.sum() >= 30 and columns[i][both].std() > 0 and columns[j][both].std() > 0:
                matrix[i, j] = matrix[j, i] = np.corrcoef(columns[i][both], columns[j][both])[0, 1]
    values, vectors = np.linalg.eigh(matrix)
    fixed = (vectors * np.maximum(values, 1e-3)) @ vectors.T
    scale = np.sqrt(np.diag(fixed))
    return np.asarray(fixed / scale / scale[:, None])
