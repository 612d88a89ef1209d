"""Markdown (CommonMark with tables): front matter as metadata, the rest as blocks of plain text."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.kit.blocks import ParsedDocument
from app.parsing.builder import TextBuilder
from app.parsing.decode import decode
from app.parsing.html.parser import tree_of, walk_page
from app.parsing.limits import ParseLimits, Progress
from app.parsing.render import Item

MAX_WRAP = 200

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^([A-Za-z][\w -]{0,60}):[ \t]*(\S.*)$", re.MULTILINE)
_TAG = re.compile(r"<[^<>]*>")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def parse_markdown(path: Path, limits: ParseLimits, on_progress: Progress) -> ParsedDocument:
    """The document in a Markdown file."""
    source = decode(path.read_bytes()).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    metadata, body = _split_front_matter(source)
    builder = TextBuilder(limits)
    parser = MarkdownIt("commonmark", {"maxNesting": 60}).enable(["table", "strikethrough"])
    _Reader(builder, limits).read(parser.parse(body))
    on_progress(1, 1)
    return builder.build(title=metadata.get("title"), metadata=metadata)


def _split_front_matter(source: str) -> tuple[dict[str, str], str]:
    """Fields of one line from a YAML block at the very beginning; nested ones are left out."""
    found = _FRONT_MATTER.match(source.removeprefix("\ufeff"))
    if found is None:
        return {}, source
    fields = {key.strip(): value.strip().strip("\"'") for key, value in _FIELD.findall(found[1])}
    return fields, source.removeprefix("\ufeff")[found.end() :]


class _Reader:
    """Reads the flat list of tokens, keeping where in lists and tables it stands."""

    def __init__(self, builder: TextBuilder, limits: ParseLimits) -> None:
        self._builder = builder
        self._limits = limits
        self._items: list[Item] = []
        self._numbers: list[int | None] = []
        self._marker = ""
        self._heading = 0
        self._rows: list[list[str]] | None = None
        self._header_rows = 0
        self._steps: dict[str, Callable[[Token], None]] = {
            "heading_open": self._heading_open,
            "inline": self._inline,
            "fence": self._code,
            "code_block": self._code,
            "html_block": self._html_block,
            "bullet_list_open": self._list_open,
            "ordered_list_open": self._list_open,
            "list_item_open": self._list_item_open,
            "bullet_list_close": self._list_close,
            "ordered_list_close": self._list_close,
            "table_open": self._table_open,
            "tr_open": self._tr_open,
            "thead_close": self._thead_close,
            "table_close": self._table_close,
        }

    def read(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            step = self._steps.get(token.type)
            if step is not None:
                step(token)
        self._end_list()

    def _heading_open(self, token: Token) -> None:
        self._end_list()
        self._heading = int(token.tag[1])

    def _inline(self, token: Token) -> None:
        text = plain_text(token.children or [])
        if self._rows is not None:
            self._rows[-1].append(text)
        elif self._heading:
            self._builder.heading(text, self._heading)
            self._heading = 0
        elif self._numbers:
            self._items.append(Item(text, len(self._numbers) - 1, self._marker))
            self._marker = ""
        else:
            self._builder.paragraph(text)

    def _code(self, token: Token) -> None:
        self._end_list()
        self._builder.code(token.content)

    def _html_block(self, token: Token) -> None:
        self._end_list()
        if not token.content.lstrip().startswith("<!--"):
            walk_page(tree_of(token.content), self._builder, self._limits)

    def _list_open(self, token: Token) -> None:
        start = token.attrGet("start")
        self._numbers.append(int(start if start is not None else 1) if token.tag == "ol" else None)

    def _list_item_open(self, _: Token) -> None:
        number = self._numbers[-1]
        self._marker = "-" if number is None else f"{number}."
        if number is not None:
            self._numbers[-1] = number + 1

    def _list_close(self, _: Token) -> None:
        self._numbers.pop()
        self._marker = ""
        if not self._numbers:
            self._end_list()

    def _table_open(self, _: Token) -> None:
        self._end_list()
        self._rows, self._header_rows = [], 0

    def _tr_open(self, _: Token) -> None:
        if self._rows is not None:
            self._rows.append([])

    def _thead_close(self, _: Token) -> None:
        self._header_rows = len(self._rows or [])

    def _table_close(self, _: Token) -> None:
        self._builder.table(self._rows or [], self._header_rows)
        self._rows = None

    def _end_list(self) -> None:
        if self._items:
            self._builder.list(self._items)
            self._items = []


def plain_text(children: Sequence[Token]) -> str:
    """What a reader sees of inline tokens: link texts, code and image descriptions, no addresses or marks."""
    parts: list[str] = []
    line_chars = 0
    for token in children:
        line_chars += len(token.content)
        match token.type:
            case "text" | "code_inline":
                parts.append(token.content)
            case "softbreak":
                # An editor wraps lines at a column; a line beyond that is one that its author ended.
                parts.append(" " if line_chars <= MAX_WRAP else "\n")
                line_chars = 0
            case "hardbreak":
                parts.append("\n")
            case "image":
                parts.append(plain_text(token.children or []))
            case "html_inline":
                parts.append("\n" if _BREAK.fullmatch(token.content) else _TAG.sub("", token.content))
            case _:
                pass
    return "".join(parts)
