"""The pages that the browser walks over. A new page is one line here: its path, and as whom it is opened."""

from typing import NamedTuple


class Stop(NamedTuple):
    """A page of the demo, opened by the role ``as_`` (None: nobody); ``click`` is clicked before the look."""

    path: str
    as_: str | None
    click: str | None = None


STOPS = (
    Stop("/sign-in", None),
    Stop("/forgotten", None),
    Stop("/welcome?token=gone", None),
    Stop("/companies", "operator"),
    Stop("/companies?search=acme", "operator"),
    Stop("/operator/new-company", "operator"),
    Stop("/operator/orders", "operator"),
    Stop("/operator/catalogue", "operator"),
    Stop("/operator/health", "operator"),
    Stop("/operator/audit", "operator"),
    Stop("/companies/acme/appeals", "admin"),
    Stop("/companies/acme/control", "operator"),
    Stop("/prices", None),
    Stop("/prices?crm_call_complete=120&site_creation=3&site_creation.images=4&follow_up=20", "admin"),
    Stop("/mine?action=site_creation&q.images=4", "member"),
    Stop("/companies/acme", "operator"),
    Stop("/companies/acme", "admin", click="main details summary"),
    Stop("/companies/acme/plan", "operator"),
    Stop("/companies/acme/plan?plan=professional&effective=next_period", "admin"),
    Stop("/companies/acme/boosts", "admin"),
    Stop("/companies/acme/caps", "admin"),
    Stop("/companies/acme/people", "admin"),
    Stop("/companies/acme/people/anna", "admin"),
    Stop("/companies/acme/keys", "admin"),
    Stop("/companies/acme/notifications", "admin"),
    Stop("/companies/acme/settings", "admin"),
    Stop("/companies/acme/statistics", "admin"),
    Stop("/companies/acme/statistics?tool=crm&user=anna", "operator"),
    Stop("/companies/acme/statistics/entries?tool=crm", "admin"),
    Stop("/companies/acme/entries", "admin"),
    Stop("/companies/acme/entries?kind=charged&user=anna", "operator"),
    Stop("/companies/acme/entries/20", "admin"),
    Stop("/companies/acme/advice", "admin", click="main details summary"),
    Stop("/sessions", "admin"),
    Stop("/mine", "member"),
    Stop("/nothing", "member"),
)
ELSEWHERE = {
    "ledger_csv": "is a file",
    "ledger_xlsx": "is a file",
    "home": "leads on to the first page of the role",
}
"""Pages that need no look of their own, and why."""
