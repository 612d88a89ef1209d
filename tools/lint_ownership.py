"""Finds queries over tenant-owned tables that were not built by ``app/kit/ownership.py``.

Objected to, wherever the model (or, in raw SQL, its table's name) belongs to a tenant:

    select(Chunk) · update(Chunk) · delete(Chunk)            also by column, alias or module: knowledge.Chunk.id
    select(func.count()).select_from(Chunk)                  on any chain that does not start with owned_by and its kin
    select(Tenant).join(Chunk)                               on a chain that starts with a bare select
    session.get(Chunk, id)
    text("DELETE FROM chunks")

Not objected to: a statement whose ``is_owned(tenant_id, …)`` names every such model it reads, and a line that says
``# unowned: <reason>``.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.lint import Finding, Module, dotted, python_files, run

WORD = "unowned"
QUERIES = frozenset({"select", "update", "delete"})
SOURCES = frozenset({"select_from", "join_from"})
JOINS = frozenset({"join", "outerjoin"})
LOOKUPS = frozenset({"get", "get_one", "query"})
RAW = frozenset({"text", "exec_driver_sql"})
OWNED_ROOTS = frozenset({"owned_by", "owned_columns", "owned_update", "owned_delete"})
ADVICE = f"use app.kit.ownership, or say why not: # {WORD}: <reason>"


@dataclass(frozen=True, slots=True)
class Owned:
    """The models that carry ``tenant_id``, as class name to table name."""

    tables: dict[str, str]

    @classmethod
    def collect(cls, root: Path) -> "Owned":
        """Read them from every ``models.py`` below ``root``, without importing anything."""
        found: dict[str, str] = {}
        for path in root.rglob("models.py"):
            for node in ast.walk(Module.read(path).tree):
                if isinstance(node, ast.ClassDef) and (table := _owned_table(node)):
                    found[node.name] = table
        return cls(found)


def check(root: Path) -> Iterator[Finding]:
    """Lint every file below ``root`` but the one that builds owned queries."""
    owned = Owned.collect(root)
    for path in python_files(root):
        if path.parts[-2:] != ("kit", "ownership.py"):
            yield from check_module(Module.read(path), owned)


def check_module(module: Module, owned: Owned) -> Iterator[Finding]:
    """The objections to one file."""
    names = _local_names(module.tree, owned)
    for statement in _simple_statements(module.tree):
        answered = _answered_for(statement, names)
        for call in _calls(statement):
            if module.excuses(call, WORD) or module.excuses(_first_line(statement, call), WORD):
                continue
            unowned = _read_by(call, names, owned) - answered
            if unowned:
                models = ", ".join(sorted(unowned))
                yield Finding(module.path, call.lineno, f"a query over {models} that may cross tenants: {ADVICE}")


def _owned_table(node: ast.ClassDef) -> str | None:
    """The table's name when the class is a table with a tenant."""
    is_table = any(keyword.arg == "table" for keyword in node.keywords)
    inherits = any(dotted(base)[-1:] == ["TenantOwned"] for base in node.bases)
    table = node.name.lower()
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.target.id == "tenant_id":
            inherits = True
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant) and _names_table(item):
            table = str(item.value.value)
    return table if is_table and inherits else None


def _names_table(item: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "__tablename__" for target in item.targets)


def _local_names(tree: ast.Module, owned: Owned) -> dict[str, str]:
    """What this file calls the owned models: imported names, ``import … as``, ``x = aliased(Model)``."""
    names = {name: name for name in owned.tables}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {item.asname: item.name for item in node.names if item.asname and item.name in owned.tables}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and dotted(node.value)[-1:] == ["aliased"]:
            models = _mentioned(node.value.args, names)
            for target in node.targets:
                if isinstance(target, ast.Name) and models:
                    names[target.id] = min(models)
    return names


def _simple_statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Every statement; a compound one stands for its own heading only."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.stmt))


def _calls(statement: ast.stmt) -> Iterator[ast.Call]:
    """The calls of a statement, without those of the statements inside it."""
    return (node for node in _own_nodes(statement) if isinstance(node, ast.Call))


def _own_nodes(statement: ast.stmt) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop(0)
        yield node
        waiting += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]


def _first_line(statement: ast.stmt, call: ast.Call) -> ast.expr | ast.stmt:
    """A simple statement may be excused anywhere in it; a compound one only where the call stands."""
    return call if hasattr(statement, "body") else statement


def _answered_for(statement: ast.stmt, names: dict[str, str]) -> set[str]:
    """The models that an ``is_owned`` in this statement ties to the tenant."""
    answered: set[str] = set()
    for call in _calls(statement):
        if dotted(call)[-1:] == ["is_owned"]:
            answered |= _mentioned(call.args[1:], names)
    return answered


def _read_by(call: ast.Call, names: dict[str, str], owned: Owned) -> set[str]:
    """The owned models (or tables) a call reads without having been told the tenant."""
    chain = dotted(call)
    function = chain[-1] if chain else ""
    if function in QUERIES and (len(chain) == 1 or chain[-2] in {"sa", "sqlalchemy", "sqlmodel"}):
        return _mentioned(call.args, names)
    if (function in SOURCES and not OWNED_ROOTS & set(chain)) or (function in JOINS and QUERIES & set(chain)):
        return _mentioned(call.args[:2], names)
    if function in LOOKUPS and len(chain) > 1:
        return _mentioned(call.args[:1], names)
    if function in RAW:
        return _tables_in(call.args[:1], owned)
    return set()


def _mentioned(nodes: Iterable[ast.expr], names: dict[str, str]) -> set[str]:
    """The owned models named anywhere in ``nodes``, except inside a query that is judged for itself."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call) and OWNED_ROOTS & set(dotted(node)):
            continue
        if isinstance(node, ast.Name) and node.id in names:
            found.add(names[node.id])
        if isinstance(node, ast.Attribute) and node.attr in names:
            found.add(names[node.attr])
        waiting += ast.iter_child_nodes(node)
    return found


def _tables_in(nodes: Iterable[ast.expr], owned: Owned) -> set[str]:
    """The owned tables whose names stand as words in the text of raw SQL."""
    constants = [item.value for node in nodes for item in ast.walk(node) if isinstance(item, ast.Constant)]
    words = set(re.findall(r"\w+", " ".join(item.lower() for item in constants if isinstance(item, str))))
    return {model for model, table in owned.tables.items() if table in words}


if __name__ == "__main__":
    sys.exit(run(check, sys.argv[1:]))
