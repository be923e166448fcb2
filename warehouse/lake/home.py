"""Where the lake lives on disk, and the check that its folder was not moved: Iceberg writes absolute paths."""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pyiceberg.catalog.sql import SqlCatalog
from sqlalchemy import URL
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from warehouse.database import reached
from warehouse.errors import BadDatasetName, MovedHome, UnusableHome

T = TypeVar("T")

DATASET_NAME = re.compile(r"[a-z0-9_]{1,64}")
LOCK_WAIT_S = 60
"""How long a connection waits for another process's lock on the catalogue file before it gives up."""


def data_folder(home: Path) -> Path:
    """Folder of the table files under a home."""
    return home / "lake" / "data"


def default_catalog_url(home: Path) -> str:
    """SQLAlchemy URL of the catalogue that lies in the home itself."""
    path = home / "lake" / "catalog.db"
    return URL.create("sqlite", database=str(path), query={"timeout": str(LOCK_WAIT_S)}).render_as_string()


def checked_dataset(dataset: str) -> str:
    """The name itself if it can be a namespace.

    Raises:
        BadDatasetName: if the name has other characters than a-z, 0-9 and _, or not 1 to 64 of them.
    """
    if DATASET_NAME.fullmatch(dataset) is None:
        raise BadDatasetName(f"dataset name {dataset!r} is refused: use 1 to 64 characters of a-z, 0-9 and _")
    return dataset


def settle(home: Path) -> Path:
    """The absolute home, made ready on first use and checked to be where it was created ever after.

    Raises:
        UnusableHome: if the folder cannot be made or written.
        MovedHome: if the folder was created under another absolute path.
    """
    here = home.expanduser().resolve()
    marker = here / "lake" / "created_at_path"
    try:
        data_folder(here).mkdir(parents=True, exist_ok=True)
        if not marker.exists():
            _write_whole(marker, str(here))
    except OSError as error:
        raise UnusableHome(f"{here} cannot hold the state: {error.strerror}; name another SCOVILLE_HOME") from error
    created = marker.read_text(encoding="utf-8")
    if created != str(here):
        raise MovedHome(
            f"the state folder {here} was created as {created} and its tables hold absolute paths: "
            f"move it back (mv {here} {created}), or choose an empty folder as SCOVILLE_HOME and run again"
        )
    return here


def open_catalog(home: Path, url: str, dataset: str) -> SqlCatalog:
    """The catalogue with the dataset's namespace in it, made on first use.

    Raises:
        UnreachableDatabase: if the URL is wrong, lacks its driver, or its database does not answer.
    """
    with reached(url):
        catalog = _made_once(lambda: SqlCatalog("scoville", uri=url, warehouse=str(data_folder(home))))
        _made_once(lambda: catalog.create_namespace_if_not_exists(dataset))
    return catalog


def _made_once(make: Callable[[], T]) -> T:
    """What is made if it is absent; of two that make it at once, the second finds it made when it looks again.

    The catalogue has two tables, so a process can come second twice.
    """
    for _ in range(2):
        try:
            return make()
        except (IntegrityError, OperationalError, ProgrammingError):
            continue
    return make()


def _write_whole(path: Path, text: str) -> None:
    """Writes a file so that no reader ever sees half of it; whoever comes second finds the first one's text."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as draft:
        draft.write(text)
    Path(draft.name).replace(path)
