"""What ties the stages of one call together: the transcript that we gave, found again in the prompts that follow.

A recording's own bytes name the subject. Of the transcript only hashes are kept: of its first words, by which it is
looked for at every word of a prompt, and of all of it, by which it is made sure of.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b, sha256

from kvota.portals import Transcript

FIRST_WORDS = 8
_WORD = re.compile(r"\w+")


def subject_of(scenario: str, recording: bytes) -> str:
    """The subject of a recording: the same bytes are the same call, or meeting."""
    return f"{'meeting' if scenario == 'follow_up_audio' else 'call'}:{sha256(recording).hexdigest()[:32]}"


def transcript_of(company: str, text: str, subject: str) -> Transcript | None:
    """What a text is recognised by, whatever its spaces and punctuation; None where it is too short for that."""
    words = _words(text)
    if len(words) < FIRST_WORDS:
        return None
    start, whole = _hash(words[:FIRST_WORDS]), _hash(words)
    return Transcript(company=company, start=start, words=len(words), hash=whole, subject=subject)


def starts_of(texts: Iterable[str]) -> list[str]:
    """Everything in the texts that a transcript might begin with."""
    found: dict[str, None] = {}
    for text in texts:
        words = _words(text)
        for at in range(len(words) - FIRST_WORDS + 1):
            found[_hash(words[at : at + FIRST_WORDS])] = None
    return list(found)


def recognised(texts: Iterable[str], known: Sequence[Transcript]) -> str | None:
    """The subject of the longest of the transcripts that stands in one of the texts as a whole."""
    best: Transcript | None = None
    for text in texts:
        words = _words(text)
        for at in range(len(words) - FIRST_WORDS + 1):
            start = _hash(words[at : at + FIRST_WORDS])
            for one in known:
                is_longer = best is None or one.words > best.words
                if one.start == start and is_longer and _hash(words[at : at + one.words]) == one.hash:
                    best = one
    return None if best is None else best.subject


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _hash(words: Sequence[str]) -> str:
    return blake2b(" ".join(words).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
