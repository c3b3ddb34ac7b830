"""What the report puts forward: its headline metrics, and the parts that models play in its comparisons.

Reads the `report:` keys of the config while the workflow plans, so that what cannot be reported is refused
before anything runs. What a run does not have is left out of the report, which says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from perturbkg import plugins
from perturbkg.errors import InputError
from perturbkg.metrics import value_infos

KINDS = ("model", "control")


@dataclass(frozen=True)
class Choices:
    """Metric values and plug-ins by the part that they play; a named model or ablation need not have run."""

    reference: str  # the model that the others are compared with
    without_graph: str  # model: sees what the reference sees, except the graph
    without_attention: str  # model: sees the graph, without attention
    without_drug: str  # model: knows the cell line and nothing about the drug
    structure_only: str  # model: knows the structures of drugs and nothing else about them
    rewired: str  # ablation: keeps the degrees of the graph and destroys the meaning of its edges
    controls: tuple[str, ...]  # trivial models, by their attribute `kind`
    headline: tuple[str, ...]  # metric values that are tested and tabled; the first one decides
    drawn: tuple[str, ...]  # metric values of the figures and the strata, some of the headline
    reading: tuple[str, ...] = ()  # models that read dose and time
    not_computed: tuple[str, ...] = ()  # of the config's headline: no chosen metric computes them

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Resolve the choices of a config; raise InputError for one that cannot be reported.

        The headline and what is drawn are cut to what `metrics` compute. If nothing of the headline is left,
        everything they compute is; if nothing of what is drawn is left, the first value of the headline is.
        """
        report = config["report"]
        _check_names(report)
        if report["reference"] not in config["models"]:
            raise InputError(
                f"config: report.reference: {report['reference']!r} is not one of models: "
                f"{', '.join(config['models'])}"
            )
        _check_parts(report)
        computed = computed_values(config["metrics"])
        headline = [value for value in report["headline"] if value in computed] or computed
        return cls(
            **{part: report[part] for part in PARTS},
            controls=tuple(model for model in config["models"] if kind_of(model) == "control"),
            headline=tuple(headline),
            reading=tuple(
                model
                for model in config["models"]
                if plugins.constant_or("models", model, "conditions", False)
            ),
            drawn=tuple([value for value in report["drawn"] if value in headline] or headline[:1]),
            not_computed=tuple(value for value in report["headline"] if value not in computed),
        )

    def kind(self, model: str) -> str:
        """Return which part a model plays in tables and figures."""
        return "reference" if model == self.reference else "control" if model in self.controls else "model"


#: Key of `report:` -> plug-in kind of the name that it holds.
PARTS = {
    "reference": "models",
    "without_graph": "models",
    "without_attention": "models",
    "without_drug": "models",
    "structure_only": "models",
    "rewired": "ablations",
}


def _check_names(report: Mapping[str, Any]) -> None:
    """Raise InputError for a plug-in or a metric value that does not exist."""
    for part, kind in PARTS.items():
        _check_name(f"report.{part}", report[part], plugins.names(kind))
    values = computed_values(plugins.names("metrics"))
    for key in ("headline", "drawn"):
        for value in report[key]:
            _check_name(f"report.{key}", value, values)


def _check_parts(report: Mapping[str, Any]) -> None:
    """Raise InputError where the reference would be compared with itself."""
    for part, kind in PARTS.items():
        if kind == "models" and part != "reference" and report[part] == report["reference"]:
            raise InputError(
                f"config: report.{part}: {report[part]!r} is also report.reference, which cannot be compared "
                "with itself; name another model"
            )
    if report["rewired"] == "none":
        raise InputError(
            "config: report.rewired: 'none' is the untouched model, which cannot be compared with itself; "
            "name another ablation, such as 'shuffle_edges'"
        )


def _check_name(key: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        hint = plugins.nearest(name, known)
        raise InputError(f"config: {key}: unknown name {name!r}{hint}; known are {', '.join(known)}")


def computed_values(metrics: Sequence[str]) -> list[str]:
    """Return the values that metric plug-ins compute, in their order; two may not compute the same one."""
    computed_by: dict[str, str] = {}
    for metric in metrics:
        for value in value_infos([metric]):
            if value in computed_by:
                raise InputError(
                    f"metrics: {computed_by[value]!r} and {metric!r} both compute {value!r}; "
                    "rename the value in one of them, or remove its file"
                )
            computed_by[value] = metric
    return list(computed_by)


def kind_of(model: str) -> str:
    """Return the attribute `kind` of a model; raise InputError for one that is not in KINDS."""
    kind = plugins.constant("models", model, "kind")
    if kind not in KINDS:
        raise InputError(
            f"{plugins.source('models', model)}: kind {kind!r} must be one of {', '.join(KINDS)}"
        )
    return str(kind)
