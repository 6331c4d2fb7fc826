"""From a path to what answers on it, by its methods: a tree of the path's parts."""

from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar


class Routed(Protocol):
    """What stands at a path: parts in braces stand for anything."""

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...


R = TypeVar("R", bound=Routed)


class _Node(Generic[R]):
    __slots__ = ("any", "by_method", "named")

    def __init__(self) -> None:
        self.named: dict[str, _Node[R]] = {}
        self.any: _Node[R] | None = None
        self.by_method: dict[str, R] = {}


class Router(Generic[R]):
    """Knows every path. A named part goes before one that stands for anything; an empty part stands for nothing."""

    def __init__(self, operations: Sequence[R]) -> None:
        self._root = _Node[R]()
        for operation in operations:
            node = self._root
            for part in operation.path.split("/")[1:]:
                if part.startswith("{"):
                    node.any = node.any or _Node[R]()
                    node = node.any
                else:
                    node = node.named.setdefault(part, _Node[R]())
            node.by_method[operation.method] = operation

    def find(self, path: str) -> tuple[Mapping[str, R], list[str]]:
        """What stands at the path by its methods, none where it is not known; and what its parameters are."""
        node = self._root
        values: list[str] = []
        for part in path.split("/")[1:]:
            following = node.named.get(part)
            if following is None:
                if node.any is None or not part:
                    return {}, []
                following = node.any
                values.append(part)
            node = following
        return node.by_method, values
