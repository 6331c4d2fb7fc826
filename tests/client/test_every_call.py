"""Every call of the API has a method in the library and in both clients, and is described as it is registered."""

import datetime as dt
import inspect
import io
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, get_origin

import pytest

from kvota import Kvota, asks
from kvota.api.registry import Operation, operations
from kvota.asks.ask import Ask, Pages
from kvota.client import AsyncClient, Client

SERVICE = {"healthz", "readyz", "metrics", "openapi", "docs"}
"""No calls of a caller's: for those who run the server, and for browsers."""
OPERATIONS = {one.name: one for one in operations() if one.name not in SERVICE}
SAMPLES: dict[str, Any] = {
    "amount": 1,
    "end": dt.date(2026, 3, 2),
    "file": io.BytesIO(),
    "measures": {"tokens": 1},
    "now": dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
    "operations": [],
    "per": "day",
    "requests": 1,
    "role": "app",
    "scope": {"users": "each"},
    "start": dt.date(2026, 3, 1),
}


def described() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions of ``kvota.asks`` that describe a call, by name."""
    for module in pkgutil.iter_modules(asks.__path__, "kvota.asks."):
        for name, function in vars(import_module(module.name)).items():
            if inspect.isfunction(function) and function.__module__ == module.name and not name.startswith("_"):
                returned = inspect.signature(function).return_annotation
                if get_origin(returned) in (Ask, Pages) and name != "after":
                    yield name, function


DESCRIBED = dict(described())


def ask_of(describe: Callable[..., Any]) -> Ask[Any]:
    """The call with what it must be given; ids are called after what they name."""
    needed = [
        one
        for one in inspect.signature(describe).parameters.values()
        if one.default is one.empty and one.kind is not one.VAR_KEYWORD
    ]
    asked = describe(**{one.name: SAMPLES.get(one.name, f"some-{one.name}") for one in needed})
    return asked.first if isinstance(asked, Pages) else asked


def test_every_operation_is_described_once():
    names = sorted(ask_of(describe).operation for describe in DESCRIBED.values())
    assert names == sorted(OPERATIONS)


@pytest.mark.parametrize("name", DESCRIBED)
def test_a_description_fits_its_operation(name):
    ask = ask_of(DESCRIBED[name])
    operation: Operation = OPERATIONS[ask.operation]
    assert (ask.method, ask.takes_key, ask.kind, ask.media, ask.reply, ask.comes_as) == (
        operation.method, operation.takes_key, operation.body, operation.media, operation.reply, operation.media_type,
    )  # fmt: skip
    assert (ask.into is None) is (ask.comes_as == "application/json")
    assert tuple(ask.parameters) == operation.parameters
    assert ask.path == operation.path.format(**ask.parameters)
    assert set(ask.query) <= {"from", "to"} | set(operation.query.__struct_fields__)


def test_only_the_call_whose_repeat_would_do_it_again_is_not_repeated():
    """Whatever else writes takes a key, or sets what it names to what it says, or has its keys within."""
    safe = {"quote", "batch", "load_catalogue", "make_appeal", "grant_appeal", "refuse_appeal"}
    for describe in DESCRIBED.values():
        ask = ask_of(describe)
        is_safe = ask.takes_key or ask.method != "POST" or ask.operation in safe
        assert ask.is_repeatable is is_safe, ask.operation


@pytest.mark.parametrize("door", [Kvota, Client, AsyncClient])
def test_every_call_has_a_method_with_its_name_arguments_and_words(door):
    for name, describe in DESCRIBED.items():
        method = getattr(door, name)
        parameters = list(inspect.signature(method).parameters.values())
        assert (method.__name__, method.__doc__) == (name, describe.__doc__)
        assert parameters[1:] == list(inspect.signature(describe).parameters.values())
