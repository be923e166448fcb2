"""Random chip designs around a real one, shared by the property tests of the physical model."""

from dataclasses import replace

from hypothesis import strategies as st

from hwmodel.catalog import ChipDesign, DesignTable, design_of, load_catalog

H100 = design_of(load_catalog().chip("h100-sxm"))
FREE_FIELDS = (
    "cores_count", "matrix_flop_per_clk", "vector_flop_per_clk", "exponent_per_clk", "smem_bytes", "l2_bytes",
    "l2_bytes_per_clk", "hbm_stack_bytes", "hbm_stack_bytes_per_s", "link_bytes_per_s", "collective_latency_s",
    "launch_latency_s", "overlap_exponent", "clock_hz", "tdp_w",
)  # fmt: skip


def chips(*ids: str) -> DesignTable:
    """Chips of the catalogue as a table, estimates allowed."""
    return DesignTable.of([design_of(load_catalog().chip(chip), allow_estimates=True) for chip in ids])


@st.composite
def designs(draw: st.DrawFn) -> ChipDesign:
    """A design with each number within a factor of two or so of an H100's, on any process."""
    factor = st.floats(0.5, 2.0)
    numbers = {name: getattr(H100, name) * draw(factor) for name in FREE_FIELDS}
    return replace(
        H100,
        name="random",
        node=draw(st.sampled_from(["N7", "N5", "N4", "N3", "N2"])),
        dies_count=float(draw(st.sampled_from([1, 2, 4]))),
        hbm_stacks_count=float(draw(st.integers(2, 12))),
        fp8_rate_ratio=draw(st.sampled_from([0.0, 2.0, 4.0])),
        fp4_rate_ratio=draw(st.sampled_from([0.0, 4.0, 8.0])),
        int8_rate_ratio=draw(st.sampled_from([0.0, 2.0])),
        **numbers,
    )
