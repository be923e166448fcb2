"""What a comparison says: one measure per metric, and the whole report of a fit."""

from dataclasses import dataclass, field

from telemetry_sim.fidelity.prefix import PrefixCurve
from telemetry_sim.laws import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One metric: a distance between samples, or a figure of the real trace beside the synthetic one's."""

    metric: str
    ks: float | None = None
    """Median over the fresh splits of the KS distance between the synthetic trace and the half it was not fitted on."""
    wasserstein: float | None = None
    """The same of Wasserstein's distance, on logarithms."""
    noise_floor: float | None = None
    """Median over the same splits of the same distance between the two real halves; of a figure, of their relative
    difference (absolute for correlations and shares)."""
    interval: tuple[float, float] | None = None
    """90 % interval: of the KS distance, or of the real figure, under resampling of session families; of a synthetic
    figure over seeds where the trace has but one."""
    value_real: float | None = None
    value_synthetic: float | None = None
    relative_error: float | None = None
    bar: float | None = None
    """What the distance, or the error, may be at most."""

    @property
    def is_within(self) -> bool | None:
        """Whether it keeps its bar; None where there is none."""
        if self.bar is None:
            return None
        found = self.ks if self.ks is not None else abs(self.relative_error or 0.0)
        return found <= self.bar

    def as_row(self) -> dict[str, object]:
        """As plain values, rounded to five digits."""
        return {
            "metric": self.metric,
            "ks": _rounded(self.ks),
            "wasserstein": _rounded(self.wasserstein),
            "noise_floor": _rounded(self.noise_floor),
            "interval": [_rounded(value) for value in self.interval] if self.interval else None,
            "value_real": _rounded(self.value_real),
            "value_synthetic": _rounded(self.value_synthetic),
            "relative_error": _rounded(self.relative_error),
            "bar": _rounded(self.bar),
            "within": self.is_within,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """Quantiles of one sample for the plots."""

    metric: str
    shares: Floats
    real: Floats
    other_half: Floats
    synthetic: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """The judgement of a fit."""

    measures: tuple[Measure, ...]
    overlays: tuple[Overlay, ...] = ()
    prefix_real: PrefixCurve | None = None
    prefix_synthetic: PrefixCurve | None = None
    dispersion: tuple[tuple[float, float, float, float, float], ...] = ()
    """Window in s; index of the real trace; median, 5th and 95th percentile of the synthetic ones."""
    rank_shares: tuple[tuple[int, float, float], ...] = ()
    """Rank; cumulated share of the real trace's clients and of the synthetic one's."""
    notes: tuple[str, ...] = field(default=())


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else float(f"{value:.5g}")  # noqa: PLR0124 - nan is not itself
