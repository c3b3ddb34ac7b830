"""The options of the simulated world, each with its default, its range and its meaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from perturbkg.errors import InputError
from perturbkg.plugins import nearest

LANDMARKS = 978


def _option(default: float, minimum: float, maximum: float, description: str) -> Any:
    """Declare an option; its type is that of its default."""
    return field(
        default=default, metadata={"minimum": minimum, "maximum": maximum, "description": description}
    )


@dataclass(frozen=True)
class SimulationOptions:
    """Options of the simulated world; a value out of its range is an InputError when the object is made."""

    kg_signal: float = _option(
        0.7, 0, 1, "share of the variance of the drug-specific response that the knowledge graph explains"
    )
    drugs: int = _option(
        160, 12, 20_000, "compounds with signatures and a structure, salts and stereoisomers included"
    )
    scaffolds: int = _option(40, 4, 500, "Bemis-Murcko scaffolds that the compounds share")
    cells: int = _option(8, 2, 200, "cell lines with signatures")
    genes: int = _option(1500, 1_050, 20_000, "genes, the 978 landmark genes included")
    inferred_genes: int = _option(60, 0, 19_000, "genes in the GCTX that are not landmarks")
    pathways: int = _option(24, 2, 2_000, "pathways, of which `planted_pathways` answer to drugs")
    planted_pathways: int = _option(12, 1, 1_000, "pathways through which drugs act")
    targets_per_pathway: int = _option(40, 2, 100, "targets of a planted pathway, half of them one PPI away")
    processes: int = _option(40, 1, 2_000, "biological processes, unrelated to any response")
    diseases: int = _option(40, 12, 5_000, "diseases, unrelated to any response")
    other_drugs: int = _option(80, 0, 10_000, "drugs of the knowledge graph without signatures")
    coverage: float = _option(0.9, 0.05, 1, "share of the (compound, cell line) pairs that are measured")
    other_conditions: float = _option(
        0.15, 0, 1, "share of the measured pairs that are measured at another dose or time too"
    )
    replicates: int = _option(3, 2, 10, "replicates of a signature, give or take one")
    noise: float = _option(1.0, 0, 10, "standard deviation of a replicate around its signature, in z-scores")
    cell_effect: float = _option(
        0.33, 0, 10, "root mean square of the response that a cell line shows to any compound, in z-scores"
    )
    drug_effect: float = _option(
        0.9,
        0,
        10,
        "root mean square of the drug-specific response of a compound of mean potency, in z-scores",
    )

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Make options from the config; an unknown key is an InputError that lists the known ones."""
        known = [option.name for option in fields(cls)]
        for key in values:
            if key not in known:
                raise InputError(
                    f"simulation: unknown option {key!r}{nearest(key, known)}; known are {', '.join(known)}"
                )
        return cls(**values)

    def __post_init__(self) -> None:
        """Check type and range of every option, then what they demand of each other."""
        for option in fields(self):
            value, low, high = (
                getattr(self, option.name),
                option.metadata["minimum"],
                option.metadata["maximum"],
            )
            wanted = int if option.type is int else (int, float)
            if isinstance(value, bool) or not isinstance(value, wanted) or not low <= value <= high:
                kind = "an integer" if option.type is int else "a number"
                raise InputError(
                    f"simulation.{option.name}: must be {kind} in [{low}, {high}], got {value!r}"
                )
        targets = self.planted_pathways * self.targets_per_pathway
        for larger, smaller, of in (
            ("pathways", "planted_pathways", self.planted_pathways),
            ("drugs", "scaffolds", self.scaffolds),
            ("scaffolds", "one for every 100 drugs", -(-self.drugs // 100)),
            ("genes", f"landmarks ({LANDMARKS}) and inferred_genes", LANDMARKS + self.inferred_genes),
            ("genes", "planted_pathways times targets_per_pathway, twice", 2 * targets),
        ):
            if getattr(self, larger) < of:
                raise InputError(
                    f"simulation.{larger}: must be at least {of} ({smaller}), got {getattr(self, larger)}"
                )
