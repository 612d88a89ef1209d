"""How the scripted provider behaves, read from a model's name or an API key: ``scripted``, ``scripted-429``, ….

Names rather than shared memory choose the behaviour, so that a test may reach a provider in another process.
"""

import hashlib
import math
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What to do with a request; times in milliseconds, ``None`` where the name did not ask for it."""

    status: int = 200
    fault: str = ""
    flaky: int = 0
    delay_ms: float = 0
    tokens: int = 0
    usage: bool = True


FAULTS = ("midstream-500", "cut", "cut-clean", "cut-early", "hang", "stall", "html", "error-200", "garbage")


def behaviour_of(model: str, key: str) -> Behaviour:
    """Read the behaviour from the model, else from the key.

    ``scripted`` · ``-401`` (any status) · ``-midstream-500`` (an error event after two tokens) · ``-cut`` (the
    connection drops after two tokens) · ``-cut-clean`` (the body ends there, properly) · ``-cut-early`` (before any)
    · ``-hang`` (no token ever) · ``-stall`` (two tokens, then silence) · ``-html`` (a 502 page) · ``-error-200`` (an
    error body with 200) · ``-garbage`` (not JSON) · ``-slow-50`` (ms per token) · ``-no-usage`` · ``-flaky-2`` (fails
    twice, then works) · ``-tokens-100-20`` (100 tokens, 20 ms apart).
    """
    name = next((part for part in (model.rsplit("/", 1)[-1], key) if part.startswith("scripted-")), "")
    word = name.removeprefix("scripted-")
    if word in FAULTS:
        return Behaviour(fault=word)
    if word == "no-usage":
        return Behaviour(usage=False)
    if match := re.fullmatch(r"(\d{3})", word):
        return Behaviour(status=int(match[1]))
    if match := re.fullmatch(r"slow-(\d+)", word):
        return Behaviour(delay_ms=float(match[1]))
    if match := re.fullmatch(r"flaky-(\d+)", word):
        return Behaviour(flaky=int(match[1]))
    if match := re.fullmatch(r"tokens-(\d+)-(\d+(?:\.\d+)?)", word):
        return Behaviour(tokens=int(match[1]), delay_ms=float(match[2]))
    return Behaviour()


def default_answer(text: str) -> str:
    """Quote the first source found in the prompt and cite it, as an obedient model would.

    A source is what follows a ``[1]`` that begins a line, or an opening tag that carries a ``1``; a prompt without
    either is answered with its own last line.
    """
    found = re.findall(r"^[ \t]*\[1\]\s*(.+?)\s*(?=^[ \t]*\[\d+\]|\Z)", text, re.MULTILINE | re.DOTALL)
    found = found or re.findall(r"<\w+[^>]*=[\"']?1[\"']?[^>]*>\s*(.+?)\s*</\w+>", text, re.DOTALL)
    if not found:
        lines = [line for line in text.splitlines() if line.strip()]
        return f"You said: {lines[-1].strip() if lines else ''}"
    sentence = re.match(r".{1,400}?(?:[.!?](?=\s|$)|$)", " ".join(found[-1].split()))
    return f"{sentence[0].rstrip('.') if sentence else ''} [1]."


def embedding(text: str, dimension: int) -> list[float]:
    """Return a deterministic vector in which texts that share words lie close; its length is not 1 on purpose."""
    vector = [0.0] * dimension
    for word in re.findall(r"\w+", text.lower()) or ["∅"]:
        digest = hashlib.blake2b(word.encode(), digest_size=24).digest()
        for at in range(0, 24, 3):
            vector[int.from_bytes(digest[at : at + 2], "big") % dimension] += 1.0 if digest[at + 2] & 1 else -1.0
    return vector if any(vector) else [1.0, *vector[1:]]


def relevance(query: str, text: str) -> float:
    """Return the share of the query's words the text holds, 0 to 1."""
    wanted = set(re.findall(r"\w+", query.lower()))
    return round(len(wanted & set(re.findall(r"\w+", text.lower()))) / max(len(wanted), 1), 6)


def tokens_in(text: str) -> int:
    """Count tokens the provider's way: four characters each, rounded up."""
    return math.ceil(len(text) / 4)
