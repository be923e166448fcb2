import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from featurize.quantiles import known_quantile


@given(
    st.lists(st.none() | st.integers(-1000, 1000), min_size=1, max_size=40), st.floats(0.0, 1.0), st.sampled_from("ab")
)
def test_quantiles_are_those_of_numpy_on_what_is_known(values: list[int | None], ratio: float, group: str) -> None:
    frame = pl.DataFrame({"group": [group] * len(values), "value": pl.Series(values, dtype=pl.Int64)})
    told = [value for value in values if value is not None]
    found = frame.lazy().group_by("group").agg(known_quantile(pl.col("value"), ratio)).collect()["value"].item()
    if told:
        np.testing.assert_allclose(found, np.quantile(told, ratio), rtol=1e-12, atol=1e-9)
    else:
        assert found is None
