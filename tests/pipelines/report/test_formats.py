"""Numbers as a reader wants them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.report import formats


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0123, "s", "12.3 ms"),
        (98_800.0, "tokens", "98.8 K tokens"),
        (219.0, "tokens", "219 tokens"),
        (814.0, "mm2", "814 mm²"),
        (4.12, "usd/h", "$4.12/h"),
        (1240.0, "usd", "$1,240"),
        (3.35e12, "bytes_per_s", "3.35 TB/s"),
        (1.755e9, "Hz", "1.75 GHz"),
        (3.1e-11, "J/B", "31 pJ/B"),
        (700.0, "W", "700 W"),
        (77_300.0, "W", "77.3 kW"),
        (0.961, "ratio", "96.1 %"),
        (5400.0, "s", "1.5 h"),
        (999.9e-6, "s", "1 ms"),
        (6.0, "count", "6"),
        (50.0, "MB", "50 MB"),
        (float("nan"), "s", "\N{EN DASH}"),
    ],
)
def test_a_quantity_is_written_with_unit_and_sane_digits(value: float, unit: str, text: str) -> None:
    assert plain(formats.quantity(value, unit)) == text


def test_gains_carry_a_sign_and_nothing_is_signed_zero() -> None:
    assert plain(formats.gain(0.23)) == "+23 %"
    assert plain(formats.gain(-0.047)) == "\N{MINUS SIGN}4.7 %"
    assert plain(formats.gain(-0.00001)) == "0 %"
    assert formats.gain(None) == "\N{EN DASH}"


@given(st.floats(min_value=-1e11, max_value=1e11, allow_nan=False))
def test_no_number_is_a_wall_of_digits(value: float) -> None:
    for write in (formats.seconds, formats.count, lambda v: formats.scaled(v, "W"), formats.usd):
        assert len(re.findall(r"\d", write(value))) <= 7


@given(st.floats(min_value=1e-8, max_value=1e14))
def test_a_written_duration_reads_back_within_half_a_percent(value: float) -> None:
    number, unit = plain(formats.seconds(value)).replace(",", "").split(" ")
    seconds = {"ps": 1e-12, "ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}[unit]
    assert float(number) * seconds == pytest.approx(value, rel=0.0055)
