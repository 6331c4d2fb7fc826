"""The tree of commands.

The modules of the commands are light: what a command needs is imported when it runs, so that ``kvota --help`` is quick.
"""

from collections.abc import Callable

from cyclopts import App, Group, Parameter

from kvota.cli import (
    bitrix24,
    boosts,
    catalogues,
    charging,
    companies,
    demo,
    insight,
    keys,
    loading,
    orders,
    plans,
    proving,
    reading,
    replaying,
    serving,
    signing,
    upstreams,
    users,
)

_SERVER = Group("Server and store", sort_key=1)
_COMPANIES = Group("Companies", sort_key=2)
_REQUESTS = Group("AI requests", sort_key=3)
_TRYING = Group("Trying it out", sort_key=4)

HELP = (
    "A meter for AI requests: packages, boosts, limits and holds for each company, exact to the last request.\n\n"
    "Commands speak to a running server when they are given --url and --key (or KVOTA_URL and KVOTA_KEY); otherwise "
    "they open the store themselves: --store (or KVOTA_STORE), sqlite:///kvota.db where nothing is said.\n\n"
    "A first look: kvota demo. Help on a command, with an example: kvota COMMAND --help."
)
EXIT_CODES = "Exit codes: 0 done, 1 declined or findings, 2 the caller erred, 3 the world broke."

_COMMANDS: dict[Group, tuple[Callable[..., int], ...]] = {
    _SERVER: (serving.serve, serving.migrate, proving.verify, proving.rebuild, proving.backup),
    _REQUESTS: (
        reading.balance,
        charging.quote,
        charging.charge,
        charging.hold,
        charging.capture,
        charging.void,
        reading.usage,
        insight.status,
        insight.forecast,
        insight.advice,
        reading.entries,
    ),
    _TRYING: (replaying.replay, demo.demo),
}
_GROUPS: tuple[tuple[str, Group, str, tuple[Callable[..., int], ...]], ...] = (
    (
        "catalogue",
        _SERVER,
        "Check, show, try out and load catalogues.",
        (catalogues.check, catalogues.show, loading.load, loading.editions),
    ),
    (
        "company",
        _COMPANIES,
        "Create, show and change companies.",
        (companies.create, companies.show, companies.list_, companies.set_, companies.suspend, companies.resume),
    ),
    (
        "upstreams",
        _SERVER,
        "Check the AI services that the gateway passes calls on to.",
        (upstreams.check,),
    ),
    ("plan", _COMPANIES, "Show and change a company's plan.", (plans.show, plans.change, plans.drop_scheduled)),
    ("key", _COMPANIES, "Make, list and revoke API keys.", (keys.create, keys.list_, keys.revoke)),
    (
        "sign-in",
        _COMPANIES,
        "Let people sign in to the dashboard.",
        (signing.invite, signing.list_, signing.reset, signing.remove),
    ),
    (
        "user",
        _COMPANIES,
        "Keep the users' directory: names, e-mail addresses, departments.",
        (users.put, users.show, users.list_, users.erase),
    ),
    ("boost", _REQUESTS, "Add, list and revoke boosts.", (boosts.add, boosts.list_, boosts.revoke)),
    (
        "bitrix24",
        _COMPANIES,
        "Connect a Bitrix24 portal, whose CoPilot is then metered.",
        (bitrix24.connect, bitrix24.list_, bitrix24.renew, bitrix24.remove),
    ),
    (
        "order",
        _REQUESTS,
        "Order boosts, and confirm that they are paid.",
        (orders.place, orders.list_, orders.confirm, orders.drop),
    ),
)


def _version() -> str:
    from importlib.metadata import version

    return version("kvota")


def _build() -> App:
    app = App(
        name="kvota",
        help=HELP,
        help_epilogue=EXIT_CODES,
        help_format="plaintext",
        version=_version,
        default_parameter=Parameter(show_default=lambda value: None if value is False else value),
    )
    for group, functions in _COMMANDS.items():
        for function in functions:
            app.command(function, group=group)
    for name, group, text, functions in _GROUPS:
        under = App(name=name, help=text, group=group)
        for function in functions:
            under.command(function, name=function.__name__.strip("_").replace("_", "-"))
        app.command(under)
    return app


app = _build()
