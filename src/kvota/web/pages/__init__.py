"""Every page, once: its call, who may open it, what answers it. A new page is one line in the list of its module."""

from kvota.web.page import Page
from kvota.web.pages import (
    advice,
    appeals,
    boosts,
    caps,
    catalogues,
    companies,
    company_settings,
    control,
    entrance,
    home,
    keys,
    ledger,
    mine,
    notifications,
    operator,
    overview,
    people,
    plan,
    prices,
    sessions,
    statistics,
)


def pages() -> tuple[Page, ...]:
    """All of them."""
    return (
        *home.pages(),
        *entrance.pages(),
        *sessions.pages(),
        *overview.pages(),
        *plan.pages(),
        *boosts.pages(),
        *caps.pages(),
        *people.pages(),
        *keys.pages(),
        *notifications.pages(),
        *company_settings.pages(),
        *statistics.pages(),
        *advice.pages(),
        *ledger.pages(),
        *companies.pages(),
        *operator.pages(),
        *catalogues.pages(),
        *mine.pages(),
        *appeals.pages(),
        *control.pages(),
        *prices.pages(),
    )
