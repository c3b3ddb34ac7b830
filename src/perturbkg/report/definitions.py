"""What the metrics mean and where the data come from, asked of the plug-ins themselves."""

from perturbkg import plugins
from perturbkg.metrics import MetricInfo


def metric_infos() -> dict[str, MetricInfo]:
    """Return metric -> what its number means, of every metric plug-in."""
    return {
        info.name: info for name in plugins.names("metrics") for info in plugins.load("metrics", name).infos
    }


def source_terms(sources: dict[str, str]) -> list[dict[str, str]]:
    """Return the licence and citation of data sources, given as kind of plug-in -> name."""
    found = []
    for kind, name in sources.items():
        plugin = plugins.load(kind, name)
        found.append({"kind": kind, "name": name, "licence": plugin.licence, "citation": plugin.citation})
    return found
