"""Drawing clients' windows from a client-rate law."""

import numpy as np
import polars as pl
from numba import njit
from scipy.special import gammaincinv, gammaln, ndtr, polygamma

from telemetry_sim.fitted.arrivals_course import relative_course
from telemetry_sim.fitted.client_rates import ClientCourse, ClientRateLaw, GapUnevenness
from telemetry_sim.laws import Floats
from telemetry_sim.streams import Keys, child_keys, normals, root_key, uniforms
from warehouse.contracts import ClientWindows

WALK, ACTIVE, GAP_LAW, GAP_SHAPE, GAP_OWN = 0, 1, 2, 3, 4
PURPOSE = 0x5E7E
"""Number of this draw's stream under the seed."""
LEAST_CHANCE = 1e-9
LEAST_LOG_SHAPE, MOST_LOG_SHAPE = -1.9, 3.0
"""Shapes of gaps are kept between 0.15 and 20: outside, a window of ten minutes tells no shape."""
GRID = np.linspace(-6.0, 6.0, 121)
"""Standard normals at which the Gamma law of a client is tabled; between them it is interpolated."""


def mean_rates(law: ClientRateLaw) -> Floats:
    """Mean rate of each client, 1/s, the busiest first."""
    ranks = np.arange(1, law.clients_count + 1)
    knots, missing = np.asarray(law.rank_knots), np.maximum(1.0 - np.asarray(law.rank_shares), 0.0)
    rest = np.interp(ranks, knots, missing)
    told = knots[missing > 0.0]
    if len(told):
        inner = ranks <= told[-1]
        rest[inner] = np.exp(np.interp(np.log(ranks[inner]), np.log(told), np.log(missing[: len(told)])))
    shares = np.maximum(-np.diff(np.concatenate(([1.0], rest))), 0.0)
    shares = np.sort(shares)[::-1]
    return np.asarray(law.total_rate_per_s * shares / shares.sum(), dtype=np.float64)


def draw_rates(law: ClientRateLaw, *, seed: int) -> Floats:
    """Rate of each client in each window, 1/s. Shape (clients, windows).

    The rank of a client's rate wanders as a Gaussian autoregression and is turned into a power of a Gamma variable;
    silent windows come in runs of a two-state chain. Each client's path is scaled to its mean rate.
    """
    return rates_from(law, base_paths(law, seed=seed))


def base_paths(law: ClientRateLaw, *, seed: int) -> Floats:
    """Logarithm of each client's Gamma variable in each window, minus infinity where it is silent."""
    keys = child_keys(root_key(seed, PURPOSE), np.arange(law.clients_count))
    courses = courses_of(law)
    numbers = np.arange(law.windows_count)
    noise = normals(child_keys(keys, WALK)[:, None], numbers)
    chances = uniforms(child_keys(keys, ACTIVE)[:, None], np.arange(law.windows_count + 1))
    column = {name: np.array([getattr(course, name) for course in courses]) for name in ClientCourse.__slots__}
    active = np.clip(column["active_ratio"], 1e-4, 1.0)
    stop = np.minimum(1.0 / np.maximum(column["run_windows_count"], 1.0), 1.0)
    begin = np.where(active < 1.0, np.minimum(stop * active / np.maximum(1.0 - active, 1e-9), 1.0), 1.0)
    stop = np.where(active < 1.0, stop, 0.0)
    memory = np.exp(-1.0 / np.maximum(column["memory_windows_count"], 1e-3))
    walked, is_active = _walks(noise, chances, memory, active, begin, stop)
    chance = np.clip(ndtr(GRID), LEAST_CHANCE, 1.0 - LEAST_CHANCE)
    table = np.log(np.maximum(gammaincinv(column["tail_shape_ratio"][:, None], chance), 1e-300))
    logs = np.stack([np.interp(path, GRID, row) for path, row in zip(walked, table, strict=True)])
    return np.asarray(np.where(is_active, logs, -np.inf), dtype=np.float64)


def rates_from(law: ClientRateLaw, logs: Floats) -> Floats:
    """Rates that a law makes of base paths drawn with the same shapes, memories and activity."""
    power = np.array([course.tail_power_ratio for course in courses_of(law)])[:, None]
    rates = np.exp(power * logs)
    if law.course.parameter_count:
        middle: Floats = (np.arange(float(law.windows_count)) + 0.5) * law.window_s
        rates = rates * relative_course(law.course, middle, law.windows_count * law.window_s)
    mean = rates.mean(axis=1, keepdims=True)
    return np.asarray(mean_rates(law)[:, None] * rates / np.where(mean > 0, mean, 1.0), dtype=np.float64)


