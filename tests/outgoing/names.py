"""A resolver of names whose answers change from one question to the next."""

import socket

from aiohttp.abc import AbstractResolver, ResolveResult


class Names(AbstractResolver):
    """Gives each name the answers it is told, one for each question; an answer is a list of addresses.

    ``asked`` are the names that were asked for. What is asked for once too often does not exist.
    """

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked: list[str] = []

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - aiohttp's own signature
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if not self._answers.get(host):
            raise OSError(None, f"no such name: {host}")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in self._answers[host].pop(0)
        ]

    async def close(self) -> None:
        """Nothing to release."""
