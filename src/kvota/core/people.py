"""The users' directory: what is known of a person, and can be erased. No fact of a ledger, and no decision's business.

The department alone reaches decisions: it is filled into a usage before that is decided.
"""

from kvota.core.catalogue import Value


class Person(Value, frozen=True, kw_only=True):
    """Somebody of a company's directory; a usage that names no department takes this one."""

    company: str
    user: str
    name: str | None = None
    email: str | None = None
    department: str | None = None
