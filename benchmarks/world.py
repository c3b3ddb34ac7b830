"""Run the benchmark of one simulated world in this process: the scripts of the workflow, one after another.

The 50 jobs of a small world take Snakemake minutes, most of them for starting Python. Here the same scripts
write the same files; what each reads and writes is what workflow/rules says.
"""

import runpy
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from perturbkg import config as configuration
from perturbkg import plugins
from perturbkg.errors import InputError
from perturbkg.graph.arrays import shared_beside
from perturbkg.graph.texts import TEXT_FILES
from perturbkg.graph.types import slug
from perturbkg.report.choices import Choices
from perturbkg.report.estimates import Estimator
from perturbkg.report.results import Results, read_results
from perturbkg.simulation.files import FILES

ROOT = Path(__file__).parents[1]
TARGETS = "drugs/targets.parquet"


def read_config(overlay: str | Path) -> dict[str, Any]:
    """Return the default config with what the overlay changes, checked as the workflow checks it.

    Raises InputError in one line for what is wrong, and for a source that is not the simulated world.
    """
    from snakemake.utils import update_config  # noqa: PLC0415 - takes a second

    schema = configuration.read(ROOT / "workflow/schemas/config.schema.yaml")
    merged = configuration.read(ROOT / "config/config.yaml")
    update_config(merged, configuration.read(overlay))
    configuration.validate(merged, schema)
    if merged["source"] != "simulated" or merged["files"]:
        raise InputError(f"{overlay}: source: must be simulated, without files of your own")
    return merged


