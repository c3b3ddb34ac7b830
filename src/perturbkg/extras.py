"""Say which extra to install when an optional package is missing.

`pip install perturbkg` is a light core; pyproject.toml lists in extras what only some commands need. Code
imports its packages as usual, and the command line, the scripts and `plugins.load` wrap it in `explained`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, requires, version

from perturbkg.errors import InputError

#: Modules whose distribution has another name.
DISTRIBUTION = {"sklearn": "scikit-learn", "vl_convert": "vl-convert-python", "yaml": "pyyaml"}


class MissingExtraError(InputError):
    """A package of an extra is not installed."""


@contextmanager
def explained() -> Iterator[None]:
    """Turn the failing import of an optional package into one line that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (line := remedy(error)) is None:  # a defect of the program or of the installation
            raise
        raise MissingExtraError(line) from error


def require(extra: str) -> None:
    """Raise MissingExtraError unless every package of an extra is installed."""
    for requirement in _declared():
        if _extra(requirement) == extra:
            try:
                version(distribution(requirement))
            except PackageNotFoundError as error:
                raise MissingExtraError(_line(distribution(requirement), extra)) from error


def remedy(error: BaseException | None) -> str | None:
    """Return the line that says what to install, or None if no optional package is missing."""
    if not isinstance(error, ModuleNotFoundError):
        return None
    package = (error.name or "").partition(".")[0]
    extra = extra_of(package, _declared())
    return extra and _line(package, extra)


def extra_of(module: str, requirements: list[str]) -> str | None:
    """Return the first extra that requires a module, or None; `requirements` have the form of PEP 508."""
    for requirement in requirements:
        extra = _extra(requirement)
        if extra and distribution(requirement) == distribution(module):
            return extra
    return None


def distribution(name: str) -> str:
    """Return the normalised name of the distribution of a module, or of a requirement."""
    bare = re.split(r"[^\w.-]", name.strip(), maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", DISTRIBUTION.get(bare, bare)).lower()


def _extra(requirement: str) -> str | None:
    found = re.search(r"""extra == ["']([\w-]+)["']""", requirement)
    return found and found.group(1)


def _line(package: str, extra: str) -> str:
    return f"this needs {package}: pip install 'perturbkg[{extra}]'"


def _declared() -> list[str]:
    try:
        return requires("perturbkg") or []
    except PackageNotFoundError:  # run from a source tree that was never installed
        return []
