"""What the two processes say to each other, in frames of MessagePack: commands one way, answers the other."""

import pickle
import struct
import traceback
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from kvota.committing import REPLIES, Answer, Outcome, Reply
from kvota.core.commands import AnyCommand, Command
from kvota.errors import KvotaError

_LENGTH = struct.Struct("!I")
_ERROR, _DEFECT = "error", "defect"


class Asking(NamedTuple):
    """A command under its number, and since when it waits (by the monotonic clock, which is the machine's)."""

    number: int
    at: float
    command: AnyCommand


class Said(NamedTuple):
    """The answer to a number: the kind of the reply, or of what went wrong."""

    number: int
    kind: str
    is_replayed: bool
    reply: Any


class _Heard(NamedTuple):
    number: int
    kind: str
    is_replayed: bool
    reply: msgspec.Raw


class _HeardBatch(NamedTuple):
    seconds: float
    answers: list[_Heard]


class Defect(Exception):
    """What nobody foresaw, in the other process: its traceback as text."""


_encode = msgspec.msgpack.Encoder().encode
_decode_commands = msgspec.msgpack.Decoder(list[Asking]).decode
_decode_batch = msgspec.msgpack.Decoder(_HeardBatch).decode
_decode_reply = {name: msgspec.msgpack.Decoder(kind).decode for name, kind in REPLIES.items()}
_decode_bytes = msgspec.msgpack.Decoder(bytes).decode
_decode_text = msgspec.msgpack.Decoder(str).decode


class Frames:
    """Puts what comes in pieces together to whole frames."""

    def __init__(self) -> None:
        self._came = bytearray()

    def whole(self, data: bytes) -> Iterator[bytes]:
        """The frames that are whole by now."""
        came = self._came
        came += data
        start = 0
        while len(came) >= start + _LENGTH.size:
            body = start + _LENGTH.size
            end = body + _LENGTH.unpack_from(came, start)[0]
            if len(came) < end:
                break
            yield bytes(came[body:end])
            start = end
        del came[:start]


def _frame(message: object) -> bytes:
    body = _encode(message)
    return _LENGTH.pack(len(body)) + body


def commands_frame(waiting: Sequence[tuple[int, float, Command]]) -> bytes:
    """Commands, as ``read_commands`` reads them."""
    return _frame(waiting)


def read_commands(body: bytes) -> list[Asking]:
    """The commands of a frame."""
    return _decode_commands(body)


def batch_frame(seconds: float, answers: Sequence[Said]) -> bytes:
    """The answers of one batch and the seconds that it took, as ``read_batch`` reads them."""
    return _frame((seconds, answers))


def read_batch(body: bytes) -> tuple[float, list[tuple[int, Answer]]]:
    """The seconds and the answers of a batch."""
    seconds, answers = _decode_batch(body)
    return seconds, [(one.number, _answer(one)) for one in answers]


def said(number: int, answer: Answer) -> Said:
    """An answer, as it is told."""
    if isinstance(answer, Outcome):
        return Said(number, type(answer.reply).__name__, answer.is_replayed, answer.reply)
    if isinstance(answer, KvotaError):
        return Said(number, _ERROR, is_replayed=False, reply=pickle.dumps((type(answer), answer.args, vars(answer))))
    return Said(number, _DEFECT, is_replayed=False, reply="".join(traceback.format_exception(answer)))


def _answer(heard: _Heard) -> Answer:
    if heard.kind == _ERROR:
        kind, arguments, state = pickle.loads(_decode_bytes(heard.reply))  # noqa: S301 - by our own process
        error = cast(KvotaError, kind.__new__(kind, *arguments))
        vars(error).update(state)
        return error
    if heard.kind == _DEFECT:
        return Defect(_decode_text(heard.reply))
    return Outcome(cast(Reply, _decode_reply[heard.kind](heard.reply)), heard.is_replayed)
