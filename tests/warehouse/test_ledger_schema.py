"""The ledger's migrations build exactly what the models say, from nothing, once, and in any order of opening."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from tests.warehouse.ledger_records import begin, run
from warehouse.errors import NewerLedger, UnreachableDatabase
from warehouse.ledger import ledger_url, open_ledger
from warehouse.ledger.engine import for_writing, make_engine, migration_config
from warehouse.ledger.rows import NAMES, Row, UtcDateTime


def test_an_empty_database_is_upgraded_to_the_newest_revision(tmp_path: Path) -> None:
    ledger = open_ledger(ledger_url(tmp_path / "not yet there"))
    with ledger.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
        assert present == ScriptDirectory.from_config(migration_config(connection)).get_current_head()
        assert set(Row.metadata.tables) | {"alembic_version"} == set(inspect(connection).get_table_names())


def test_the_models_equal_the_migrations(tmp_path: Path) -> None:
    ledger = open_ledger(ledger_url(tmp_path))
    with ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Row.metadata) == []


def test_a_table_without_a_migration_would_be_noticed(tmp_path: Path) -> None:
    ledger = open_ledger(ledger_url(tmp_path))
    with for_writing(ledger.engine).begin() as connection:
        connection.execute(text("ALTER TABLE runs DROP COLUMN code_version"))
        differences = compare_metadata(MigrationContext.configure(connection), Row.metadata)
    assert [difference[0] for difference in differences] == ["add_column"]


def test_the_migrations_can_be_undone(tmp_path: Path) -> None:
    ledger = open_ledger(ledger_url(tmp_path))
    with for_writing(ledger.engine).begin() as connection:
        command.downgrade(migration_config(connection), "base")
    assert inspect(ledger.engine).get_table_names() == ["alembic_version"]


def test_opening_again_keeps_what_is_there(tmp_path: Path) -> None:
    with open_ledger(ledger_url(tmp_path)).unit_of_work() as work:
        begin(work)
    assert open_ledger(ledger_url(tmp_path)).runs() == [run()]


def test_many_that_open_a_new_ledger_at_once_all_succeed(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        ledgers = list(pool.map(lambda _: open_ledger(ledger_url(tmp_path)), range(4)))
    assert [ledger.runs() for ledger in ledgers] == [[], [], [], []]


def test_a_ledger_of_newer_code_is_refused(tmp_path: Path) -> None:
    url = ledger_url(tmp_path)
    open_ledger(url)
    with for_writing(make_engine(url)).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'r9999'"))
    with pytest.raises(NewerLedger, match="revision r9999"):
        open_ledger(url)


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("not a database, " * 100)
    with pytest.raises(UnreachableDatabase, match=r"notes\.txt: file is not a database"):
        open_ledger(f"sqlite:///{notes}")
    assert notes.read_text().startswith("not a database")


def test_the_tables_can_be_made_on_postgresql() -> None:
    for table in Row.metadata.sorted_tables:
        statement = str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
        assert "WITHOUT TIME ZONE" not in statement
        assert statement.count(" TIMESTAMP WITH TIME ZONE") == sum(isinstance(c.type, UtcDateTime) for c in table.c)


def test_every_constraint_has_a_name_so_that_a_migration_can_drop_it() -> None:
    unnamed = [c for table in Row.metadata.tables.values() for c in table.constraints if c.name is None]
    assert NAMES["pk"] == "pk_%(table_name)s"
    assert unnamed == []
