"""Licences and citations of the sources of a run, asked of the plug-ins that read them."""

from collections.abc import Mapping, Sequence
from typing import Any

from perturbkg import plugins
from perturbkg.sources.catalogue import read_catalogue


def source_terms(config: Mapping[str, Any], downloads: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return name, licence and citation of each published source of a run.

    First those of its readers, then those of the publishers of its downloads (receipts of perturbkg.sources)
    that no reader names.
    """
    found = []
    for key, kind in plugins.SINGLES.items():
        plugin = plugins.load(kind, config[key])
        if plugin.sources:
            found.append({"name": config[key], "licence": plugin.licence, "citation": plugin.citation})
    if downloads:
        catalogue = read_catalogue(config["downloads"]["catalogue"])
        for publisher in dict.fromkeys(catalogue[receipt["name"]].publisher for receipt in downloads):
            if all(publisher.citation != term["citation"] for term in found):
                licence = ". ".join(filter(None, (publisher.licence, publisher.terms))).removesuffix(".")
                found.append({"name": publisher.title, "licence": licence, "citation": publisher.citation})
    return found
