"""Parse a source file and look up what its names stand for, without running it.

What can be looked up: literals, constants of modules (also of modules that the file imports), arithmetic on
these, types, and calls of what `LIGHT` modules offer, such as `field(default=...)` and `Ge(0)`.
"""

import ast
import importlib
import importlib.util
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

from perturbkg.errors import InputError
from perturbkg.io import files

PACKAGE = Path(__file__).parent
#: Modules that may be imported to read an option: they cost nothing and do nothing.
LIGHT = {"annotated_types", "collections.abc", "dataclasses", "math", "pathlib", "typing"}
BUILTINS: dict[str, Any] = {
    cls.__name__: cls for cls in (bool, dict, float, frozenset, int, list, set, str, tuple)
}
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.BitOr: operator.or_,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Mult: operator.mul,
    ast.Pow: operator.pow,
    ast.Sub: operator.sub,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}


class UnreadableError(Exception):
    """An expression has no value until the program runs."""


@dataclass(frozen=True, eq=False)
class Source:
    """A parsed source file, in which names can be looked up without running it."""

    path: Path
    documentation: str
    classes: Mapping[str, ast.ClassDef]
    assigned: Mapping[str, ast.expr]
    imported: Mapping[str, tuple[str, str | None]]  # name -> module, and what is imported of it

    def value(self, node: ast.expr, scope: Mapping[str, ast.expr] | None = None) -> Any:  # noqa: PLR0911, PLR0912
        """Evaluate an expression of this file; `scope` are the names of a class body around it."""
        of = partial(self.value, scope=scope)
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                if scope and node.id in scope:
                    return of(scope[node.id])
                return self.named(node.id)
            case ast.Attribute():
                owner = of(node.value)
                if isinstance(owner, Source):
                    return owner.named(node.attr)
                if isinstance(owner, ModuleType):
                    return getattr(owner, node.attr)
            case ast.Tuple():
                return tuple(map(of, node.elts))
            case ast.List():
                return list(map(of, node.elts))
            case ast.Set():
                return set(map(of, node.elts))
            case ast.Dict() if None not in node.keys:
                return dict(zip(map(of, filter(None, node.keys)), map(of, node.values), strict=True))
            case ast.UnaryOp() if type(node.op) in OPERATORS:
                return OPERATORS[type(node.op)](of(node.operand))
            case ast.BinOp() if type(node.op) in OPERATORS:
                return OPERATORS[type(node.op)](of(node.left), of(node.right))
            case ast.Subscript():
                return of(node.value)[of(node.slice)]
            case ast.Lambda() if not ast.unparse(node.args):
                return partial(of, node.body)
            case ast.Call():
                names = {keyword.arg: of(keyword.value) for keyword in node.keywords if keyword.arg}
                return of(node.func)(*map(of, node.args), **names)
        raise UnreadableError(ast.unparse(node))

    def named(self, name: str) -> Any:
        """Return the value of a name of this file: a constant, a type, a module or what one holds."""
        if name in self.assigned:
            return self.value(self.assigned[name])
        if name in self.imported:
            module, member = self.imported[name]
            if module in LIGHT:
                light = importlib.import_module(module)
                return getattr(light, member) if member else light
            if member and (path := locate(f"{module}.{member}")):
                return parse(path)
            if path := locate(module):
                return parse(path).named(member) if member else parse(path)
        if name in BUILTINS:
            return BUILTINS[name]
        raise UnreadableError(name)

    def find_class(self, node: ast.expr) -> "tuple[ast.ClassDef, Source] | None":
        """Return the class that an expression names, and the file that defines it; None if out of reach."""
        if isinstance(node, ast.Subscript):  # Generic[T]
            return self.find_class(node.value)
        if isinstance(node, ast.Attribute):
            try:
                owner = self.value(node.value)
            except UnreadableError:
                return None
            return owner.find_class(ast.Name(node.attr)) if isinstance(owner, Source) else None
        if not isinstance(node, ast.Name):
            return None
        if node.id in self.classes:
            return self.classes[node.id], self
        module, member = self.imported.get(node.id, ("", None))
        path = locate(module) if member else None
        return parse(path).find_class(ast.Name(member or "")) if path else None


@cache
def syntax_tree(path: Path) -> ast.Module:
    """Parse a file, once; raise InputError for one that cannot be read or is not valid Python."""
    try:
        with files.reached(path):
            return ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte
        raise not_python(path, error) from error


def not_python(path: str | Path, error: SyntaxError | ValueError) -> InputError:
    """Return the error about a file that Python cannot parse, with the line if Python names one."""
    line, what = (error.lineno, error.msg) if isinstance(error, SyntaxError) else (None, error)
    return InputError(f"{path}{f':{line}' if line else ''}: this is not valid Python: {what}; correct it")


@cache
def parse(path: Path) -> Source:
    """Parse a file, once; raise InputError like `syntax_tree`."""
    tree = syntax_tree(path)
    package = path.parent
    classes: dict[str, ast.ClassDef] = {}
    assigned: dict[str, ast.expr] = {}
    imported: dict[str, tuple[str, str | None]] = {}
    for item in tree.body:
        match item:
            case ast.ClassDef():
                classes[item.name] = item
            case ast.Assign(targets=[ast.Name() as target]):
                assigned[target.id] = item.value
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                assigned[target.id] = value
            case ast.Import():
                for alias in item.names:
                    first = alias.name.partition(".")[0]
                    imported[alias.asname or first] = (alias.name if alias.asname else first, None)
            case ast.ImportFrom():
                module = item.module or ""
                if item.level:
                    module = absolute(package, item.level, module)
                for alias in item.names:
                    imported[alias.asname or alias.name] = (module, alias.name)
    return Source(path, ast.get_docstring(tree) or "", classes, assigned, imported)


def absolute(folder: Path, level: int, module: str) -> str:
    """Turn `.module` of a file in a folder into its full name."""
    for _ in range(level - 1):
        folder = folder.parent
    names = [module] if module else []
    while (folder / "__init__.py").is_file():
        names.insert(0, folder.name)
        folder = folder.parent
    return ".".join(names)


def locate(module: str) -> Path | None:
    """Return the file of a module of this package or of an installed one, without importing it."""
    first, *rest = module.split(".")
    if first == PACKAGE.name:
        places = [PACKAGE]
    else:
        found = importlib.util.find_spec(first)
        if found is None or found.origin in (None, "built-in", "frozen"):
            return None
        if not found.submodule_search_locations:
            return None if rest or found.origin is None else Path(found.origin)
        places = [Path(place) for place in found.submodule_search_locations]
    for place in places:
        path = place.joinpath(*rest)
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.is_file():
                return file
    return None
