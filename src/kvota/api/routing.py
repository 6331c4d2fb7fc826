"""From a path to the operations on it: a tree of the path's parts."""

from collections.abc import Mapping, Sequence

from kvota.api.registry import Operation


class _Node:
    __slots__ = ("any", "by_method", "named")

    def __init__(self) -> None:
        self.named: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.by_method: dict[str, Operation] = {}


class Router:
    """Knows every path. A named part goes before one that stands for anything; an empty part stands for nothing."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._root = _Node()
        for operation in operations:
            node = self._root
            for part in operation.path.split("/")[1:]:
                if part.startswith("{"):
                    node.any = node.any or _Node()
                    node = node.any
                else:
                    node = node.named.setdefault(part, _Node())
            node.by_method[operation.method] = operation

    def find(self, path: str) -> tuple[Mapping[str, Operation], list[str]]:
        """The operations at the path by their methods, none where it is not known; and what its parameters are."""
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
