"""The texts of the pages: ``texts/*.toml``, each with its English and its Russian in one line."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from markupsafe import Markup

from kvota.asgi.languages import Language

Texts = Mapping[str, Mapping[str, str]]
LANGUAGES: tuple[Language, ...] = ("en", "ru")


def load_texts() -> dict[str, dict[str, str]]:
    """Every text by its key, ``section.name``, in both languages."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(resources.files("kvota.web").joinpath("texts").iterdir(), key=lambda one: one.name):
        for section, texts in tomllib.loads(file.read_text(encoding="utf-8")).items():
            for name, pair in texts.items():
                key = f"{section}.{name}"
                if key in found:
                    raise ValueError(f"{file.name}: {key} stands in another file, too")
                found[key] = pair
    return found


class Wording:
    """The texts in one language. A key that there is not is a defect, and raises ``KeyError``."""

    def __init__(self, texts: Texts, language: Language) -> None:
        self._texts = texts
        self.language: Language = language

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def __call__(self, key: str, **values: Any) -> Markup:  # noqa: ANN401 - whatever the text has a place for
        """The text of a key. What stands in its places is escaped; the text itself is ours."""
        text = Markup(self._texts[key][self.language])  # noqa: S704 - ours, from the package
        return text.format(**values) if values else text
