"""Replaying a usage trace: through a running server, or into a store of this process.

``spread`` makes calls out of a trace file, ``replay_http`` and ``replay_embedded`` make them, and a ``Tally`` counts
what became of them.
"""

from kvota.replay.embedded import replay_embedded
from kvota.replay.http import replay_http
from kvota.replay.tally import Answer, Tally
from kvota.replay.trace import Call, Columns, Spread, read_trace, spread

__all__ = [
    "Answer", "Call", "Columns", "Spread", "Tally", "read_trace", "replay_embedded", "replay_http", "spread",
]  # fmt: skip
