"""Read the catalogue of sources, the package's own and a user's overlay, into checked `Source` objects.

It is read whenever the workflow is parsed, so it imports PyYAML and the standard library alone.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from perturbkg.errors import InputError
from perturbkg.plugins import nearest

CATALOGUE = Path(__file__).with_name("catalogue.yaml")
FORMATS = ("csv", "tsv", "gctx", "parquet", "json")
#: Checksum algorithm -> digits of its hexadecimal form.
DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
UNITS = ("kB", "MB", "GB", "TB")


def _text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() == value != "" and "\n" not in value


def _https(value: Any) -> bool:
    return _text(value) and re.fullmatch(r"https://[^/\s]+/\S*", value) is not None


def _file_name(value: Any) -> bool:
    return _text(value) and re.fullmatch(r"[^./\\][^/\\]*", value) is not None


def _checksum(value: Any) -> bool:
    match = re.fullmatch(r"(\w+):([0-9a-f]+)", value) if _text(value) else None
    return match is not None and len(match[2]) == DIGITS.get(match[1])


def _size(value: Any) -> bool:
    return type(value) is int and value > 0


def _unpack(value: Any) -> bool:
    return _text(value) and re.fullmatch(r"gzip|(zip|tar):.+", value) is not None


def _key(check: Callable[[Any], bool], must: str, *, optional: bool = False, default: Any = None) -> Any:
    """Declare a key of the catalogue: what its value must be, and whether it may be absent or null."""
    metadata = {"check": check, "must": must, "optional": optional}
    return dataclasses.field(default=default if optional else dataclasses.MISSING, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """Who publishes a source, and on which terms."""

    title: str = _key(_text, "a text")
    homepage: str = _key(_text, "a text")
    licence: str = _key(_text, "a text")
    citation: str = _key(_text, "a text")
    terms: str | None = _key(_text, "a text or null", optional=True)


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file of a publisher: where it is, and how to verify that it is complete."""

    name: str
    publisher: Publisher
    about: str = _key(_text, "a text")
    version: str = _key(_text, 'a text; quote it, as in "2.1"')
    url: str = _key(_https, "an https:// address")
    file: str = _key(_file_name, "a file name that has no folder and does not start with a dot")
    format: str = _key(lambda value: value in FORMATS, f"one of {', '.join(FORMATS)}")
    mirrors: tuple[str, ...] = _key(
        lambda value: isinstance(value, list) and all(map(_https, value)),
        "a list of https:// addresses",
        optional=True,
        default=(),
    )
    bytes: int | None = _key(_size, "a whole number above 0, or null", optional=True)
    approximate: str | None = _key(_text, 'a text such as "34 GB", or null', optional=True)
    checksum: str | None = _key(
        _checksum,
        "<algorithm>:<lower-case hexadecimal> of md5, sha1, sha256 or sha512, or null",
        optional=True,
    )
    checksum_url: str | None = _key(_https, "an https:// address or null", optional=True)
    unpack: str | None = _key(_unpack, "gzip, zip:<member>, tar:<member> or null", optional=True)
    unpacked_bytes: int | None = _key(_size, "a whole number above 0, or null", optional=True)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address, in the order in which they are tried."""
        return (self.url, *self.mirrors)

    @property
    def verified_by(self) -> str:
        """Where the checksum comes from: an algorithm, the publisher's own list, or the digest first seen."""
        if self.checksum is not None:
            return self.checksum.partition(":")[0]
        return "publisher's list" if self.checksum_url is not None else "first seen"

    @property
    def packing(self) -> str | None:
        """How it is packed: gzip, zip, tar or not at all."""
        return self.unpack.partition(":")[0] if self.unpack else None

    @property
    def download_file(self) -> str:
        """The name of the file as downloaded, before unpacking."""
        suffix = {None: "", "gzip": ".gz", "zip": ".zip", "tar": ".tar"}[self.packing]
        return self.file + suffix

    @property
    def size(self) -> str:
        """Its size as downloaded, for people."""
        return human_size(self.bytes) if self.bytes else self.approximate or "unknown"

    def path(self, folder: str | Path) -> Path:
        """Return the path of the file that is ready to be read."""
        return Path(folder) / self.name / self.file

    def receipt(self, folder: str | Path) -> Path:
        """Return the path of its receipt."""
        return Path(folder) / f"{self.name}.json"


