"""The judgement of a fit of clients' rates: shares, peaks and samples of windows, with the noise of split halves."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import polars as pl

from telemetry_sim.fidelity.clients import RANKS, rank_shares
from telemetry_sim.fidelity.distances import group_weights, ks_distance, resampled_ks
from telemetry_sim.fidelity.measures import Fidelity, Measure, Overlay
from telemetry_sim.laws import Floats

Imitate = Callable[[pl.DataFrame, int], pl.DataFrame]
SPLITS, DRAWS, RESAMPLES = 5, 20, 200
COVERED = (0.05, 0.95)
SHARE_BAR, PEAK_BAR = 0.15, 0.15
"""Bars of the issue: client rank-share and 10-minute peak-to-mean."""
OVERLAY_POINTS = 99


def judge_rates(windows: pl.DataFrame, draw: Callable[[int], pl.DataFrame], imitate: Imitate, *, seed: int) -> Fidelity:
    """Judges a fitted client-rate law.

    Args:
        windows: The trace, a ClientWindows frame.
        draw: Synthetic windows of the law fitted on all of it, for a seed.
        imitate: Fits some clients' windows and gives synthetic ones of them.
        seed: Root of splits and draws.
    """
    made = [draw(seed + number) for number in range(DRAWS)]
    own = mean_rates_of(windows)
    shares = np.array([rank_shares(mean_rates_of(one)) for one in made])
    told = rank_shares(own)
    ranks = [(at, rank) for at, rank in enumerate(RANKS) if rank < len(own)]
    splits = [_split(windows, imitate, seed + number) for number in range(SPLITS)]
    measures: list[Measure] = [
        _figure(f"client_share_top_{rank}", float(told[at]), list(shares[:, at]), SHARE_BAR) for at, rank in ranks
    ]
    totals = [total_of(one) for one in made]
    total = total_of(windows)
    measures.append(_figure("peak_to_mean", _peak(total), [_peak(one) for one in totals], PEAK_BAR))
    measures += [
        _figure(f"rate_autocorrelation_{lag}_windows", _lagged(total, lag), [_lagged(one, lag) for one in totals], None)
        for lag in (1, 6)
        if len(total) > 4 * lag
    ]
    active = [float((one["rate_per_s"] > 0).mean()) for one in made]  # type: ignore[arg-type]
    measures.append(_figure("active_windows_ratio", float((windows["rate_per_s"] > 0).mean()), active, None))  # type: ignore[arg-type]
    return Fidelity(
        measures=(*_distances(splits), *measures),
        overlays=tuple(_overlays(windows, made[0])),
        rank_shares=tuple((rank, float(told[at]), float(np.median(shares[:, at]))) for at, rank in ranks),
    )


def window_samples(windows: pl.DataFrame) -> dict[str, tuple[Floats, Floats]]:
    """Samples of a trace of windows with the client of each value: rates over the total, unevenness, activity."""
    told = windows.with_columns(client=pl.col("client_id").rank("dense") - 1)
    active = told.filter(pl.col("rate_per_s") > 0)
    total = float(active["rate_per_s"].sum()) / max(active["window_start_s"].n_unique(), 1)
    steps = active.sort("client", "window_start_s").with_columns(
        step=(pl.col("rate_per_s") / pl.col("rate_per_s").shift(1).over("client")).log().abs(),
        wait=pl.col("window_start_s").diff().over("client"),
    )
    near = steps.filter((pl.col("wait") - pl.col("window_s")).abs() < 1e-6)
    per_client = told.group_by("client", maintain_order=True).agg(active=(pl.col("rate_per_s") > 0).mean())
    uneven = active.drop_nulls("gap_cv_ratio")
    found = {
        "window_rate_ratio": (active["rate_per_s"].to_numpy() / max(total, 1e-12), active["client"].to_numpy()),
        "gap_cv_ratio": (uneven["gap_cv_ratio"].to_numpy(), uneven["client"].to_numpy()),
        "rate_step_ratio": (near["step"].to_numpy(), near["client"].to_numpy()),
        "client_active_ratio": (per_client["active"].to_numpy(), per_client["client"].to_numpy()),
    }
    return {name: pair for name, pair in found.items() if len(pair[0])}


def mean_rates_of(windows: pl.DataFrame) -> Floats:
    """Mean rate of each client over its windows; silent ones count."""
    return windows.group_by("client_id").agg(pl.col("rate_per_s").sum())["rate_per_s"].to_numpy()


def total_of(windows: pl.DataFrame) -> Floats:
    """Rate of all clients together per window, 1/s, in order of time."""
    return (
        windows.group_by("window_start_s")
        .agg(pl.col("rate_per_s").sum())
        .sort("window_start_s")["rate_per_s"]
        .to_numpy()
    )


def _split(windows: pl.DataFrame, imitate: Imitate, seed: int) -> dict[str, tuple[float, float, tuple[float, float]]]:
    """By sample: KS of the synthetic clients to the other half, of half to half, and the interval of the first."""
    clients = windows["client_id"].unique(maintain_order=True)
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(clients))
    first = pl.col("client_id").is_in(clients.gather(np.sort(order[::2])).implode())
    one, two = windows.filter(first), windows.filter(~first)
    if not (one["rate_per_s"] > 0).any() or two.is_empty():
        return {}
    own, fresh, made = window_samples(one), window_samples(two), window_samples(imitate(one, seed))
    found = {}
    for name in own:
        if name not in fresh or name not in made:
            continue
        values, groups = fresh[name]
        codes = np.unique(groups, return_inverse=True)[1]
        weights = group_weights(int(codes.max()) + 1, RESAMPLES if len(codes) < 20_000 else 20, generator)
        low, high = np.quantile(resampled_ks(values, codes, made[name][0], weights), COVERED)
        found[name] = (ks_distance(made[name][0], values), ks_distance(own[name][0], values), (float(low), float(high)))
    return found


def _distances(splits: Sequence[dict[str, tuple[float, float, tuple[float, float]]]]) -> Iterable[Measure]:
    names = dict.fromkeys(name for split in splits for name in split)
    for name in names:
        told = [split[name] for split in splits if name in split]
        yield Measure(
            metric=name,
            ks=float(np.median([one[0] for one in told])),
            noise_floor=float(np.median([one[1] for one in told])),
            interval=(float(np.median([one[2][0] for one in told])), float(np.median([one[2][1] for one in told]))),
        )


def _overlays(windows: pl.DataFrame, made: pl.DataFrame) -> Iterable[Overlay]:
    shares = np.linspace(0.01, 0.99, OVERLAY_POINTS)
    real, synthetic = window_samples(windows), window_samples(made)
    for name in real:
        if name in synthetic:
            told = np.quantile(real[name][0], shares)
            drawn = np.quantile(synthetic[name][0], shares)
            yield Overlay(metric=name, shares=shares, real=told, other_half=told, synthetic=drawn)


def _figure(name: str, real: float, drawn: Sequence[float], bar: float | None) -> Measure:
    low, high = np.quantile(drawn, COVERED)
    synthetic = float(np.median(drawn))
    return Measure(
        metric=name,
        value_real=real,
        value_synthetic=synthetic,
        relative_error=(synthetic - real) / abs(real) if real else float("nan"),
        interval=(float(low), float(high)),
        bar=bar,
    )


def _peak(total: Floats) -> float:
    return float(total.max() / total.mean())


def _lagged(total: Floats, lag: int) -> float:
    centred = total - total.mean()
    return float((centred[lag:] * centred[:-lag]).mean() / max(float(centred.var()), 1e-300))
