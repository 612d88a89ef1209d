"""Counting tokens offline, with OpenAI's o200k vocabulary out of LiteLLM's package.

LiteLLM is found, not imported. Other models' tokenizers differ by a few percent on English, which budgets and chunk
sizes can bear. Loading takes 0.3 s and keeps 55 MB, so it happens at the first count; a count runs at 30 MB/s and
lets go of the GIL, so only long texts need a thread.
"""

import asyncio
import hashlib
import importlib.util
import os
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from app.adapters.memory import release_memory
from app.kit.errors import DependencyDown

if TYPE_CHECKING:  # tiktoken is imported with the vocabulary, at the first count.
    from tiktoken import Encoding

ENCODING = "o200k_base"
FILE = "fb374d419588a4632f3f557e76b4b70aebbca790"  # tiktoken's name for it: the SHA-1 of the address it came from.
FILE_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
CACHE_VARIABLE = "TIKTOKEN_CACHE_DIR"
PIECE_CHARACTERS = 100_000
LIKELY_CHARACTERS_PER_TOKEN = 6

_loading = threading.Lock()


class VocabularyUnusable(DependencyDown):
    """The bundled vocabulary is missing or is not the one this version was built for."""

    code = "vocabulary_unusable"
    title = "Tokens cannot be counted"


class TokenCounter:
    """Counts and cuts texts by tokens. All counters of a process share one vocabulary."""

    async def load(self) -> None:
        """Load the vocabulary in a thread. Raises VocabularyUnusable."""
        await asyncio.to_thread(_vocabulary)

    def count(self, text: str) -> int:
        """Count a text's tokens, special ones read as plain text. Raises VocabularyUnusable at the first call.

        Longer texts are counted in pieces of 100,000 characters, so that no input exhausts the tokenizer; each
        border may add a token.
        """
        encode = _vocabulary().encode_ordinary
        if len(text) <= PIECE_CHARACTERS:
            return len(encode(text))
        pieces = (text[at : at + PIECE_CHARACTERS] for at in range(0, len(text), PIECE_CHARACTERS))
        return sum(len(encode(piece)) for piece in pieces)

    def truncate(self, text: str, limit_tokens: int) -> str:
        """Return the longest beginning of a text that has at most so many tokens, cut between characters."""
        if limit_tokens <= 0:
            return ""
        if len(text.encode(errors="surrogatepass")) <= limit_tokens:
            return text  # A token is at least one byte.
        vocabulary = _vocabulary()
        size = limit_tokens * LIKELY_CHARACTERS_PER_TOKEN
        tokens = vocabulary.encode_ordinary(text[:size])
        while len(tokens) <= limit_tokens and size < len(text):
            size *= 2
            tokens = vocabulary.encode_ordinary(text[:size])
        if len(tokens) <= limit_tokens:
            return text
        while True:
            # A token may end inside a character; and what is left may be cut into other tokens than before.
            kept = vocabulary.decode_bytes(tokens[:limit_tokens]).decode(errors="ignore")
            tokens = vocabulary.encode_ordinary(kept)
            if len(tokens) <= limit_tokens:
                return kept
            tokens = tokens[:limit_tokens]


def count_tokens(text: str) -> int:
    """Count a text's tokens; see TokenCounter."""
    return TokenCounter().count(text)


def truncate(text: str, limit_tokens: int) -> str:
    """Cut a text to at most so many tokens; see TokenCounter."""
    return TokenCounter().truncate(text, limit_tokens)


def _vocabulary() -> "Encoding":
    with _loading:  # ``cache`` alone would let two threads load at once.
        return _load()


@cache
def _load() -> "Encoding":
    folder = _checked_folder()
    import tiktoken  # noqa: PLC0415  Late: only whoever counts should pay for it.

    before = os.environ.get(CACHE_VARIABLE)
    os.environ[CACHE_VARIABLE] = str(folder)  # tiktoken knows no other way to be told; it downloads otherwise.
    try:
        encoding = tiktoken.get_encoding(ENCODING)
    finally:
        if before is None:
            del os.environ[CACHE_VARIABLE]
        else:
            os.environ[CACHE_VARIABLE] = before
    # The table in Python only serves pickling, which nobody does here; without it 30 MB go.
    setattr(encoding, "_mergeable_ranks", {})  # noqa: B010  There is no public way.
    release_memory()
    return encoding


def _checked_folder() -> Path:
    """Return the folder with the vocabulary, whose hash is right: tiktoken would fetch another from the network."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        raise VocabularyUnusable("The package litellm, which carries the vocabulary, is not installed.")
    folder = Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"
    try:
        found = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
    except OSError as error:
        raise VocabularyUnusable("The vocabulary is missing from the package litellm; install it again.") from error
    if found != FILE_SHA256:
        raise VocabularyUnusable("The vocabulary in the package litellm is not the expected one; install it again.")
    return folder
