"""What our own lints share: finding files, reading comments, reporting.

A lint is a function from a parsed ``Module`` to findings. An exception is written where it happens, as a trailing
comment that begins with the lint's own word and gives its reason: ``# unowned: the sweeper serves every tenant``.
"""

import ast
import re
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a lint objects to, and what to do instead."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed file. ``comments`` are its comments by line, without the hash."""

    path: Path
    tree: ast.Module
    comments: dict[int, str]

    @classmethod
    def read(cls, path: Path) -> "Module":
        """Parse a file. Raises SyntaxError for one that Python would refuse too."""
        with tokenize.open(path) as lines:
            comments = {
                token.start[0]: token.string.lstrip("# ").strip()
                for token in tokenize.generate_tokens(lines.readline)
                if token.type == tokenize.COMMENT
            }
            lines.seek(0)
            return cls(path, ast.parse(lines.read(), str(path)), comments)

    def excuses(self, node: ast.expr | ast.stmt, word: str) -> bool:
        """Whether a line of ``node`` carries ``# word: reason`` with a reason."""
        pattern = re.compile(rf"(?:^|#\s*){re.escape(word)}:\s*\S")
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        return any(pattern.search(self.comments.get(line, "")) for line in lines)


Lint = Callable[[Module], Iterable[Finding]]


def python_files(root: Path) -> Iterator[Path]:
    """Every Python file below ``root``, in order."""
    yield from sorted(path for path in root.rglob("*.py") if "__pycache__" not in path.parts)


def run(lint: Callable[[Path], Iterable[Finding]], arguments: Sequence[str]) -> int:
    """Lint the folder named in ``arguments`` (default ``app``), print what is found; 1 if anything is."""
    found = list(lint(Path(arguments[0] if arguments else "app")))
    for finding in found:
        print(finding)
    print(f"{len(found)} objections." if found else "No objections.", file=sys.stderr)
    return 1 if found else 0


def dotted(node: ast.expr) -> list[str]:
    """The names of an attribute chain, calls passed over: ``self.vectors.of(x).search`` gives its four names."""
    names: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript | ast.Await):
            node = node.value
        else:
            break
    if isinstance(node, ast.Name):
        names.append(node.id)
    return names[::-1]
