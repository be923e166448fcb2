"""The assets, one module per group. A new module is added to ASSET_MODULES, and nowhere else."""

from types import ModuleType

from pipelines.assets import exploration, features, history, report, telemetry

ASSET_MODULES: tuple[ModuleType, ...] = (telemetry, features, history, exploration, report)

__all__ = ["ASSET_MODULES"]
