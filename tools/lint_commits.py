"""Finds transactions that are ended by hand, and transactions that wait for the outside world.

Only ``Database.transaction`` in ``app/kit/database.py`` commits, rolls back or begins: then one request or job step is
one unit of work. And inside ``async with …transaction(…)`` (or ``…reading(…)``) nothing may be awaited that a model, an
index or the web answers: it would hold a pooled connection, or SQLite's one writer, for as long as they please.

A line that says ``# in-transaction: <reason>`` is not objected to.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.lint import Finding, Module, dotted, python_files, run

WORD = "in-transaction"
ENDINGS = frozenset({"commit", "rollback"})
BEGINNINGS = frozenset({"begin", "begin_nested"})
SESSIONS = re.compile(r"(^|_)(session|connection|conn|engine|database|db)$|^(Async)?Session$", re.IGNORECASE)
UNITS = frozenset({"transaction", "reading"})
OUTSIDE = frozenset(
    {"vectors", "vector_store", "embedder", "llm", "reranker", "rerankers", "parser_pool", "web_fetch", "fetcher"}
    | {"http", "httpx", "client"}
)


def check(root: Path) -> Iterator[Finding]:
    """Lint every file below ``root`` but the one that owns transactions."""
    for path in python_files(root):
        if path.parts[-2:] != ("kit", "database.py"):
            yield from check_module(Module.read(path))


def check_module(module: Module) -> Iterator[Finding]:
    """The objections to one file, in the order of its lines."""
    found = [*_stray_commits(module), *_waits(module)]
    yield from sorted(found, key=lambda finding: finding.line)


def _stray_commits(module: Module) -> Iterator[Finding]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _ends_or_begins(node) and not module.excuses(node, WORD):
            what = ".".join(dotted(node))
            yield Finding(
                module.path,
                node.lineno,
                f"{what}() outside app/kit/database.py: use `async with database.transaction(…)`",
            )


def _ends_or_begins(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute):
        return False
    if call.func.attr in ENDINGS:
        return True
    receiver = dotted(call.func.value)
    return call.func.attr in BEGINNINGS and bool(receiver) and bool(SESSIONS.search(receiver[-1]))


def _waits(module: Module) -> Iterator[Finding]:
    seen: set[ast.AST] = set()
    for block in ast.walk(module.tree):
        if not isinstance(block, ast.AsyncWith) or not _opens_unit(block):
            continue
        for node in _executed_in(block):
            awaited = _awaited(node)
            if awaited is None or node in seen or module.excuses(awaited, WORD):
                continue
            if outside := OUTSIDE & {name.lstrip("_") for name in dotted(awaited)}:
                seen.add(node)
                name = min(outside)
                yield Finding(
                    module.path, awaited.lineno, f"waits for {name} with a transaction open: do it before or after"
                )


def _opens_unit(block: ast.AsyncWith) -> bool:
    return any(dotted(item.context_expr)[-1:][0:1] and dotted(item.context_expr)[-1] in UNITS for item in block.items)


def _executed_in(block: ast.AsyncWith) -> Iterator[ast.AST]:
    """The nodes that run while the block is open: functions defined in it run later, if at all."""
    waiting: list[ast.AST] = list(block.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)


def _awaited(node: ast.AST) -> ast.expr | None:
    """What a node waits for: by await, async for, async with, or an async comprehension."""
    if isinstance(node, ast.Await):
        return node.value
    if isinstance(node, ast.AsyncFor):
        return node.iter
    if isinstance(node, ast.withitem):
        return node.context_expr
    if isinstance(node, ast.comprehension) and node.is_async:
        return node.iter
    return None


if __name__ == "__main__":
    sys.exit(run(check, sys.argv[1:]))
