"""When two questions are the same question to a person who reads a list of them."""

import hashlib
import unicodedata

CLOSING_MARKS = " .,;:!?…？！。؟"


def fold_question(text: str) -> str:
    """The question without what people vary without meaning it: case, white space, width of letters, closing marks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(CLOSING_MARKS)


def question_key(text: str) -> str:
    """A short name for the folded question, the same for the same: 32 hexadecimal digits."""
    return hashlib.blake2b(fold_question(text).encode(), digest_size=16).hexdigest()
