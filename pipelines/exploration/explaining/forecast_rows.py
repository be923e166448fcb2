"""The demand forecast as the scenario set takes it."""

import polars as pl

from hwmodel.design import ForecastRow

QUANTILES = ("p10", "p50", "p90")


def forecast_rows(forecast: pl.DataFrame) -> dict[str, list[ForecastRow]]:
    """Rows by quantile; a quantile without rows has none.

    Args:
        forecast: Contract `DemandForecast`, of one day, maybe empty.
    """
    return {quantile: [_row(row) for row in _of(forecast, quantile)] for quantile in QUANTILES}


def _of(forecast: pl.DataFrame, quantile: str) -> list[dict[str, object]]:
    return forecast.filter(pl.col("quantile").cast(pl.String) == quantile).to_dicts()


def _row(row: dict[str, object]) -> ForecastRow:
    return ForecastRow(
        surface=str(row["surface"]),
        session_ratio=_number(row["session_weight_ratio"]),
        input_ratio=_number(row["input_scale_ratio"]),
        output_ratio=_number(row["output_scale_ratio"]),
    )


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None
