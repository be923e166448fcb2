"""The version of this code, as run records and materialisations name it."""

from importlib.metadata import version


def code_version() -> str:
    """Version of the installed distribution."""
    return version("scoville")
