"""What is known not to matter in an English question, and what is known to mean the same. Nothing else is taken so.

Short on purpose. A word belongs here only if no two questions are imaginable, in any organisation's documents, that
differ in it alone and want two answers.
"""

import re
from collections.abc import Mapping
from typing import Final

ENGLISH: Final = frozenset(
    "the what how when where why which who whose does did your with from there these please tell".split()
)
"""Words by which English is known; none of them is one in a language whose small words look like English ones."""

ENGLISH_OPENINGS: Final = frozenset("is are can may must should does did were".split())

QUESTION_OPENINGS: Final = frozenset("what which who whose whom when where why how".split())
"""Behind these it does not matter whether a thing is named once or often: "what does a ticket", "what do tickets". But
"may I bring a guest" is not "may I bring guests".
"""

ARTICLES: Final = frozenset({"a", "an", "the"})

HELPERS: Final[Mapping[str, str]] = {
    # What stays of each: its time and what it is. "do" only carries the question; a second one is a verb of its own.
    "do": "",
    "does": "",
    "did": "did",
    "is": "is",
    "are": "is",
    "am": "is",
    "was": "was",
    "were": "was",
}

SAME: Final[Mapping[str, str]] = {
    "which": "what",
    "whom": "who",
    "per": "every",
    "each": "every",
    "may": "can",
    "purchase": "buy",
    "info": "information",
    "docs": "documentation",
    "repo": "repository",
    "config": "configuration",
    "max": "maximum",
    "min": "minimum",
    "phone": "telephone",
    "e-mail": "email",
    "e-mails": "email",
    "tv": "television",
    "employees": "staff",
    "%": "percent",
    # Numbers in words.
    **{word: str(number) for number, word in enumerate("zero one two three four five six seven eight nine".split())},
    **{word: str(number) for number, word in enumerate("ten eleven twelve".split(), start=10)},
    # British and American spelling.
    "colour": "color",
    "colours": "color",
    "centre": "center",
    "centres": "center",
    "licence": "license",
    "licences": "license",
    "programme": "program",
    "programmes": "program",
    "organisation": "organization",
    "organisations": "organization",
    "authorise": "authorize",
    "authorised": "authorized",
    "cancelled": "canceled",
    "labour": "labor",
    "grey": "gray",
}

NOT_PLURALS: Final = frozenset(
    """
    news customs arms goods savings glasses means works damages papers terms grounds manners spirits contents funds
    times minutes lens series species mathematics physics economics politics premises always perhaps besides less this
    his its yes thus versus plus does has
    """.split()
)
"""Words that mean something else without their last letter, or are none."""

IRREGULAR_PLURALS: Final[Mapping[str, str]] = {"children": "child", "people": "person", "women": "woman", "men": "man"}

NO_NOUNS: Final = frozenset(
    """
    what which who whose when where why how one some any all each every none most many much few both either neither
    more less out because instead ahead kind sort type part half
    """.split()
)
"""Words beside "of" that may not change places."""

BEFORE_IS: Final = frozenset("what who where when why how it that there here he she".split())
"""Words after which an apostrophe and s is "is"."""

WORDS_OF_CASE: Final = frozenset("a it us who may will am can or".split())
"""Words that with capitals inside a sentence are something else: hall A, IT, US, WHO, May, Will."""

_POLITE: Final = "many thanks|thanks a lot|thanks|thank you|hi|hello|hey|please|kindly"
_WH: Final = "(?=(?:who|whose|what|which|when|where|why|how) )"

FRAMES: Final = tuple(
    (re.compile(pattern), " ")
    for pattern in (
        rf"^(?: (?:{_POLITE}))+ ",
        rf"(?: (?:{_POLITE}))+ $",
        r"^ (?:(?:can|could|would|will) you )?(?:please )?tell me ",
        r"^ i (?:'d like|would like|want|need) to know ",
        rf"^ (?:(?:can|could|would|will) you )?(?:please )?(?:explain to me|explain|show me) {_WH}",
        rf"^ (?:do|would) you know {_WH}",
        rf"^ does any(?:one|body) know {_WH}",
    )
)
"""Ways to ask for an answer that are no part of the question, applied in this order. Spaces surround every word."""

REWORDINGS: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # "How can I", said in other ways.
        (r"^ how (?:do|can|could) (?:i|we|one) ", " how can i "),
        (r"^ how to ", " how can i "),
        (r"^ what (?:do|can|could) (?:i|we) do to ", " how can i "),
        (r"^ what (?:is|are) the (?:steps|procedure|process) to ", " how can i "),
        # "Can I", said in other ways.
        (r"^ is it possible to ", " can i "),
        (r"^ (?:am i|are we) (?:allowed|permitted) to ", " can i "),
        # How many and how much. "The number of the house" is another thing.
        (r"^ what is the number of (\w+s) ", r" how many \1 "),
        (r"^ how many (\w+) are there $", r" how many \1 "),
        (r"^ how many (.+) (?:has|have) the (.+) $", r" how many \1 does the \2 have "),
        (r"^ what (do|does|did|will|would) (.+) cost $", r" how much \1 \2 cost "),
        # A preposition before "which" that the question can do without.
        (r"^ (?:in|at|on) (what|which) (\w+) (is|are|was|were) ", r" \1 \2 \3 "),
        # Where "not" stands.
        (r"^ (why )?(is|are|was|were|do|does|did|can|should|must) not (the \w+|i|we|you|they|it) ", r" \1\2 \3 not "),
    )
)
"""Turns of phrase with one meaning, applied in this order. Spaces surround every word."""
