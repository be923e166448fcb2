"""The errors that callers of this room can expect.

TelemetryError
├── SettingsError     a setting of a simulation is outside its limits
├── ParameterError    a surface file is missing, misspelt or out of limits
└── LatencyError      a latency table has the wrong shape or impossible values
"""


class TelemetryError(Exception):
    """Base of the expected errors of the telemetry simulator."""


class SettingsError(TelemetryError):
    """A setting of a simulation is outside its limits."""


class ParameterError(TelemetryError):
    """A surface file is missing, has unknown or missing keys, or a number outside its limits."""


class LatencyError(TelemetryError):
    """A latency table has the wrong shape or impossible values."""
