"""Number formats that a chip multiplies in, and that of the cache."""

from dataclasses import replace

from hwmodel.serving.formats import built_in_formats, cache_dtype
from tests.hwmodel.serving.chips import h100


def test_a_chip_multiplies_in_what_it_has_a_rate_for() -> None:
    assert built_in_formats(h100()) == ("bf16", "fp8")
    assert built_in_formats(replace(h100(), fp4_rate_ratio=4.0)) == ("bf16", "fp8", "fp4")
    assert built_in_formats(replace(h100(), fp8_rate_ratio=0.0)) == ("bf16",)


def test_the_cache_is_fp8_beside_quantised_weights() -> None:
    assert [cache_dtype(weights) for weights in ("bf16", "fp8", "fp4")] == ["bf16", "fp8", "fp8"]
