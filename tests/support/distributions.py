"""The installed distributions that requirements pull in."""

from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def closure(requirements: list[str]) -> dict[str, Distribution]:
    """Return the installed distributions that requirements pull in, by normalised name.

    Extras and markers are followed; what is not installed is left out.
    """
    found: dict[str, Distribution] = {}
    waiting = [(Requirement(line), "") for line in requirements]
    seen = set()
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        try:
            found[name] = package = distribution(name)
        except PackageNotFoundError:
            continue
        for wanted in ["", *requirement.extras]:
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(Requirement(line), wanted) for line in package.requires or []]
    return found