def human_size(size: float) -> str:
    """Return a number of bytes for people, e.g. 981.8 MB (decimal units, as publishers use them)."""
    unit = "bytes"
    for larger in UNITS:
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"


def read_catalogue(overlay: str | Path | None = None) -> dict[str, Source]:
    """Return name -> source; entries of the overlay replace entries of the same name, or are added."""
    publishers: dict[str, Publisher] = {}
    entries: dict[Any, tuple[Any, str]] = {}
    for path in [CATALOGUE, *([Path(overlay)] if overlay is not None else [])]:
        sections = _read(path)
        for name, values in sections["publishers"].items():
            publishers[name] = Publisher(**_checked(Publisher, values, f"{path}: publishers.{name}"))
        for name, values in sections["sources"].items():
            entries[name] = (values, f"{path}: sources.{name}")
    return {name: _source(name, values, publishers, where) for name, (values, where) in entries.items()}


def find(sources: Mapping[str, Source], name: str) -> Source:
    """Return a source by its name; an unknown one is an InputError that suggests the nearest."""
    if name not in sources:
        raise InputError(f"unknown source {name!r}{nearest(name, sources)}; known are {', '.join(sources)}")
    return sources[name]


def _source(name: Any, values: Any, publishers: Mapping[str, Publisher], where: str) -> Source:
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9_]+", name):
        raise InputError(f"{where}: the name must consist of a-z, 0-9 and _")
    publisher = str(values.get("publisher")) if isinstance(values, dict) else ""
    if publisher not in publishers:
        raise InputError(
            f"{where}: publisher: {publisher!r} is not one of publishers: {', '.join(publishers)}"
        )
    checked = _checked(Source, {key: value for key, value in values.items() if key != "publisher"}, where)
    checked["mirrors"] = tuple(checked["mirrors"] or ())
    return Source(name=name, publisher=publishers[publisher], **checked)


def _checked(kind: type, values: Any, where: str) -> dict[str, Any]:
    """Return the values of every declared key; an unknown, missing or wrong one is an InputError."""
    keys = {field.name: field.metadata for field in dataclasses.fields(kind) if field.metadata}
    if not isinstance(values, dict):
        raise InputError(f"{where}: must hold key: value lines, holds {values!r}")
    for key in values:
        if key not in keys:
            raise InputError(f"{where}: unknown key {key!r}; allowed are {', '.join(keys)}")
    for key, rules in keys.items():
        value = values.get(key)
        if key not in values and not rules["optional"]:
            raise InputError(f"{where}: key {key!r} is missing; it must be {rules['must']}")
        if not (value is None and rules["optional"]) and not rules["check"](value):
            raise InputError(f"{where}: {key}: {value!r} must be {rules['must']}")
    return {key: values.get(key) for key in keys}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe loader that refuses a repeated key, of which YAML would silently keep the last."""


def _mapping(loader: Any, node: Any) -> dict[Any, Any]:
    seen = set()
    for key_node, _ in node.value:
        if key_node.value in seen:
            raise yaml.MarkedYAMLError(
                problem=f"key {key_node.value!r} occurs twice", problem_mark=key_node.start_mark
            )
        seen.add(key_node.value)
    values: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return values


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def _read(path: Path) -> dict[str, dict[Any, Any]]:
    """Return the two sections of a catalogue file, an absent one empty."""
    try:
        # The loader is a safe one.
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(value, dict) or not set(value) <= {"publishers", "sources"}:
        raise InputError(f"{path}: must hold the sections publishers and sources, and nothing else")
    for section, entries in value.items():
        if entries is not None and not isinstance(entries, dict):
            raise InputError(f"{path}: {section}: must hold name: entry lines, holds {entries!r}")
    return {section: value.get(section) or {} for section in ("publishers", "sources")}
