"""The folders of the state folder, and making them ready on first use."""

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pipelines.errors import BadInput
from warehouse.errors import UnusableHome

INSTANCE_FILE = "dagster.yaml"
PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")


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
        """Design-recommendation reports, a folder per run."""
        return self.root / "reports"

    def report(self, run_id: str) -> Path:
        """Folder of one run's report.

        Raises:
            BadInput: The run id is no plain name.
        """
        if not PLAIN_NAME.fullmatch(run_id):
            raise BadInput(f"{run_id[:80]!r} is no run id: letters, digits, '-', '_' and '.' only")
        return self.reports / run_id


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
