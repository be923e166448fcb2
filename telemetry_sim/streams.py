"""Random numbers by name: every draw is a hash of who draws it and which draw it is, so any part can be made alone.

A stream is a 64-bit key. Keys are derived downwards (seed, surface, client, day, session, row), each step by one round
of the SplitMix64 finaliser (Steele, Lea, Flood, OOPSLA 2014, doi:10.1145/2660193.2660195, with Stafford's mix 13), and
a draw hashes the key with the draw's number. Nothing is consumed in order: processes, blocks and days cannot disturb
each other, and the same key and draw give the same number on every machine.
"""

import numpy as np
import numpy.typing as npt
from numba import njit, vectorize

from telemetry_sim.laws import Floats, Ints

Keys = npt.NDArray[np.uint64]
"""Streams, one per element."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
SHIFT_30, SHIFT_27, SHIFT_31, SHIFT_11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
UNIT = 1.0 / 9007199254740992.0
"""2 to the power -53: the spacing of the uniform draws."""
MIDDLE_ABOVE = (
    3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
    4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3,
)  # fmt: skip
MIDDLE_BELOW = (
    1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
    2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3,
)  # fmt: skip
NEAR_ABOVE = (
    1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
    1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
)  # fmt: skip
NEAR_BELOW = (
    1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
    1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
)  # fmt: skip
FAR_ABOVE = (
    6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
    2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
)  # fmt: skip
FAR_BELOW = (
    1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
    7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
)  # fmt: skip
"""Coefficients of AS 241: the middle, the near and the far tail of the normal quantile."""


@njit(cache=True)
def mixed(word: np.uint64) -> np.uint64:
    """The SplitMix64 finaliser: every input bit reaches every output bit."""
    word = (word ^ (word >> SHIFT_30)) * MIX_1
    word = (word ^ (word >> SHIFT_27)) * MIX_2
    return word ^ (word >> SHIFT_31)


@njit(cache=True)
def child_key(key: np.uint64, number: np.uint64) -> np.uint64:
    """Key of a stream below another one; for use inside compiled loops."""
    return mixed(mixed(key + GOLDEN) ^ (number * GOLDEN + MIX_1))


@njit(cache=True)
def unit_draw(key: np.uint64, draw: np.uint64) -> float:
    """Uniform draw in (0, 1) of a stream; for use inside compiled loops."""
    return (np.float64(child_key(key, draw) >> SHIFT_11) + 0.5) * UNIT


@njit(cache=True)
def _ratio(r: float, a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Quotient of two polynomials of degree 7, coefficients from the constant up."""
    above = ((((((a[7] * r + a[6]) * r + a[5]) * r + a[4]) * r + a[3]) * r + a[2]) * r + a[1]) * r + a[0]
    below = ((((((b[7] * r + b[6]) * r + b[5]) * r + b[4]) * r + b[3]) * r + b[2]) * r + b[1]) * r + b[0]
    return above / below


@njit(cache=True)
def normal_quantile(share: float) -> float:
    """Standard normal quantile by Wichura's AS 241 (Applied Statistics 37, 1988, 477), good to 1 in 10^16."""
    q = share - 0.5
    if abs(q) <= 0.425:
        return q * _ratio(0.180625 - q * q, MIDDLE_ABOVE, MIDDLE_BELOW)
    r = np.sqrt(-np.log(share if q < 0.0 else 1.0 - share))
    tail = _ratio(r - 1.6, NEAR_ABOVE, NEAR_BELOW) if r <= 5.0 else _ratio(r - 5.0, FAR_ABOVE, FAR_BELOW)
    return -tail if q < 0.0 else tail


@njit(cache=True)
def normal_draw(key: np.uint64, draw: np.uint64) -> float:
    """Standard normal draw of a stream; for use inside compiled loops."""
    return normal_quantile(unit_draw(key, draw))


@vectorize(["uint64(uint64, uint64)"], cache=True)  # type: ignore[no-untyped-call]
def _children(key: np.uint64, number: np.uint64) -> np.uint64:
    return child_key(key, number)


@vectorize(["float64(uint64, uint64)"], cache=True)  # type: ignore[no-untyped-call]
def _units(key: np.uint64, draw: np.uint64) -> float:
    return unit_draw(key, draw)


@vectorize(["float64(uint64, uint64)"], cache=True)  # type: ignore[no-untyped-call]
def _normals(key: np.uint64, draw: np.uint64) -> float:
    return normal_draw(key, draw)


def root_key(seed: int, *numbers: int) -> np.uint64:
    """Key of a stream that hangs under the seed, such as (surface number, purpose)."""
    key = np.asarray(np.uint64(seed))
    for number in numbers:
        key = _children(key, np.uint64(number))
    return np.uint64(key)


def child_keys(keys: Keys | np.uint64, numbers: Ints | int) -> Keys:
    """Keys of streams below `keys`, by number; broadcasts.

    Args:
        keys: Parent streams.
        numbers: Number of each child under its parent, from 0.
    """
    return np.asarray(_children(keys, np.asarray(numbers).astype(np.uint64)), dtype=np.uint64)


def uniforms(keys: Keys | np.uint64, draw: int | Ints) -> Floats:
    """Uniform draws in the open interval (0, 1), one per stream; `draw` numbers the draws of one stream."""
    return np.asarray(_units(keys, np.asarray(draw).astype(np.uint64)), dtype=np.float64)


def normals(keys: Keys | np.uint64, draw: int | Ints) -> Floats:
    """Standard normal draws, one per stream, by the inverse of the normal distribution function."""
    return np.asarray(_normals(keys, np.asarray(draw).astype(np.uint64)), dtype=np.float64)
