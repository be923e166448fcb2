"""How the report writes numbers: three significant digits, an SI prefix and a unit, once for every rendering."""

import math
import re
from collections.abc import Callable

MISSING = "\N{EN DASH}"
"""What stands where the source gave no number."""

_THIN = "\N{NO-BREAK SPACE}"
_PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "K"), (1.0, ""))
_SMALL = ((1.0, ""), (1e-3, "m"), (1e-6, "\N{MICRO SIGN}"), (1e-9, "n"), (1e-12, "p"))


def is_known(value: float | None) -> bool:
    """Whether there is a finite number to show."""
    return value is not None and math.isfinite(value)


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, without exponent and without trailing zeros after the point."""
    if value == 0.0:
        return "0"
    if abs(value) < 1e-4:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if text not in {"-0", ""} else "0"


def scaled(value: float | None, unit: str, digits: int = 3) -> str:
    """A quantity with an SI prefix on its unit: 4.94e14 FLOP/s becomes 494 TFLOP/s; K for counts and tokens."""
    if value is None or not math.isfinite(value):
        return MISSING
    prefixes = _PREFIXES if unit in {"", "tokens"} or value == 0.0 or abs(value) >= 1.0 else _SMALL
    for factor, prefix in prefixes:
        if abs(value) >= factor * 0.9995 or factor == prefixes[-1][0]:
            letter = prefix if prefix != "K" or unit in {"", "tokens"} else "k"
            joint = _THIN if prefix and unit == "tokens" else ""
            return f"{significant(value / factor, digits)}{_THIN}{letter}{joint}{unit}".rstrip(_THIN)
    raise AssertionError


def seconds(value: float | None) -> str:
    """A duration: nanoseconds to seconds by SI prefix, then minutes, hours and days."""
    if value is None or not math.isfinite(value):
        return MISSING
    size = abs(value)
    for limit, factor, unit in ((86400.0, 86400.0, "d"), (3600.0, 3600.0, "h"), (120.0, 60.0, "min")):
        if size >= limit:
            return f"{significant(value / factor)}{_THIN}{unit}"
    return scaled(value, "s")


def percent(ratio: float | None) -> str:
    """A share of a whole: 0.961 becomes 96.1 %."""
    return MISSING if ratio is None or not math.isfinite(ratio) else f"{_rounded(ratio * 100.0)}{_THIN}%"


def gain(ratio: float | None) -> str:
    """A relative change with its sign: 0.23 becomes +23 %."""
    if ratio is None or not math.isfinite(ratio):
        return MISSING
    text = _rounded(ratio * 100.0).removeprefix("-")
    sign = "" if text == "0" else "+" if ratio > 0 else "\N{MINUS SIGN}"
    return f"{sign}{text}{_THIN}%"


def ratio(value: float | None) -> str:
    """A ratio to the baseline: 1.23 becomes 1.23 with a times sign."""
    return MISSING if value is None or not math.isfinite(value) else f"{significant(value)}\N{MULTIPLICATION SIGN}"


def chance(value: float | None) -> str:
    """A probability of error in two digits: 0.034, or below 0.001."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"<{_THIN}0.001" if value < 0.001 else significant(value, 2)


def count(value: float | None) -> str:
    """A count: in full below ten thousand, then with an SI prefix."""
    if value is None or not math.isfinite(value):
        return MISSING
    if abs(value) < 10_000:
        return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else significant(value)
    return scaled(value, "")


def usd(value: float | None, per: str = "") -> str:
    """An amount of money: $4.12/h, $1,240, $0.013."""
    if value is None or not math.isfinite(value):
        return MISSING
    sign, size = ("\N{MINUS SIGN}" if value < 0 else ""), abs(value)
    if size >= 10_000:
        body = scaled(size, "").replace(_THIN, "").replace("G", "B") if size >= 1e6 else f"{float(f'{size:.3g}'):,.0f}"
    elif size >= 100:
        body = f"{size:,.0f}"
    else:
        body = f"{size:.2f}" if size >= 1 or size == 0 else significant(size, 2)
    return f"{sign}${body}{per}"


def quantity(value: float | None, unit: str) -> str:
    """A value in the unit that its column or parameter names, in the display form of that unit.

    SI units get a prefix; `mm2`, `nm` and other display units are kept as they are.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    known: dict[str, Callable[[float], str]] = {
        "s": seconds,
        "h": lambda v: seconds(v * 3600.0),
        "ratio": percent,
        "%": lambda v: percent(v / 100.0),
        "x": ratio,
        "usd": usd,
        "$": usd,
        "usd/h": lambda v: usd(v, "/h"),
        "$/h": lambda v: usd(v, "/h"),
        "usd_per_h": lambda v: usd(v, "/h"),
        "count": count,
        "": count,
        "1": count,
        "tokens": lambda v: scaled(v, "tokens") if abs(v) >= 1e3 else f"{count(v)}{_THIN}tokens",
    }
    if unit in known:
        return known[unit](value)
    if unit in _PREFIXABLE:
        return scaled(value, _PREFIXABLE[unit])
    return f"{count(value)}{_THIN}{_AREA.sub('m²', _SPELLED.get(unit, unit))}"


_PREFIXABLE = {
    "W": "W",
    "J": "J",
    "J/B": "J/B",
    "bytes": "B",
    "B": "B",
    "bytes_per_s": "B/s",
    "B/s": "B/s",
    "flop": "FLOP",
    "flop_per_s": "FLOP/s",
    "FLOP/s": "FLOP/s",
    "hz": "Hz",
    "Hz": "Hz",
}
_SPELLED = {"usd/kWh": "$/kWh"}
_AREA = re.compile(r"m2\b")


def _rounded(percentage: float) -> str:
    """Percent with one decimal below 10 in size, none from 10 up unless it is a share close to 100."""
    size = abs(percentage)
    decimals = 1 if size < 9.95 or 90.0 < size < 100.0 else 0
    text = f"{percentage:,.{decimals}f}"
    return text.removesuffix(".0") if text not in {"-0", "-0.0"} else "0"
