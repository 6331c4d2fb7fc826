"""Numbered migrations: each file is applied once, in one transaction with its record."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from importlib import resources
from typing import NamedTuple, Protocol

from kvota.errors import Invalid


class Migration(NamedTuple):
    """One file: its name, its text, and the SHA-256 of the text."""

    name: str
    text: str
    hash: str


class Target(Protocol):
    """A database that can be migrated."""

    def exclusively(self) -> AbstractContextManager[None]:
        """One transaction that no other process's migration overlaps; rolled back when an exception leaves it."""
        ...

    def applied(self) -> dict[str, str]:
        """The migrations that the database records, by name, with their hashes; inside ``exclusively``."""
        ...

    def apply(self, migration: Migration) -> None:
        """Run the file and record it; inside ``exclusively``."""
        ...


def migrations(folder: str) -> list[Migration]:
    """The migrations for a database (``sqlite``, ``postgres``), in their order."""
    found: list[Migration] = []
    for file in resources.files("kvota.stores").joinpath("migrations", folder).iterdir():
        if file.name.endswith(".sql"):
            content = file.read_bytes()
            found.append(Migration(file.name.removesuffix(".sql"), content.decode(), sha256(content).hexdigest()))
    return sorted(found)


def migrate(target: Target, known: Sequence[Migration]) -> list[str]:
    """Apply what is missing; the names of what was applied here.

    Any number of processes may do so at once: each migration is applied by one of them. Raises ``Invalid``, and
    changes nothing, where the database records a migration that is not known, or a known one with another content.
    """
    done: list[str] = []
    for migration in known:
        with target.exclusively():
            applied = target.applied()
            _check(applied, known)
            if migration.name not in applied:
                target.apply(migration)
                done.append(migration.name)
    return done


def _check(applied: dict[str, str], known: Sequence[Migration]) -> None:
    hashes = {migration.name: migration.hash for migration in known}
    if unknown := sorted(applied.keys() - hashes.keys()):
        raise Invalid(
            f"The store was made by a newer version of Kvota: it has the migrations {', '.join(unknown)}, "
            "which this version does not know. Use that version, or a newer one."
        )
    if changed := sorted(name for name in applied if applied[name] != hashes[name]):
        raise Invalid(
            f"The migrations {', '.join(changed)} were applied to the store with another content than this version "
            "has. A released migration never changes: use the version of Kvota that the store was made with."
        )