def simulate_client_windows(law: ClientRateLaw, *, seed: int) -> pl.DataFrame:
    """Windows of all clients; contract ClientWindows, sorted by client and window."""
    rates = draw_rates(law, seed=seed)
    clients, windows = rates.shape
    flat = rates.ravel()
    width = len(str(clients))
    frame = pl.DataFrame(
        {
            "client_id": np.repeat([f"client-{rank:0{width}d}" for rank in range(1, clients + 1)], windows),
            "window_start_s": np.tile(np.arange(windows) * law.window_s, clients),
            "window_s": np.full(len(flat), law.window_s),
            "rate_per_s": flat,
        }
    )
    told = _gap_columns(law.gaps, rates, child_keys(root_key(seed, PURPOSE), np.arange(clients)))
    full = frame.with_columns(**told, model=pl.lit(law.model, dtype=pl.String), source_id=pl.lit(f"synthetic:{seed}"))
    return ClientWindows.validate(full.select(ClientWindows.column_names()), cast=True)


def courses_of(law: ClientRateLaw) -> list[ClientCourse]:
    """The course of each client, by rank: the leaders' own, then the typical ones for equal parts of the rest."""
    leaders = list(law.leaders[: law.clients_count])
    rest = law.clients_count - len(leaders)
    if rest and not law.others:
        return [*leaders, *[leaders[-1]] * rest]
    return [*leaders, *(law.others[at * len(law.others) // rest] for at in range(rest))]


def _gap_columns(gaps: GapUnevenness | None, rates: Floats, keys: Keys) -> dict[str, pl.Series]:
    """Law, shape, scale and coefficient of variation of the gaps of active windows."""
    if gaps is None:
        nothing = pl.Series([None] * rates.size, dtype=pl.Float64)
        law = pl.Series([None] * rates.size, dtype=pl.String)
        return {"gap_law": law, "gap_shape_ratio": nothing, "gap_scale_s": nothing, "gap_cv_ratio": nothing}
    numbers = np.arange(rates.shape[1])
    is_active = rates > 0
    safe = np.where(is_active, rates, gaps.rate_median_per_s)
    is_gamma = uniforms(child_keys(keys, GAP_LAW)[:, None], numbers) < gaps.gamma_ratio
    own = normals(child_keys(keys, GAP_OWN)[:, None], 0) * np.sqrt(gaps.client_share_ratio)
    other = normals(child_keys(keys, GAP_SHAPE)[:, None], numbers) * np.sqrt(1.0 - gaps.client_share_ratio)
    log_shape = np.log(gaps.shape_median_ratio) + gaps.shape_sigma_ratio * (own + other)
    log_shape += gaps.shape_by_rate * np.log(safe / gaps.rate_median_per_s)
    shape = np.exp(np.clip(log_shape, LEAST_LOG_SHAPE, MOST_LOG_SHAPE))
    first, second = gammaln(1.0 + 1.0 / shape), gammaln(1.0 + 2.0 / shape)
    scale = np.where(is_gamma, 1.0 / (shape * safe), np.exp(-first) / safe)
    cv = np.where(is_gamma, shape**-0.5, np.sqrt(np.maximum(np.exp(second - 2.0 * first) - 1.0, 0.0)))
    kind = np.where(is_gamma, "gamma", "weibull")
    silent = pl.Series(~is_active.ravel())
    columns = {
        "gap_law": pl.Series(kind.ravel(), dtype=pl.String),
        "gap_shape_ratio": pl.Series(shape.ravel()),
        "gap_scale_s": pl.Series(scale.ravel()),
        "gap_cv_ratio": pl.Series(cv.ravel()),
    }
    return {
        name: pl.select(pl.when(silent).then(None).otherwise(column)).to_series().alias(name)
        for name, column in columns.items()
    }


@njit(cache=True)
def _walks(
    noise: Floats, chances: Floats, memory: Floats, active: Floats, begin: Floats, stop: Floats
) -> tuple[Floats, np.ndarray]:
    """Stationary autoregressions of unit variance, and which windows are active. Shapes (clients, windows)."""
    clients, windows = noise.shape
    walked = np.empty((clients, windows))
    is_active = np.zeros((clients, windows), dtype=np.bool_)
    for client in range(clients):
        fresh = np.sqrt(1.0 - memory[client] ** 2)
        state = chances[client, 0] < active[client]
        level = noise[client, 0]
        for window in range(windows):
            if window > 0:
                level = memory[client] * level + fresh * noise[client, window]
                draw = chances[client, window + 1]
                state = draw >= stop[client] if state else draw < begin[client]
            walked[client, window] = level
            is_active[client, window] = state
    return walked, is_active


def log_spread(shape: float) -> float:
    """Standard deviation of the logarithm of a Gamma variable."""
    return float(np.sqrt(polygamma(1, shape)))
