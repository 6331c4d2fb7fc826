"""The methods of every front door of Python: one line for each call, for those that wait and those that are awaited."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from kvota.asks import administration, funds, notices, people, reports
from kvota.asks import appeals as asking
from kvota.asks import companies as about
from kvota.asks import usage as using
from kvota.asks.ask import Ask, Pages

P = ParamSpec("P")
T = TypeVar("T")


class Executor(Protocol):
    """Carries a call out and waits for its reply."""

    def execute(self, ask: Ask[T], /) -> T: ...


class AsyncExecutor(Protocol):
    """Carries a call out; its reply is awaited."""

    async def execute(self, ask: Ask[T], /) -> T: ...


def _call(describe: Callable[P, Ask[T]]) -> Callable[Concatenate[Executor, P], T]:
    def method(self: Executor, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.execute(describe(*args, **kwargs))

    return _named(method, describe)


def _list(describe: Callable[P, Pages[T]]) -> Callable[Concatenate[Executor, P], Iterator[T]]:
    def method(self: Executor, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        pages = describe(*args, **kwargs)
        page = self.execute(pages.first)
        yield from page.items
        while page.next is not None:
            page = self.execute(pages.after(page.next))
            yield from page.items

    return _named(method, describe)


def _async_call(describe: Callable[P, Ask[T]]) -> Callable[Concatenate[AsyncExecutor, P], Awaitable[T]]:
    async def method(self: AsyncExecutor, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.execute(describe(*args, **kwargs))

    return _named(method, describe)


def _async_list(describe: Callable[P, Pages[T]]) -> Callable[Concatenate[AsyncExecutor, P], AsyncIterator[T]]:
    async def method(self: AsyncExecutor, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        pages = describe(*args, **kwargs)
        page = await self.execute(pages.first)
        for item in page.items:
            yield item
        while page.next is not None:
            page = await self.execute(pages.after(page.next))
            for item in page.items:
                yield item

    return _named(method, describe)


Method = TypeVar("Method", bound=Callable[..., object])


def _named(method: Method, describe: Callable[..., object]) -> Method:
    """The method with the name, the docstring and the arguments of the call that it is for."""
    signature = inspect.signature(describe)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    shown = {
        "__name__": describe.__name__,
        "__qualname__": describe.__qualname__,
        "__doc__": describe.__doc__,
        "__signature__": signature.replace(parameters=[own, *signature.parameters.values()]),
    }
    for name, value in shown.items():
        setattr(method, name, value)
    return method


class Methods:
    """All calls. Lists are iterators that ask for the next page when it is needed."""

    quote = _call(using.quote)
    charge = _call(using.charge)
    get_charge = _call(using.get_charge)
    refund = _call(using.refund)
    measure = _call(using.measure)
    hold = _call(using.hold)
    capture = _call(using.capture)
    void = _call(using.void)
    get_hold = _call(using.get_hold)
    holds = _list(using.holds)
    batch = _call(using.batch)
    catalogue = _call(about.catalogue)
    catalogues = _list(about.catalogues)
    load_catalogue = _call(about.load_catalogue)
    companies = _list(about.companies)
    put_company = _call(about.put_company)
    patch_company = _call(about.patch_company)
    company = _call(about.company)
    balance = _call(about.balance)
    change_plan = _call(about.change_plan)
    drop_scheduled_plan = _call(about.drop_scheduled_plan)
    suspend = _call(about.suspend)
    resume = _call(about.resume)
    adjust = _call(about.adjust)
    add_boost = _call(funds.add_boost)
    boosts = _call(funds.boosts)
    revoke_boost = _call(funds.revoke_boost)
    place_order = _call(funds.place_order)
    orders = _list(funds.orders)
    confirm_order = _call(funds.confirm_order)
    drop_order = _call(funds.drop_order)
    entries = _list(reports.entries)
    entries_csv = _call(reports.entries_csv)
    entries_xlsx = _call(reports.entries_xlsx)
    usage = _call(reports.usage)
    statistics = _call(reports.statistics)
    counted = _list(reports.counted)
    forecast = _call(reports.forecast)
    advice = _call(reports.advice)
    put_user = _call(people.put_user)
    users = _list(people.users)
    get_user = _call(people.get_user)
    erase_user = _call(people.erase_user)
    appeal = _call(asking.appeal)
    appeals = _list(asking.appeals)
    grant_appeal = _call(asking.grant_appeal)
    refuse_appeal = _call(asking.refuse_appeal)
    set_cap = _call(administration.set_cap)
    caps = _call(administration.caps)
    remove_cap = _call(administration.remove_cap)
    make_key = _call(administration.make_key)
    keys = _list(administration.keys)
    revoke_key = _call(administration.revoke_key)
    acts = _list(administration.acts)
    notifications = _call(notices.notifications)
    put_notifications = _call(notices.put_notifications)
    webhooks = _call(notices.webhooks)
    make_webhook = _call(notices.make_webhook)
    rotate_webhook = _call(notices.rotate_webhook)
    remove_webhook = _call(notices.remove_webhook)
    try_webhook = _call(notices.try_webhook)
    deliveries = _list(notices.deliveries)
    resend_delivery = _call(notices.resend_delivery)
    clock = _call(administration.clock)
    set_clock = _call(administration.set_clock)


class AsyncMethods:
    """The same calls, to be awaited; lists are asynchronous iterators."""

    quote = _async_call(using.quote)
    charge = _async_call(using.charge)
    get_charge = _async_call(using.get_charge)
    refund = _async_call(using.refund)
    measure = _async_call(using.measure)
    hold = _async_call(using.hold)
    capture = _async_call(using.capture)
    void = _async_call(using.void)
    get_hold = _async_call(using.get_hold)
    holds = _async_list(using.holds)
    batch = _async_call(using.batch)
    catalogue = _async_call(about.catalogue)
    catalogues = _async_list(about.catalogues)
    load_catalogue = _async_call(about.load_catalogue)
    companies = _async_list(about.companies)
    put_company = _async_call(about.put_company)
    patch_company = _async_call(about.patch_company)
    company = _async_call(about.company)
    balance = _async_call(about.balance)
    change_plan = _async_call(about.change_plan)
    drop_scheduled_plan = _async_call(about.drop_scheduled_plan)
    suspend = _async_call(about.suspend)
    resume = _async_call(about.resume)
    adjust = _async_call(about.adjust)
    add_boost = _async_call(funds.add_boost)
    boosts = _async_call(funds.boosts)
    revoke_boost = _async_call(funds.revoke_boost)
    place_order = _async_call(funds.place_order)
    orders = _async_list(funds.orders)
    confirm_order = _async_call(funds.confirm_order)
    drop_order = _async_call(funds.drop_order)
    entries = _async_list(reports.entries)
    entries_csv = _async_call(reports.entries_csv)
    entries_xlsx = _async_call(reports.entries_xlsx)
    usage = _async_call(reports.usage)
    statistics = _async_call(reports.statistics)
    counted = _async_list(reports.counted)
    forecast = _async_call(reports.forecast)
    advice = _async_call(reports.advice)
    put_user = _async_call(people.put_user)
    users = _async_list(people.users)
    get_user = _async_call(people.get_user)
    erase_user = _async_call(people.erase_user)
    appeal = _async_call(asking.appeal)
    appeals = _async_list(asking.appeals)
    grant_appeal = _async_call(asking.grant_appeal)
    refuse_appeal = _async_call(asking.refuse_appeal)
    set_cap = _async_call(administration.set_cap)
    caps = _async_call(administration.caps)
    remove_cap = _async_call(administration.remove_cap)
    make_key = _async_call(administration.make_key)
    keys = _async_list(administration.keys)
    revoke_key = _async_call(administration.revoke_key)
    acts = _async_list(administration.acts)
    notifications = _async_call(notices.notifications)
    put_notifications = _async_call(notices.put_notifications)
    webhooks = _async_call(notices.webhooks)
    make_webhook = _async_call(notices.make_webhook)
    rotate_webhook = _async_call(notices.rotate_webhook)
    remove_webhook = _async_call(notices.remove_webhook)
    try_webhook = _async_call(notices.try_webhook)
    deliveries = _async_list(notices.deliveries)
    resend_delivery = _async_call(notices.resend_delivery)
    clock = _async_call(administration.clock)
    set_clock = _async_call(administration.set_clock)
