"""Whatever the text, a catalogue or CatalogueInvalid; and every key has its line."""

import tomllib
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC
from pathlib import Path
from typing import Any, cast

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kvota.catalogue_file import differences, parse
from kvota.core.catalogue import Catalogue
from kvota.errors import CatalogueInvalid
from kvota.toml_file import locate

TEXT = Path(__file__).with_name("cases.toml").read_text(encoding="utf-8")
FIXED = settings(derandomize=True, deadline=None, max_examples=300, database=None)


def parsed(text: str | bytes) -> Catalogue | CatalogueInvalid:
    """What became of the text; any exception but CatalogueInvalid fails the test."""
    try:
        return parse(text)
    except CatalogueInvalid as error:
        refused = error
    assert refused.errors
    assert all(error.message and error.field for error in refused.errors)
    assert len(msgspec.json.encode(refused.errors)) < 1_000_000
    return refused


def written(value: Any) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(character):08X}" for character in value) + '"'
    if isinstance(value, list):
        return f"[{', '.join(written(inner) for _, inner in items(value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(key)} = {written(inner)}" for key, inner in items(value)) + "}"
    return str(value)


def items(value: Any) -> list[tuple[Any, Any]]:
    """What is in a table or a list, by key or number."""
    if isinstance(value, dict):
        return list(cast("dict[str, Any]", value).items())
    return list(enumerate(cast("list[Any]", value))) if isinstance(value, list) else []


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, inner in items(value):
        yield (*path, key)
        yield from paths(inner, (*path, key))


KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["base", "min", "max", "per", "stages", "free_when", "tool", "title", "allowance", "amount", "at_least", "equals"]
)
SCALARS = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(-3, 30)
    | st.floats()
    | KEYS
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
    | st.times()
    | st.sampled_from(["feed", "chat_question", "transcription", "RUB", "boosts_first"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
EXAMPLE = tomllib.loads(TEXT)
PLACES = list(paths(EXAMPLE))


@FIXED
@given(st.text() | st.binary())
def test_any_text_or_bytes_are_a_catalogue_or_refused(text: str | bytes) -> None:
    parsed(text)


@FIXED
@given(st.integers(0, len(TEXT)), st.integers(0, 200), st.text(st.sampled_from("[]{}=.,\"'#\\\n ab1-:TZ"), max_size=8))
def test_the_example_with_a_piece_cut_out_and_another_put_in_is_a_catalogue_or_refused(
    start: int, length: int, piece: str
) -> None:
    parsed(TEXT[:start] + piece + TEXT[start + length :])


@FIXED
@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(["replace", "remove", "add"]), KEYS, VALUES), max_size=4
    )
)
def test_the_example_with_any_values_anywhere_is_a_catalogue_or_refused(
    edits: list[tuple[tuple[Any, ...], str, str, Any]],
) -> None:
    example: Any = deepcopy(EXAMPLE)
    table: Any
    for path, edit, key, value in edits:
        table = example
        for part in path[:-1]:
            table = dict(items(table)).get(part)
        if not isinstance(table, dict):
            continue
        if edit == "remove":
            cast("dict[str, Any]", table).pop(path[-1], None)
        else:
            table[path[-1] if edit == "replace" else key] = value
    text = "\n".join(f"{written(key)} = {written(value)}" for key, value in example.items())
    match parsed(text):
        case Catalogue() as catalogue:
            assert differences(catalogue, catalogue) == []
            differences(catalogue, parse(TEXT))
        case CatalogueInvalid() as refused:
            assert not any("no TOML" in error.message for error in refused.errors), text


@FIXED
@given(
    st.dictionaries(KEYS, VALUES, max_size=5),
    st.sampled_from(["", "# [x]\n\n", 'text = """\n[x] = "" \\"\\"\\"\n"""""\n', "text = '''\n'x' = ''\n'''''\n"]),
)
def test_every_key_and_element_of_a_file_has_its_line(table: dict[str, Any], before: str) -> None:
    lines = [f"\t{written(key)} = {written(value)} # end" for key, value in table.items() if key != "text"]
    text = before + "\n".join(lines)
    values = tomllib.loads(text)
    places = locate(text, CatalogueInvalid)
    assert set(places) == set(paths(values))
    source = text.split("\n")
    for path, place in places.items():
        if path != ("text",):
            assert written(path[0]) in source[place.line - 1]


def test_arrays_of_tables_have_the_lines_of_their_elements() -> None:
    text = "[[a]]\nx = 1\n[[a.b]]\n[a.b.c]\ny = 1\n[[a.b]]\n[[a]]\nx = 2\n[[a.b]]\nz = [\n  1, # one\n  2,\n]\n"
    lines = {path: place.line for path, place in locate(text, CatalogueInvalid).items()}
    assert set(lines) == set(paths(tomllib.loads(text)))
    assert (lines["a", 0, "b", 0, "c", "y"], lines["a", 0, "b", 1], lines["a", 1, "x"]) == (5, 6, 8)
    assert lines["a", 1, "b", 0, "z", 1] == 12
