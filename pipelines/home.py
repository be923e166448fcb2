"""The folders of the state folder, and making them ready on first use."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from warehouse.errors import UnusableHome

INSTANCE_FILE = "dagster.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeFolders:
    """What lies where under one state folder; the lake and the ledger make their own folders."""

    root: Path

    @property
    def dagster(self) -> Path:
        """DAGSTER_HOME: run history, event log, schedules."""
        return self.root / "dagster"

    @property
    def landing(self) -> Path:
        """Where people and machines drop trace files."""
        return self.root / "landing"

    @property
    def done(self) -> Path:
        """Landed files whose rows are in the lake."""
        return self.landing / "done"

    @property
    def failed(self) -> Path:
        """Landed files that could not be used, each with its reason beside it."""
        return self.landing / "failed"

    @property
    def reports(self) -> Path:
        """Design-recommendation reports."""
        return self.root / "reports"


def prepare_home(root: Path) -> HomeFolders:
    """Makes the folders and Dagster's own settings file; a settings file that is there stays as it is.

    Raises:
        UnusableHome: The folder cannot be made or written.
    """
    folders = HomeFolders(root=root)
    try:
        for folder in (folders.dagster, folders.done, folders.failed, folders.reports, root / "ledger"):
            folder.mkdir(parents=True, exist_ok=True)
        settings = folders.dagster / INSTANCE_FILE
        if not settings.exists():
            settings.write_text(files("pipelines").joinpath("data", INSTANCE_FILE).read_text())
    except OSError as error:
        raise UnusableHome(f"{root} cannot hold the state: {error.strerror}; name another SCOVILLE_HOME") from error
    return folders
