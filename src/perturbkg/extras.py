"""Say which extra to install when an optional package is missing.

`pip install perturbkg` is a light core; pyproject.toml lists in extras what only some commands need. Code
imports its packages as usual, and the command line, the scripts and `plugins.load` wrap it in `explained`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from perturbkg.errors import InputError

#: Modules whose distribution has another name.
DISTRIBUTION = {"sklearn": "scikit-learn", "vl_convert": "vl-convert-python", "yaml": "pyyaml"}


class MissingExtraError(InputError):
    """A package of an extra is not installed."""


@contextmanager
def explained(needs: Callable[[], Iterable[str]] = tuple) -> Iterator[None]:
    """Turn the failing import of an optional package into one line that says what to install.

    `needs` returns all packages that the code imports, so that one extra is named for those that are missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (line := remedy(error, needs)) is None:  # a defect of the program or of the installation
            raise
        raise MissingExtraError(line) from error


def require(extra: str, needs: Iterable[str] = ()) -> None:
    """Raise MissingExtraError unless every package of an extra is installed.

    The error names the extra that also has what is missing of `needs`.
    """
    for requirement in _declared():
        if _extra(requirement) == extra:
            try:
                version(distribution(requirement))
            except PackageNotFoundError as error:
                raise MissingExtraError(_line(distribution(requirement), _widened(extra, needs))) from error


def remedy(error: BaseException | None, needs: Callable[[], Iterable[str]] = tuple) -> str | None:
    """Return the line that says what to install, or None if no optional package is missing."""
    if not isinstance(error, ModuleNotFoundError):
        return None
    package = (error.name or "").partition(".")[0]
    extra = extra_of(package, _declared())
    if extra is None or installed(package):  # a wrong name, or a broken package
        return None
    return _line(package, _widened(extra, needs()))


def installed(package: str) -> bool:
    """Return whether a package can be found, without importing it."""
    try:
        return find_spec(package) is not None
    except ValueError:  # it was imported from something that is no file
        return True


def extra_of(module: str, requirements: list[str]) -> str | None:
    """Return the first extra that requires a module, or None; `requirements` have the form of PEP 508."""
    for requirement in requirements:
        extra = _extra(requirement)
        if extra and distribution(requirement) == distribution(module):
            return extra
    return None


def _widened(extra: str, needs: Iterable[str]) -> str:
    """Return the extra that includes the given one and those of the other modules that are missing."""
    declared = _declared()
    for module in needs:
        wider = extra_of(module, declared)
        if wider and extra in _included(wider, declared) and not installed(module):
            extra = wider
    return extra


def _included(extra: str, requirements: list[str]) -> set[str]:
    """Return the extras that an extra includes, directly or not."""
    found: set[str] = set()
    for requirement in requirements:
        if _extra(requirement) == extra and (named := re.match(r"perturbkg\[([\w,-]+)\]", requirement)):
            for included in named.group(1).split(","):
                found |= {included, *_included(included, requirements)}
    return found


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
