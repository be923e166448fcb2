"""What the environment chooses: where state lies, which databases hold it, how steps are executed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipelines.errors import BadInput

HOME_VARIABLE = "SCOVILLE_HOME"
CATALOG_VARIABLE = "SCOVILLE_CATALOG_URL"
LEDGER_VARIABLE = "SCOVILLE_LEDGER_URL"
EXECUTOR_VARIABLE = "SCOVILLE_EXECUTOR"
DEFAULT_HOME = ".scoville"
"""Under the current folder."""


class Executor(StrEnum):
    """How the steps of a Dagster run are executed."""

    IN_PROCESS = "in_process"
    MULTIPROCESS = "multiprocess"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Choices that hold for every run of a machine."""

    home: Path
    """Absolute folder of all state."""
    catalog_url: str | None = None
    """SQLAlchemy URL of the Iceberg catalogue; None is a SQLite file in the home."""
    ledger_url: str | None = None
    """SQLAlchemy URL of the ledger; None is a SQLite file in the home."""
    executor: Executor = Executor.IN_PROCESS

    def __post_init__(self) -> None:
        if not self.home.is_absolute():
            raise BadInput(f"state folder {self.home} is not absolute; give {HOME_VARIABLE} a path that begins with /")


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings of an environment; an empty variable counts as absent.

    Raises:
        BadInput: A variable has a value that cannot be used.
    """
    executor = environ.get(EXECUTOR_VARIABLE) or Executor.IN_PROCESS.value
    if executor not in tuple(Executor):
        raise BadInput(f"{EXECUTOR_VARIABLE}={executor!r} is not one of {', '.join(Executor)}")
    return Settings(
        home=Path(environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser().absolute(),
        catalog_url=environ.get(CATALOG_VARIABLE) or None,
        ledger_url=environ.get(LEDGER_VARIABLE) or None,
        executor=Executor(executor),
    )
