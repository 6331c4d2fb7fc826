"""Appeals: what people ask their administrators for, until it is granted or refused."""

import secrets
import time
from collections.abc import Callable

from kvota.core.appeals import Appeal
from kvota.core.periods import rfc3339
from kvota.errors import AppealClosed, NotFound
from kvota.store import Store


class Appeals:
    """``clock`` is the store's, or what replaces it."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store, self._clock = store, clock

    def ask(
        self,
        company: str,
        user: str,
        *,
        text: str | None = None,
        wanted: int | None = None,
        action: str | None = None,
        reason: str | None = None,
        cap: str | None = None,
    ) -> tuple[Appeal, bool]:
        """Ask for more, and whether that is a new appeal: where one is open, it says this from now on."""
        self._check_company(company)
        now = self._clock()
        appeal = Appeal(
            company=company,
            id=f"apl_{time.time_ns():016x}{secrets.token_hex(2)}",  # sorted by age
            user=user,
            text=text,
            wanted=wanted,
            action=action,
            reason=reason,
            cap=cap,
            asked_at=now,
        )
        stored = self._store.put_appeal(appeal)
        return stored, stored.id == appeal.id

    def page(
        self, company: str, after: str, limit: int, *, status: str | None = None, user: str | None = None
    ) -> list[Appeal]:
        """A page of them, oldest first."""
        self._check_company(company)
        with self._store.snapshot() as view:
            return view.appeals(company, status, user, after, limit)

    def waiting(self, company: str, limit: int) -> list[Appeal]:
        """The open ones, oldest first."""
        with self._store.snapshot() as view:
            return view.appeals(company, "open", None, "", limit)

    def answered(self, company: str, user: str | None, limit: int) -> list[Appeal]:
        """The latest ones that have an answer, newest first."""
        with self._store.snapshot() as view:
            return view.answered_appeals(company, user, limit)

    def find(self, company: str, name: str) -> Appeal:
        """One of them."""
        self._check_company(company)
        with self._store.snapshot() as view:
            found = view.appeal(company, name)
        if found is None:
            raise NotFound("appeal", name)
        return found

    def grant(
        self, company: str, name: str, *, by: str, answer: str | None, set_cap: str | None, order: str | None
    ) -> Appeal:
        """It was granted by that cap, or that order. One that is granted stays as it is."""
        return self._close(company, name, granted=True, by=by, answer=answer, set_cap=set_cap, order=order)

    def refuse(self, company: str, name: str, *, by: str, answer: str | None) -> Appeal:
        """Say no. One that is refused stays as it is."""
        return self._close(company, name, granted=False, by=by, answer=answer)

    def _close(
        self,
        company: str,
        name: str,
        *,
        granted: bool,
        by: str,
        answer: str | None,
        set_cap: str | None = None,
        order: str | None = None,
    ) -> Appeal:
        self._check_company(company)
        status = "granted" if granted else "refused"
        found = self._store.close_appeal(
            company, name, status=status, at=self._clock(), by=by, answer=answer, set_cap=set_cap, order=order
        )
        if found is None:
            raise NotFound("appeal", name)
        check_open(found, status)
        return found

    def _check_company(self, company: str) -> None:
        with self._store.snapshot() as view:
            if view.account(company) is None:
                raise NotFound("company", company)


def check_open(appeal: Appeal, *but: str) -> None:
    """``AppealClosed`` for one that has ended in another way than ``but``."""
    if appeal.status not in ("open", *but):
        at = rfc3339(appeal.closed_at or 0)
        raise AppealClosed(f"The appeal {appeal.id} was {appeal.status} at {at}.")
