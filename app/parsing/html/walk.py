"""From a tree of elements to blocks, in reading order."""

import re

from selectolax.lexbor import LexborNode

from app.parsing.builder import TextBuilder
from app.parsing.html.furniture import is_furniture
from app.parsing.html.inline import image_text, inline_text, preformatted_text
from app.parsing.html.tables import grid, is_layout
from app.parsing.limits import ParseLimits
from app.parsing.render import Item

_BLOCKS = frozenset(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure footer "
    "form header hgroup hr legend li main menu ol p section summary td th tr tbody thead tfoot table ul caption".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_WHITE = re.compile(r"\s+")


class Walker:
    """Walks elements and hands blocks to a builder; inline text gathers until a block ends it."""

    def __init__(self, builder: TextBuilder, limits: ParseLimits) -> None:
        self._builder = builder
        self._limits = limits
        self._inline: list[str] = []
        self._items: list[Item] = []
        self._list_depth = 0
        self._marker = ""
        self._term_open = False

    def walk(self, root: LexborNode) -> None:
        """Everything below ``root``, ending with a finished block."""
        self._children(root, 0)
        self._end_block()
        self._end_list()

    def _children(self, parent: LexborNode, depth: int) -> None:
        for node in parent.iter(include_text=True):
            tag = node.tag or ""
            if tag == "-text":
                self._inline.append(_WHITE.sub(" ", node.text_content or ""))
            elif not tag.startswith("-") and not is_furniture(node, tag):
                self._element(node, tag, depth)

    def _element(self, node: LexborNode, tag: str, depth: int) -> None:
        if depth >= self._limits.max_depth:
            self._inline.append(" " + _WHITE.sub(" ", node.text(deep=True, separator=" ")))
        elif tag in _HEADINGS:
            self._interrupt()
            self._builder.heading(inline_text(node, self._limits.max_depth), _HEADINGS[tag])
        elif tag in _LISTS or tag == "dl":
            self._list(node, tag, depth)
        elif tag == "pre":
            self._interrupt()
            self._builder.code(preformatted_text(node))
        elif tag == "table" and not is_layout(node):
            self._table(node)
        elif tag in {"br", "img"}:
            self._inline.append("\n" if tag == "br" else image_text(node))
        elif tag in _BLOCKS:
            self._block(node, tag, depth)
        else:
            self._children(node, depth + 1)

    def _block(self, node: LexborNode, tag: str, depth: int) -> None:
        self._end_block()
        if tag in {"dt", "dd"} and self._list_depth:
            self._marker, self._term_open = ("-", False) if tag == "dt" else ("", True)
        self._children(node, depth + 1)
        self._end_block()

    def _list(self, node: LexborNode, tag: str, depth: int) -> None:
        self._end_block()
        outer_marker, self._list_depth = self._marker, self._list_depth + 1
        start = node.attributes.get("start") or "1"
        number = int(start) if start.isdecimal() and len(start) < 6 else 1
        if tag == "dl":
            self._children(node, depth + 1)
        else:
            for entry in node.iter():
                if is_furniture(entry, entry.tag or ""):
                    continue
                self._marker, self._term_open = (f"{number}." if tag == "ol" else "-"), False
                number += entry.tag == "li"
                self._children(entry, depth + 1) if entry.tag == "li" else self._element(
                    entry, entry.tag or "", depth + 1
                )
                self._end_block()
        self._end_block()
        self._list_depth, self._marker = self._list_depth - 1, outer_marker and ""
        if self._list_depth == 0:
            self._end_list()

    def _table(self, node: LexborNode) -> None:
        self._interrupt()
        rows, header_rows, caption = grid(node, self._limits)
        self._builder.paragraph(caption)
        self._builder.table(rows, header_rows)

    def _interrupt(self) -> None:
        """Ends whatever is open because a block follows that cannot be part of it."""
        self._end_block()
        self._end_list()

    def _end_block(self) -> None:
        text = "".join(self._inline).strip()
        self._inline.clear()
        if not text:
            return
        if not self._list_depth:
            self._builder.paragraph(text)
        elif self._term_open and self._items:
            last = self._items[-1]
            self._items[-1] = Item(f"{last.text}: {text}", last.depth, last.marker)
            self._term_open = False
        else:
            self._items.append(Item(text, self._list_depth - 1, self._marker))
            self._marker = ""

    def _end_list(self) -> None:
        if self._items:
            self._builder.list(self._items)
            self._items.clear()
