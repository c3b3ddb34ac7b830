"""Read what a plug-in's class declares from its source, without importing it.

The workflow checks options while it plans, where importing torch would cost seconds on every call, and where
torch may not be installed. An option is a field of the class (or of a class that it inherits from), its
meaning the string under the field, its range part of its type:

    ensemble: Annotated[int, Ge(1)] = 3
    \"\"\"networks trained with different seeds\"\"\"
    loss: Literal["mixed", "mse"] = "mixed"
    \"\"\"what training minimises\"\"\"

A field with `metadata={"option": False}` is set by the workflow, not by the config.
"""

import ast
import dataclasses
import json
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from perturbkg.errors import InputError
from perturbkg.parsed import Source, UnreadableError, parse

#: Attributes of the classes of annotated_types -> what they say.
_LIMITS = {
    "ge": "at least",
    "gt": "more than",
    "le": "at most",
    "lt": "less than",
    "min_length": "length at least",
    "max_length": "length at most",
}
_FAILURES = (UnreadableError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


@dataclass(frozen=True)
class Option:
    """One option of a plug-in."""

    name: str
    type: Any  # int, Literal["a", "b"], Annotated[float, Ge(0)]...
    default: Any
    meaning: str  # "" if the class does not say

    def problem(self, value: Any) -> str | None:
        """Say what is wrong with a value from a config; None if it fits the type and its range."""
        from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - only where an option is set

        fits = TypeAdapter(self.type)
        try:
            # As JSON, in which a tuple is a list, like in YAML. Strict: neither true nor "1" is a number.
            fits.validate_json(json.dumps(value), strict=True)
        except TypeError as error:
            return f"{value!r} {error}"
        except ValidationError as error:
            if isinstance(value, str) and _accepts(fits, value):
                # Snakemake passes nested values of --config as text.
                return f"{value!r} is text; write it without quotes, and in a file rather than in --config"
            return f"{value!r} {error.errors()[0]['msg'].replace('Input should', 'must')}"
        return None

    @property
    def setting(self) -> Any:
        """Return the default as a config would hold it."""
        if isinstance(self.default, set | frozenset):
            return sorted(self.default)
        return list(self.default) if isinstance(self.default, tuple) else self.default

    @property
    def values(self) -> str:
        """Name the type as a reader would write it: `int, at least 1`, `auto | always | never`."""
        return describe(self.type)


def require_valid(instance: Any) -> None:
    """Raise InputError for the first option of a plug-in object that does not fit its type and range."""
    types = typing.get_type_hints(type(instance), include_extras=True)
    for field in dataclasses.fields(instance):
        if field.init and field.metadata.get("option", True):
            option = Option(field.name, types[field.name], field.default, "")
            if problem := option.problem(getattr(instance, field.name)):
                raise InputError(f"{field.name}: {problem}; the default is {field.default!r}")


def _accepts(fits: Any, text: str) -> bool:
    """Return whether text would fit if it were converted."""
    try:
        fits.validate_python(text)
    except ValueError:
        return False
    return True


def describe(kind: Any) -> str:
    """Say in a few words which values a type takes."""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is typing.Annotated:
        return ", ".join([describe(arguments[0]), *map(_describe_range, arguments[1:])])
    if typing.get_origin(kind) is typing.Literal:
        return " | ".join(map(str, arguments))
    if kind is type(None):
        return "null"
    if arguments and typing.get_origin(kind) in (tuple, list):
        return f"list of {describe(arguments[0])}"
    if arguments and typing.get_origin(kind) not in (dict,):
        return " | ".join(map(describe, arguments))
    return getattr(kind, "__name__", str(kind))


def _describe_range(limits: Any) -> str:
    limit = {name: getattr(limits, name, None) for name in _LIMITS}
    return ", ".join(f"{_LIMITS[name]} {value:g}" for name, value in limit.items() if value is not None)


@dataclass(frozen=True, eq=False)
class Declared:
    """The class of a plug-in as its source declares it, inherited classes first."""

    path: Path
    lineage: list[tuple[ast.ClassDef, Source]]

    @property
    def name(self) -> str:
        """Return the name of the class."""
        return self.lineage[-1][0].name

    @property
    def summaries(self) -> tuple[str, str]:
        """Return the first paragraphs of the docstrings of the module and of the class, one line each."""
        cls, source = self.lineage[-1]
        texts = (source.documentation, ast.get_docstring(cls) or "")
        module, own = (" ".join(text.partition("\n\n")[0].split()) for text in texts)
        return module, own

    def constant(self, name: str) -> Any:
        """Return a class attribute; raise AttributeError where no class sets it."""
        for cls, source in reversed(self.lineage):
            scope: dict[str, ast.expr] = {}
            for target, value, _, _ in _attributes(cls):
                if target == name and value is not None:
                    return self._value(source, value, scope, name)
                if value is not None:
                    scope[target] = value
        raise AttributeError(f"{self.path}: no {name}")

    @cached_property
    def options(self) -> dict[str, Option]:
        """Return the options, inherited ones first; a default that cannot be read is an InputError."""
        found: dict[str, Option] = {}
        for cls, source in self.lineage:
            scope: dict[str, ast.expr] = {}
            for name, value, annotation, meaning in _attributes(cls):
                if annotation is not None and not name.startswith("_") and not _is_class_variable(annotation):
                    option = self._option(name, value, annotation, scope, source)
                    if option is None:
                        found.pop(name, None)
                    else:
                        inherited = found[name].meaning if name in found else ""
                        found[name] = dataclasses.replace(option, meaning=meaning or inherited)
                elif annotation is None and name in found:
                    raise InputError(
                        f"{source.path}:{cls.lineno}: {cls.name}: option {name!r} keeps its old default "
                        f"unless its type is repeated: {name}: ... = {ast.unparse(value) if value else '...'}"
                    )
                if value is not None:
                    scope[name] = value
        return found

    def _option(
        self,
        name: str,
        value: ast.expr | None,
        annotation: ast.expr,
        scope: Mapping[str, ast.expr],
        source: Source,
    ) -> Option | None:
        """Read one field; None if the config does not set it."""
        if isinstance(value, ast.Call) and any(
            keyword.arg == "init" and isinstance(keyword.value, ast.Constant) and not keyword.value.value
            for keyword in value.keywords
        ):
            return None
        if value is None:
            raise InputError(
                f"{source.path}:{annotation.lineno}: option {name!r} has no default; give it one"
            )
        default = self._value(source, value, scope, f"default of option {name!r}")
        if isinstance(default, dataclasses.Field):
            if not default.metadata.get("option", True):
                return None
            if default.default_factory is not dataclasses.MISSING:
                default = default.default_factory()
            elif default.default is not dataclasses.MISSING:
                default = default.default
            else:
                raise InputError(f"{source.path}:{value.lineno}: option {name!r} has no default; give it one")
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = ast.parse(annotation.value, mode="eval").body
        try:
            kind = source.value(annotation)
        except _FAILURES as error:
            raise InputError(
                f"{source.path}:{value.lineno}: type of option {name!r}: a config cannot give "
                f"`{ast.unparse(annotation)}`; write bool, int, float, str, a tuple, list or dict of these, "
                "Literal, Annotated, or a union"
            ) from error
        return Option(name, kind, default, "")

    @staticmethod
    def _value(source: Source, node: ast.expr, scope: Mapping[str, ast.expr], what: str) -> Any:
        try:
            return source.value(node, scope)
        except _FAILURES as error:
            raise InputError(
                f"{source.path}:{node.lineno}: {what}: `{ast.unparse(node)}` cannot be read without running "
                "the file; write a literal, a constant of a module, arithmetic on these, or field() with "
                "such a default or default_factory"
            ) from error


def _is_class_variable(annotation: ast.expr) -> bool:
    return ast.unparse(annotation).strip("'\"").removeprefix("typing.").startswith("ClassVar")


def _attributes(cls: ast.ClassDef) -> Iterator[tuple[str, ast.expr | None, ast.expr | None, str]]:
    """Yield (name, value, annotation, string under it) of what a class body assigns."""
    for item, after in zip(cls.body, [*cls.body[1:], None], strict=True):
        below = after.value if isinstance(after, ast.Expr) else None
        text = below.value if isinstance(below, ast.Constant) and isinstance(below.value, str) else ""
        match item:
            case ast.AnnAssign(target=ast.Name() as target):
                yield target.id, item.value, item.annotation, " ".join(text.split())
            case ast.Assign(targets=[ast.Name() as target]):
                yield target.id, item.value, None, ""


def _lineage(cls: ast.ClassDef, source: Source) -> list[tuple[ast.ClassDef, Source]]:
    """Return the classes that a class inherits from, as far as they can be found, then itself."""
    found: list[tuple[ast.ClassDef, Source]] = []
    for base in reversed(cls.bases):
        if (parent := source.find_class(base)) is not None:
            found += [each for each in _lineage(*parent) if each not in found]
    return [*found, (cls, source)]


@cache
def read_class(path: Path, base: str, contract: Path) -> Declared:
    """Read the one public class of a file that inherits from the class `base` of the file `contract`."""
    source = parse(path)
    lineages = [_lineage(cls, source) for cls in source.classes.values() if not cls.name.startswith("_")]
    found = [
        lineage
        for lineage in lineages
        if any((parent.name, of.path) == (base, contract) for parent, of in lineage[:-1])
    ]
    if len(found) != 1:
        raise InputError(
            f"{path}: must define one public class that inherits from {base}; it defines {len(found)}"
        )
    return Declared(path, found[0])
