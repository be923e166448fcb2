"""Fits the server's time, and the words of a call: finish reasons and models."""

import numpy as np
import polars as pl
from scipy.optimize import least_squares

from telemetry_sim.fit.calls import TraceCalls
from telemetry_sim.fitted.surface import ServiceLaw, ShareTable

LEAST_TOLD = 30
TTFT_BANDS = 6
MOST_WORDS = 12


def fit_service(trace: TraceCalls) -> ServiceLaw | None:
    """(base + per token x output) x lognormal noise, by robust least squares on logarithms."""
    if "duration_s" not in trace.told:
        return None
    told = trace.main.filter(pl.col("duration_s") > 0)
    if told.height < LEAST_TOLD:
        return None
    output = told["output_tokens"].to_numpy().astype(np.float64)
    logs = np.log(told["duration_s"].to_numpy())

    def misfit(point: np.ndarray) -> np.ndarray:
        return np.asarray(np.log(np.exp(point[0]) + np.exp(point[1]) * output) - logs)

    start = np.array([float(np.quantile(logs, 0.2)), np.log(0.02)])
    found = least_squares(misfit, start, loss="soft_l1").x
    residual = -misfit(found)
    middle = float(np.median(residual))
    residual = residual - middle
    session = told["session"].rle_id().to_numpy()
    means = np.bincount(session, residual) / np.bincount(session)
    inside = float(np.var(residual - means[session]))
    between = max(float(np.var(residual)) - inside, 0.0)
    edges, medians, sigma = _ttft(told)
    return ServiceLaw(
        base_s=float(np.exp(found[0] + middle)),
        per_output_token_s=float(np.exp(found[1] + middle)),
        session_sigma_ratio=between**0.5,
        call_sigma_ratio=inside**0.5,
        told_ratio=_told_ratio(trace.main),
        ttft_edges_tokens=edges,
        ttft_median_s=medians,
        ttft_sigma_ratio=sigma,
        streamed_ratio=_streamed(trace.main, edges) if medians else (),
    )


def _ttft(told: pl.DataFrame) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    seen = told.filter(pl.col("ttft_s") > 0)
    if seen.height < LEAST_TOLD:
        return (), (), 0.0
    prompt = seen["input_tokens"].to_numpy().astype(np.float64)
    bands = max(1, min(TTFT_BANDS, seen.height // LEAST_TOLD))
    edges = np.unique(np.quantile(prompt, np.linspace(0, 1, bands + 1)[1:-1]))
    logs = np.log(seen["ttft_s"].to_numpy())
    band = np.searchsorted(edges, prompt)
    medians = [
        float(np.median(logs[band == b])) if np.any(band == b) else float(np.median(logs))
        for b in range(len(edges) + 1)
    ]
    sigma = float(np.std(logs - np.asarray(medians)[band]))
    return tuple(float(e) for e in edges), tuple(float(np.exp(m)) for m in medians), sigma


def _streamed(main: pl.DataFrame, edges: tuple[float, ...]) -> tuple[float, ...]:
    band = np.searchsorted(edges, main["input_tokens"].to_numpy())
    tells = main["ttft_s"].is_not_null().to_numpy().astype(np.float64)
    count = np.bincount(band, minlength=len(edges) + 1)
    return tuple(float(x) for x in np.bincount(band, tells, len(edges) + 1) / np.maximum(count, 1))


def _table(word: pl.Series, band: np.ndarray, bands: tuple[str, ...]) -> ShareTable:
    kept = word.fill_null("").value_counts(sort=True).head(MOST_WORDS)[word.name].sort()
    code = np.array([kept.index_of(w) if w in set(kept) else -1 for w in word.fill_null("").to_list()])
    known = code >= 0
    count = np.zeros((len(bands), len(kept)))
    np.add.at(count, (band[known], code[known]), 1.0)
    total = count.sum(axis=0)
    empty = count.sum(axis=1) == 0
    count[empty] = total
    shares = count / count.sum(axis=1, keepdims=True)
    return ShareTable(
        words=tuple(str(w) for w in kept), bands=bands, shares=tuple(tuple(float(x) for x in row) for row in shares)
    )


def next_driver(main: pl.DataFrame) -> np.ndarray:
    """Who drives the next call, by row: 0 a tool, 1 a human, 2 nobody."""
    human_next = (pl.col("driver") == "human").shift(-1).over("session")
    band = pl.when(human_next).then(1).when(human_next.is_null()).then(2).otherwise(0)
    return main.select(band).to_series().to_numpy()


def _told_ratio(main: pl.DataFrame) -> tuple[float, ...]:
    """Share of calls that tell their duration, by who drives the next one; of few calls drawn towards that of all."""
    band = next_driver(main)
    tells = (main["duration_s"] > 0).fill_null(value=False).to_numpy().astype(np.float64)
    count = np.bincount(band, minlength=3)
    found = (np.bincount(band, tells, 3) + LEAST_TOLD * tells.mean()) / (count + LEAST_TOLD)
    return tuple(float(share) for share in found)


def fit_finish(trace: TraceCalls) -> ShareTable | None:
    """Shares of finish reasons by what comes next: a tool-driven call, a human-driven call, nothing."""
    if "finish_reason" not in trace.told:
        return None
    return _table(trace.main["finish_reason"], next_driver(trace.main), ("tool_next", "human_next", "nothing_next"))


def fit_models(trace: TraceCalls, edges: tuple[float, ...]) -> ShareTable | None:
    """Shares of models by band of the session's first prompt."""
    if "model" not in trace.told:
        return None
    firsts = trace.main.filter(pl.col("place") == 0)
    band = np.searchsorted(np.asarray(edges), firsts["input_tokens"].to_numpy())
    return _table(firsts["model"], band, tuple(f"first_prompt_{i}" for i in range(len(edges) + 1)))
