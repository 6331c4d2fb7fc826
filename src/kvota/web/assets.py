"""What the pages load beside their HTML: held in memory, under names that change with the content."""

from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

TYPES = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}
FOREVER = b"public, max-age=31536000, immutable"
DIGITS = 12


class Asset(NamedTuple):
    """One file, at the path under which it is served."""

    path: str
    body: bytes
    content_type: bytes


class Assets:
    """The files of ``static``, by their names there."""

    def __init__(self) -> None:
        self._by_name: dict[str, Asset] = {}
        self._gather(resources.files("kvota.web").joinpath("static"), "")
        self._by_path = {asset.path: asset for asset in self._by_name.values()}

    def _gather(self, folder: Traversable, prefix: str) -> None:
        for file in folder.iterdir():
            name = prefix + file.name
            if file.is_dir():
                self._gather(file, name + "/")
            elif (kind := TYPES.get(name.rpartition(".")[2])) is not None:
                body = file.read_bytes()
                self._by_name[name] = Asset(f"/static/{sha256(body).hexdigest()[:DIGITS]}/{name}", body, kind)

    def url(self, name: str) -> str:
        """Where it is served."""
        return self._by_name[name].path

    def at(self, path: str) -> Asset | None:
        """What is served there."""
        return self._by_path.get(path)
