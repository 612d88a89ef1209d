"""A page as a document: its title, its language and its main content."""

import re
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.kit.blocks import ParsedDocument
from app.parsing.builder import TextBuilder
from app.parsing.decode import decode_markup
from app.parsing.errors import DocumentTooComplex
from app.parsing.html.walk import Walker
from app.parsing.limits import ParseLimits, Progress

MAX_OPEN_TAGS = 4_000
"""The tree builder's time grows with the square of the nesting: 200,000 open elements cost it 89 seconds."""

MAIN_SHARE = 0.25
"""A main element with less than this share of the page's text is not where the content is."""

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
# Elements without an end tag, or whose end tag is left out so often that counting them would mislead.
_UNCOUNTED = frozenset(
    "area base br col embed hr img input link meta source track wbr p li dt dd td th tr tbody thead tfoot option "
    "optgroup colgroup rt rp".split()
)


def parse_html(path: Path, limits: ParseLimits, on_progress: Progress) -> ParsedDocument:
    """The document in an HTML file. Raises DocumentTooComplex for nesting that no page needs."""
    tree = tree_of(decode_markup(path.read_bytes()))
    builder = TextBuilder(limits)
    walk_page(tree, builder, limits)
    on_progress(1, 1)
    return builder.build(title=_title(tree), metadata=_metadata(tree))


def tree_of(markup: str) -> LexborHTMLParser:
    """The parsed page, checked for nesting first."""
    _check_nesting(markup)
    return LexborHTMLParser(markup)


def walk_page(tree: LexborHTMLParser, builder: TextBuilder, limits: ParseLimits) -> None:
    """Appends the page's main content to a builder."""
    body = tree.body
    if body is not None:
        Walker(builder, limits).walk(_main(body))


def _check_nesting(markup: str) -> None:
    depth = deepest = 0
    for found in _TAG.finditer(markup):
        if found[2].lower() not in _UNCOUNTED:
            depth = depth + 1 if not found[1] else max(0, depth - 1)
            deepest = max(deepest, depth)
    if deepest > MAX_OPEN_TAGS:
        raise DocumentTooComplex("The page's elements are nested too deeply to be read.")


def _main(body: LexborNode) -> LexborNode:
    """The element that holds the content: ``main``, or the only article, or the body."""
    whole = max(1, len(body.text(deep=True)))
    for selector in ("main, [role=main]", "article"):
        found = body.css(selector)
        if len(found) == 1 and len(found[0].text(deep=True)) >= MAIN_SHARE * whole:
            return found[0]
    return body


def _title(tree: LexborHTMLParser) -> str | None:
    for selector in ("head > title", "title", "h1"):
        node = tree.css_first(selector)
        if node is not None and node.text(deep=True).strip():
            return node.text(deep=True)
    return None


def _metadata(tree: LexborHTMLParser) -> dict[str, str]:
    found: dict[str, str] = {}
    language = tree.root.attributes.get("lang") if tree.root is not None else None
    if language:
        found["language"] = language
    for name in ("description", "author", "keywords"):
        node = tree.css_first(f'meta[name="{name}"]')
        content = node.attributes.get("content") if node is not None else None
        if content:
            found[name] = content[:1000]
    return found