class World:
    """One world in a folder: `run` makes its results; `seconds` has what each script took."""

    def __init__(self, config: dict[str, Any], folder: Path) -> None:
        """Take a checked config, and the folder to write into."""
        self.config, self.folder, self.seconds = config, folder, dict[str, float]()
        self.raw = {key: folder / "raw" / name for key, name in FILES.items()}
        self.signatures = plugins.constant("signatures", config["signatures"], "needs")
        self.labels = plugins.constant("signatures", config["signatures"], "labels")[config["label"]]

    def run(self) -> Results:
        """Simulate, prepare, train and score; return what the tables of the report are made of."""
        features = self.prepare()
        folds = [(split, fold) for split in self.config["splits"] for fold in range(self.config["folds"])]
        scores, runs = [], []
        for split, fold in folds:
            of_fold = self._train(split, fold, features)
            scores += [run / "scores.parquet" for run in of_fold]
            runs += [run / "run.json" for run in of_fold]
        self._call(
            "collect_scores",
            scores=scores,
            runs=runs,
            all_scores=self._path("scores.parquet"),
            all_runs=self._path("runs.parquet"),
        )
        return read_results(
            **self._paths(scores="scores.parquet", runs="runs.parquet"),
            **self._paths(
                signatures="signatures.h5ad", drugs="drugs.parquet", matches="drugs/matches.parquet"
            ),
            test_drugs=[self._fold(*fold, "test_drugs.parquet") for fold in folds],
            manifests=[self._fold(*fold, "manifest.json") for fold in folds],
            folds=[{"split": split, "fold": fold} for split, fold in folds],
            counts=[self._path("drugs/counts.parquet")],
            exclusions=[self._path("drugs/exclusions.parquet")],
            choices=Choices.of(self.config),
            estimator=Estimator(self.config["report"]["resamples"], self.config["seed"]),
        )

    def prepare(self) -> list[Path]:
        """Do everything that comes before training; return the files of the features."""
        self._simulate()
        self._prepare()
        self._merge()
        features = self._embed()
        self._split()
        return features

    def _simulate(self) -> None:
        self._call(
            "simulate_world",
            options=self.config["simulation"],
            seed=self.config["seed"],
            **self.raw,
            truth=self.folder / "raw/truth.json",
            truth_edges=self.folder / "raw/truth_edges.parquet",
        )

    def _prepare(self) -> None:
        config, needs, reader = self.config, self.signatures, self.config["signatures"]
        kg = ("nodes", "edges", "descriptions", "counts")
        self._call(
            "read_knowledge_graph",
            files=self._raw(plugins.constant("knowledge_graphs", config["knowledge_graph"], "files")),
            reader=config["knowledge_graph"],
            **{name: self._path(f"kg/{name}.parquet") for name in kg},
        )
        self._call(
            "select_signatures",
            files=self._raw(needs["select"]),
            reader=reader,
            filters=config["filters"],
            selection=self._path("signatures/selection.parquet"),
            **self._counts("signatures"),
        )
        baseline_files = plugins.constant("baselines", config["baseline"], "files")
        self._call(
            "prepare_cells",
            files=self._raw([*needs["genes"], *needs["cell_lines"], *baseline_files]),
            reader=reader,
            baseline_reader=config["baseline"],
            **self._paths(cells="cells.parquet", baseline="baseline.h5ad"),
            **self._counts("cells"),
        )
        self._call(
            "prepare_drugs",
            **self._paths(selection="signatures/selection.parquet", nodes="kg/nodes.parquet"),
            **self._paths(descriptions="kg/descriptions.parquet"),
            files=self._raw([*needs["compounds"], "drug_text"]),
            reader=reader,
            **self._paths(drugs="drugs.parquet", matches="drugs/matches.parquet"),
            **self._paths(library="drugs/library.parquet"),
            **self._counts("drugs"),
        )
        self._call(
            "impute_targets",
            **self._paths(drugs="drugs.parquet", library="drugs/library.parquet", nodes="kg/nodes.parquet"),
            **self._paths(edges="kg/edges.parquet", targets=TARGETS, counts="drugs/target_counts.parquet"),
            impute=config["graph"]["relations"]["lincs_drug_similar_to_target"],
        )
        self._call(
            "read_signatures",
            **self._paths(selection="signatures/selection.parquet", drugs="drugs.parquet"),
            **self._paths(cells="cells.parquet", signatures="signatures.h5ad"),
            files=self._raw([*needs["genes"], *self.labels]),
            reader=reader,
            label=config["label"],
            merge=config["merge_signatures"],
            dose_um=config["filters"]["dose_um"],
            minimum=config["minimum_signatures"],
            merged=self._path("signatures/merged.parquet"),
            **self._counts("signatures/read"),
        )

    def _merge(self) -> None:
        self._call(
            "merge_graph",
            **self._paths(nodes="kg/nodes.parquet", edges="kg/edges.parquet", drugs="drugs.parquet"),
            **self._paths(cells="cells.parquet", baseline="baseline.h5ad", graph="graph/graph.npz"),
            **self._paths(graph_nodes="graph/nodes.parquet", provenance="graph/provenance.parquet"),
            **self._paths(targets=TARGETS, counts="graph/counts.parquet"),
            relations=self.config["graph"]["relations"],
            expressed_genes=self.config["graph"]["expressed_genes"],
        )
        self._call(
            "collect_node_inputs",
            **self._paths(graph_nodes="graph/nodes.parquet", drugs="drugs.parquet", cells="cells.parquet"),
            **self._paths(nodes="kg/nodes.parquet", descriptions="kg/descriptions.parquet"),
            files=self._raw(TEXT_FILES),
            **self._paths(inputs="graph/inputs.parquet", counts="graph/inputs_counts.parquet"),
        )

    def _embed(self) -> list[Path]:
        made = []
        for node_type, encoders in self.config["encoders"].items():
            for encoder in encoders:
                made.append(self._path(f"features/{slug(node_type)}.{encoder}.safetensors"))
                self._call(
                    "embed_nodes",
                    **self._paths(inputs="graph/inputs.parquet", baseline="baseline.h5ad"),
                    node_type=node_type,
                    encoder=encoder,
                    options=self._options("encoder_options", encoder),
                    threads=1,
                    folders={},
                    features=made[-1],
                    counts=made[-1].with_suffix(".counts.parquet"),
                )
        return made

    def _split(self) -> None:
        for split in self.config["splits"]:
            self._call(
                "make_split",
                **self._paths(signatures="signatures.h5ad", drugs="drugs.parquet"),
                folds=[self._fold(split, fold, "parquet") for fold in range(self.config["folds"])],
                split=split,
                options=self._options("split_options", split),
                validation=self.config["validation"],
                evaluate=self._evaluate(),
                seed=self.config["seed"],
            )

    def _evaluate(self) -> dict[str, Any]:
        """Return the condition that test signatures must meet."""
        asked: dict[str, Any] = self.config["evaluate"] or {}
        return {**asked, "tolerance": self.config["filters"]["dose_tolerance"]}

    def _train(self, split: str, fold: int, features: list[Path]) -> list[Path]:
        """Describe a fold, train every run on it and score them; return the folder of each run."""
        config, parts = self.config, self._fold(split, fold, "parquet")
        tables = self._paths(signatures="signatures.h5ad", drugs="drugs.parquet", cells="cells.parquet")
        known = {"baseline": self._path("baseline.h5ad"), "targets": self._path(TARGETS)}
        graph = self._paths(graph="graph/graph.npz", graph_nodes="graph/nodes.parquet")
        means = self._fold(split, fold, "cell_means.h5ad")
        self._call(
            "describe_fold",
            **tables,
            **graph,
            fold=parts,
            evaluate=self._evaluate(),
            manifest=self._fold(split, fold, "manifest.json"),
            test_drugs=self._fold(split, fold, "test_drugs.parquet"),
            cell_means=means,
        )
        identities, folders = [], []
        for model in config["models"]:
            for ablation in ["none", *config["ablations"].get(model, [])]:
                for seed in config["seeds"]:
                    identity = {"dataset": config["name"], "split": split, "fold": fold}
                    identities.append(
                        {**identity, "model": model, "ablation": ablation, "share": 1.0, "seed": seed}
                    )
                    folders.append(self.folder / f"runs/{split}/fold{fold}/{model}/{ablation}/seed{seed}")
        for identity, folder in zip(identities, folders, strict=True):
            self._call(
                "train_model",
                identity["model"],
                **tables,
                **graph,
                **known,
                fold=parts,
                features=features,
                fusion=config["fusion"],
                model=identity["model"],
                options=self._options("model_options", identity["model"]),
                ablation=identity["ablation"],
                ablation_options=self._options("ablation_options", identity["ablation"]),
                seed=identity["seed"],
                threads=1,
                identity=identity,
                shared=shared_beside(graph["graph"]),
                prediction=folder / "prediction.h5ad",
                history=folder / "history.parquet",
                run=folder / "run.json",
            )
        self._call(
            "score_predictions",
            predictions=[folder / "prediction.h5ad" for folder in folders],
            identities=identities,
            signatures=tables["signatures"],
            fold=parts,
            cell_means=means,
            metrics=config["metrics"],
            scores=[folder / "scores.parquet" for folder in folders],
        )
        return folders

    def _call(self, script: str, *of: str, **arguments: Any) -> None:
        """Run a script of the workflow with the paths and settings that its rule would give it."""
        start = time.perf_counter()
        _main(script)(**arguments)
        name = " ".join([script, *of])
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _paths(self, **names: str) -> dict[str, Path]:
        return {key: self._path(name) for key, name in names.items()}

    def _counts(self, of: str) -> dict[str, Path]:
        return self._paths(counts=f"{of}/counts.parquet", exclusions=f"{of}/exclusions.parquet")

    def _fold(self, split: str, fold: int, what: str) -> Path:
        return self._path(f"splits/{split}/fold{fold}.{what}")

    def _raw(self, keys: Iterable[str]) -> dict[str, str]:
        return {key: str(self.raw[key]) for key in keys if key in self.raw}

    def _options(self, key: str, name: str) -> dict[str, Any]:
        return configuration.options_in_force(self.config, key, name)


@cache
def _main(script: str) -> Callable[..., None]:
    """Load the function `main` of a script once."""
    return runpy.run_path(str(ROOT / f"scripts/{script}.py"))["main"]
