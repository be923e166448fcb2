"""How sessions of a client follow each other, how its rate moves, when crowds come: laws to choose from."""

from dataclasses import dataclass

from telemetry_sim.errors import ParameterError
from telemetry_sim.laws import bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalGaps:
    """Gamma or Weibull gaps of mean 1 in the time of the accumulated rate; a shape below 1 makes bursts."""

    share_ratio: float = bounded(0.0, 1.0)
    """Clients whose gaps follow this law."""
    shape_ratio: float = bounded(0.05, 20.0)
    """Median shape over clients; the CV of Gamma gaps is shape to the power -1/2."""
    shape_sigma_ratio: float = bounded(0.0, 3.0)
    """Standard deviation of the logarithm of the shape between clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mmpp:
    """Markov-modulated Poisson process: a rate per state, exponential stays, the next state any other one alike."""

    share_ratio: float = bounded(0.0, 1.0)
    """Clients whose arrivals follow this process."""
    state_rate_ratio: tuple[float, ...] = bounded(0.0, 1e4)
    """Rates of the states relative to each other; scaled so that the mean over time is 1."""
    state_dwell_s: tuple[float, ...] = bounded(1.0, 1e6)
    """Mean stay in each state."""

    def __post_init__(self) -> None:
        if len(self.state_rate_ratio) != len(self.state_dwell_s) or len(self.state_rate_ratio) < 2:
            raise ParameterError(
                f"mmpp: {len(self.state_rate_ratio)} rates and {len(self.state_dwell_s)} stays; give both for 2+ states"
            )
        if not max(self.state_rate_ratio) > 0.0:
            raise ParameterError("mmpp: all rates are 0; at least one state must have arrivals")


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """A client's rate by window: a log-normal level that remembers itself, and silence in inactive windows."""

    window_s: float = bounded(60.0, 86_400.0)
    sigma_ratio: float = bounded(0.0, 3.0)
    """Standard deviation of the log rate over active windows; 0 with `active_ratio` 1 switches windows off."""
    memory_ratio: float = bounded(0.0, 0.999)
    """Autocorrelation of the log rate from one window to the next."""
    active_ratio: float = bounded(0.01, 1.0)
    """Windows in which a client is active."""
    active_memory_ratio: float = bounded(0.0, 0.999)
    """Autocorrelation of being active."""

    @property
    def are_flat(self) -> bool:
        """Whether every window is like every other."""
        return self.sigma_ratio <= 0.0 and self.active_ratio >= 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """The arrival process of each client of a surface; clients without Gamma, Weibull or MMPP are Poisson."""

    gamma: RenewalGaps
    weibull: RenewalGaps
    mmpp: Mmpp
    windows: Windows

    def __post_init__(self) -> None:
        total = self.gamma.share_ratio + self.weibull.share_ratio + self.mmpp.share_ratio
        if total > 1.0 + 1e-9:
            raise ParameterError(f"arrivals: shares of gamma, weibull and mmpp sum to {total:.6f}; at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowds:
    """Flash crowds: many new sessions at once, all clients alike; a straight rise, an exponential decay."""

    per_day_count: float = bounded(0.0, 50.0)
    """Mean number of crowds that begin on a day (Poisson)."""
    height_ratio: float = bounded(0.0, 1000.0)
    """Median over crowds of the extra rate at the peak, over the mean rate of a working day."""
    height_sigma_ratio: float = bounded(0.0, 2.0)
    rise_s: float = bounded(1.0, 21_600.0)
    decay_s: float = bounded(1.0, 14_400.0)
    """Time in which the extra rate falls to 1/e."""
