"""The text inside an element that is one line or one cell."""

import re

from selectolax.lexbor import LexborNode

from app.parsing.html.furniture import is_furniture

_WHITE = re.compile(r"\s+")
_FILE_NAME = re.compile(r"^\s*\S+\.(?:jpe?g|png|gif|svg|webp|bmp|tiff?)\s*$", re.IGNORECASE)
_BREAKING = frozenset({"br", "p", "div", "li", "tr", "td", "th", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "pre"})


def inline_text(node: LexborNode, max_depth: int) -> str:
    """The visible text of an element as one piece, with spaces where inner blocks end."""
    parts: list[str] = []
    _gather(node, parts, max_depth)
    return _WHITE.sub(" ", "".join(parts)).strip()


def preformatted_text(node: LexborNode) -> str:
    """The text of a ``pre`` element as it stands, line breaks included."""
    for line_break in node.css("br"):
        line_break.replace_with("\n")
    return (node.text(deep=True) or "").removeprefix("\n")


def image_text(node: LexborNode) -> str:
    """The description of an image, unless it is only a file's name."""
    described = node.attributes.get("alt") or ""
    return "" if _FILE_NAME.match(described) else f" {described} "


def _gather(parent: LexborNode, parts: list[str], depth_left: int) -> None:
    for node in parent.iter(include_text=True):
        tag = node.tag or ""
        if tag == "-text":
            parts.append(node.text_content or "")
        elif tag == "img":
            parts.append(image_text(node))
        elif not tag.startswith("-") and depth_left > 0 and not is_furniture(node, tag):
            parts.append(" " if tag in _BREAKING else "")
            _gather(node, parts, depth_left - 1)
            parts.append(" " if tag in _BREAKING else "")
