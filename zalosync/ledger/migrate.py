"""The schema: created and upgraded by Alembic, and recognised by its digest before anything else is asked."""

import hashlib
import re
import sqlite3
from collections.abc import Collection

from zalosync.errors import LedgerError
from zalosync.ledger.dialect import Database

# By version, SHA-256 over the sorted statements of sqlite_master; a crafted file with triggers or views
# differs.
SQLITE_SCHEMAS = {
    "0001": "455b5dab350d97da39f4ffbd83e8c7d6cf44e6c9a83b572b74dfa8d0750459fe",
    "0002": "e9cc17cbd94285f2d0fb1bb0e61942a7b6bc5c6e77047d82757963bba4185316",
    "0003": "bac9dda469f973d96268500abfe927e4d183d8d59deeef5d9203cab04fd3669e",
    "0004": "b55c2c63175545ef788bdaeda093cb0f95bf60ea88fe06d2b59178095b3c6344",
}
REVISION = max(SQLITE_SCHEMAS)
_VERSION = re.compile(r"[0-9]{4}")


def upgrade(database: Database, revision: str = "head") -> None:
    """Create or upgrade the schema to this version's, or to an older one."""
    import sqlalchemy as sa
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "zalosync.ledger:migrations")
    config.set_main_option("path_separator", "os")
    engine = sa.create_engine("sqlite://", creator=lambda: database.connection, poolclass=sa.StaticPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def schema_digest(connection: sqlite3.Connection) -> str:
    """What the schema of a SQLite file is, as a digest."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    text = "\n".join(f"{kind} {name} {' '.join((sql or '').split())}" for kind, name, sql in rows)
    return hashlib.sha256(text.encode()).hexdigest()


def version_of(database: Database) -> str | None:
    """The version whose schema a SQLite file has exactly, or None."""
    found = schema_digest(database.connection)
    return next((version for version, digest in SQLITE_SCHEMAS.items() if digest == found), None)


def check_schema(connection: sqlite3.Connection, place: str, *, known: Collection[str] = (REVISION,)) -> None:
    """Refuse a database whose schema is not exactly one that is known, before anything else is asked of it.

    Args:
        connection: to the file.
        place: its name for people.
        known: the versions that will do.

    Raises:
        LedgerError: an older, newer or foreign schema.
    """
    if schema_digest(connection) in {SQLITE_SCHEMAS[version] for version in known}:
        return
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    row = None
    if "alembic_version" in tables:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        raise LedgerError(
            f"{place} is not a zalosync ledger", fix="check the environment's `ledger`", code="ZS601"
        )
    # Whoever made the file wrote this too: nothing but a version is shown.
    version = row[0] if isinstance(row[0], str) and _VERSION.fullmatch(row[0]) else "none that is known"
    raise LedgerError(
        f"the schema of {place} is version {version}, this zalosync expects {REVISION} unchanged",
        fix="`zalosync ledger migrate` upgrades an older one; a newer one needs a newer zalosync",
        code="ZS602",
    )
