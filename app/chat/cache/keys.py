"""When two questions are the same question to the exact cache: after Unicode NFC and folding of white space.

A follow-up that a chat model answers is another matter: the model reads the conversation too, and may repeat what a
person said in it. So its answer is kept under the whole conversation, and only the same conversation finds it.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence

from app.chat.prompt import PastTurn


def folded(text: str) -> str:
    """The text in NFC, each run of white space being one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def key_of(question: str, history: Sequence[PastTurn] = ()) -> str:
    """A name for a question behind a conversation, the same for the same: 32 hexadecimal digits."""
    said = [part for turn in history for part in (turn.question, turn.answer)]
    return digest(folded(part) for part in (question, *said))


def digest(parts: Iterable[str]) -> str:
    """A digest of texts, kept apart, as 32 hexadecimal digits."""
    summed = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode()
        summed.update(len(data).to_bytes(8, "big") + data)
    return summed.hexdigest()
