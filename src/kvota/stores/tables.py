"""What each part of a store that keeps tables beside the ledgers rests on."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from kvota.stores.batches import Session, Statement
from kvota.stores.dialect import Dialect
from kvota.stores.rows import Row


class Tables(ABC):
    """Statements in sessions of three kinds, which a database provides."""

    _dialect: Dialect

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Session]:
        """A session in which each statement sees what has been committed by then."""

    @abstractmethod
    def _writing(self, *, exclusively: bool = False) -> AbstractContextManager[Session]:
        """A session in a transaction that the end of the block commits; ``exclusively``: once no batch runs.

        Raises ``Busy`` where another transaction is in the way.
        """

    @abstractmethod
    def _forgetting(self) -> AbstractContextManager[Session]:
        """Like ``_writing``; what is replaced or deleted is wiped, where the database would leave it in a gap."""

    def _ask(self, text: str, *parameters: object) -> list[Row]:
        with self._reading() as session:
            return self._run(session, text, *parameters)

    def _run(self, session: Session, text: str, *parameters: object) -> list[Row]:
        return session.run([Statement(self._dialect.sql(text), parameters)])[0]
