"""Calling each service once, for whoever sets them up: what is wrong, in words."""

import asyncio
from typing import NamedTuple

from kvota.upstreams.configuration import Service, is_like
from kvota.upstreams.failing import WORDS, Failure, Language, NoAnswer
from kvota.upstreams.sending import Upstreams


class Finding(NamedTuple):
    """How one service answered. ``missing``: patterns of the file that no model of its list is like."""

    service: str
    failure: Failure | None
    models: int
    missing: tuple[str, ...]


async def check(upstreams: Upstreams) -> list[Finding]:
    """Ask each service for the list of its models, which costs nothing, all at once."""
    return list(await asyncio.gather(*(_finding(upstreams, service) for service in upstreams.services)))


async def _finding(upstreams: Upstreams, service: Service) -> Finding:
    try:
        names = await upstreams.listed(service)
    except NoAnswer as error:
        return Finding(service.name, error.failures[service.name], 0, ())
    known = (*names, *(asked for asked, told in service.rename.items() if told in names))
    missing = tuple(one for one in service.models if not any(is_like(name, one) for name in known)) if names else ()
    return Finding(service.name, None, len(names), missing)


def told(finding: Finding, language: Language) -> str:
    """The finding in a sentence."""
    name, is_russian = finding.service, language == "ru"
    if finding.failure is not None:
        return f"{name}: {WORDS[finding.failure][language]}"
    if finding.missing:
        listed = ", ".join(finding.missing)
        return (
            f"{name}: отвечает, но в списке его моделей нет ни одной для {listed}; исправьте models или rename"
            if is_russian
            else f"{name}: it answers, but none of its models is like {listed}; correct models, or rename"
        )
    if not finding.models:
        return (
            f"{name}: отвечает; списка моделей не даёт, поэтому models не проверены"
            if is_russian
            else f"{name}: it answers, but gives no list of its models, so models could not be checked"
        )
    return (
        f"{name}: отвечает, моделей в списке: {finding.models}"
        if is_russian
        else f"{name}: it answers; models in its list: {finding.models}"
    )
