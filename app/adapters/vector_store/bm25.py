"""Texts as term weights. Qdrant's own BM25 (the term part; the index adds the inverse document frequency).

It splits at everything that is no letter or digit, stems English, drops English stop words: words of other
languages with spaces are found in the form they were written in. Scripts without spaces (Chinese, Japanese, Korean
syllables, Thai, Lao, Khmer, Burmese) would become one term per phrase, so a run of such characters is first cut into
overlapping pairs, as in Lucene's CJK analysis; documents also get the single characters, queries only where a run is
one character long.
"""

import re
import unicodedata
from functools import lru_cache

from qdrant_edge import Bm25, Bm25Config

from app.adapters.vector_store.port import SparseVector

_UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # Iteration marks, kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\uac00-\ud7af"  # Hangul syllables: spaced, but its words carry endings that pairs see through
    "]+"
)


def sparse_document(text: str) -> SparseVector:
    """The terms of a passage, weighted by how often they occur in it."""
    return _vector(_bm25().embed_document(_prepared(text, singles=True)))


def sparse_query(text: str) -> SparseVector:
    """The terms of a question, each with weight one; empty where it has none (stop words only)."""
    return _vector(_bm25().embed_query(_prepared(text, singles=False)))


@lru_cache(maxsize=1)
def _bm25() -> Bm25:
    # Built at first use and kept: it is stateless, and building it compiles the stemmer and the stop words.
    return Bm25(Bm25Config(ascii_folding=True))


def _vector(sparse: object) -> SparseVector:
    return SparseVector(tuple(sparse.indices), tuple(sparse.values))  # type: ignore[attr-defined]


def _prepared(text: str, *, singles: bool) -> str:
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    return _UNSPACED.sub(lambda run: _pairs(run[0], singles=singles), text)


def _pairs(run: str, *, singles: bool) -> str:
    terms = [run[at : at + 2] for at in range(len(run) - 1)]
    if singles or not terms:
        terms += run
    return f" {' '.join(terms)} "
