"""The languages that people are answered in, and which of them a browser or a program likes better."""

from functools import lru_cache
from typing import Literal

Language = Literal["en", "ru"]


@lru_cache(maxsize=1024)
def language_of(accept: bytes) -> Language:
    """The better liked of Russian and English in an ``Accept-Language``; of equals the first, and English of none."""
    liked = {"en": 0.0, "ru": 0.0}
    others = 0.0
    for position, item in enumerate(accept.decode("latin-1").lower().split(",")[:100]):
        tag, _, parameters = item.strip().partition(";")
        weight = _weight(parameters) * (1 - position / 1_000_000)
        name = tag.strip().split("-")[0]
        if name in liked:
            liked[name] = max(liked[name], weight)
        elif name == "*":
            others = weight
    english = liked["en"] or others
    return "ru" if liked["ru"] > english else "en"


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
