"""What a search chooses from, what it has replayed so far, and what it has learned from that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from hwmodel.costmodel import NOTHING_ACQUIRED, Recalibration, ResidualModel, fit_residual

PROMISES_WEIGHT = 2.0
"""Replays that the belief that a design keeps its promises counts for. Assumed."""
NEAR = 1.0
"""Distance of inputs over which replays tell of each other's promises. Assumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Designs to choose from. Objectives are logs, to be raised."""

    points: Float[np.ndarray, "designs parameters"]
    inputs: Float[np.ndarray, "designs inputs"]
    closed: Float[np.ndarray, "designs 2"]
    """Objectives in closed form."""
    reference: Float[np.ndarray, "2"]
    """The baseline's objectives by replay: what is worse in either adds nothing."""
    base_inputs: Float[np.ndarray, "1 inputs"]
    base_closed: Float[np.ndarray, "1 2"]

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Rows that were replayed; objectives are not finite where no fleet keeps the promises."""

    rows: tuple[int, ...] = ()
    values: Float[np.ndarray, "replayed 2"]
    recalibration: tuple[Recalibration, Recalibration] = (NOTHING_ACQUIRED, NOTHING_ACQUIRED)

    @classmethod
    def nothing(cls) -> "Known":
        """Before the first replay."""
        return cls(values=np.empty((0, 2)))

    @property
    def able(self) -> Bool[np.ndarray, "replayed"]:
        """Which keep their promises."""
        return np.isfinite(self.values).all(axis=1)

    def after(self, rows: Sequence[int], values: Float[np.ndarray, "batch 2"], told: "Learned | None") -> "Known":
        """With a further batch, and with how far its predictions were off."""
        recalibration = self.recalibration
        able = np.isfinite(values).all(axis=1)
        if told is not None and able.any():
            at = np.array(rows)[able]
            pairs = zip(self.recalibration, told.models, (0, 1), strict=True)
            recalibration = tuple(  # type: ignore[assignment] # two in, two out
                old.after(values[able, k] - told.mean[at, k], told.sd[at, k], model.spread_ratio)
                for old, model, k in pairs
            )
        return replace(
            self,
            rows=(*self.rows, *rows),
            values=np.concatenate([self.values, values]),
            recalibration=recalibration,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """Predictions of every candidate, in log."""

    models: tuple[ResidualModel, ResidualModel]
    mean: Float[np.ndarray, "designs 2"]
    sd: Float[np.ndarray, "designs 2"]
    able_ratio: Float[np.ndarray, "designs"]
    """How likely the design keeps its promises."""


def learned(candidates: Candidates, known: Known, *, shuffled: np.random.Generator | None = None) -> Learned:
    """Fit both residuals on what was replayed, the baseline included, and predict every candidate.

    Args:
        candidates: All designs.
        known: The replayed ones, one at least that keeps its promises.
        shuffled: Placebo: residuals are dealt to the replayed designs at random.
    """
    rows = np.array(known.rows, dtype=np.int64)[known.able]
    inputs = np.concatenate([candidates.base_inputs, candidates.inputs[rows]])
    closed = np.concatenate([candidates.base_closed, candidates.closed[rows]])
    values = np.concatenate([candidates.reference[None, :], known.values[known.able]])
    if shuffled is not None:
        values = closed + shuffled.permutation(values - closed)
    models = tuple(
        fit_residual(inputs, np.exp(closed[:, k]), np.exp(values[:, k]), recalibration=known.recalibration[k])
        for k in (0, 1)
    )
    found = [model.log_residual(candidates.inputs) for model in models]
    return Learned(
        models=(models[0], models[1]),
        mean=candidates.closed + np.stack([mean for mean, _ in found], axis=1),
        sd=np.stack([sd for _, sd in found], axis=1),
        able_ratio=_able_ratio(candidates, known),
    )


def believing(candidates: Candidates, told: Learned, chosen: int, rows: Int[np.ndarray, "rows"]) -> Learned:
    """As if the chosen design had been replayed as predicted; only the deviations of `rows` are told anew."""
    models = tuple(model.believing(candidates.inputs[[chosen]]) for model in told.models)
    sd = told.sd.copy()
    for k, model in enumerate(models):
        sd[rows, k] = np.minimum(model.log_residual(candidates.inputs[rows])[1], sd[rows, k])
    return replace(told, models=(models[0], models[1]), sd=sd)


def _able_ratio(candidates: Candidates, known: Known) -> Float[np.ndarray, "designs"]:
    """Share of replays nearby that keep their promises; 1 while all do."""
    if known.able.all():
        return np.ones(len(candidates))
    kept = np.full(len(candidates), PROMISES_WEIGHT)
    every = kept.copy()
    for row, able in zip(known.rows, known.able.tolist(), strict=True):
        square = ((candidates.inputs - candidates.inputs[row]) ** 2).sum(axis=1)
        near = np.exp(-square / (2.0 * NEAR**2))
        kept += near * able
        every += near
    return kept / every
