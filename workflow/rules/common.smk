# What all phases share: the checked config, where files lie, and which code a rule depends on.
# Needs: config/config.yaml and its overlays. Makes: nothing.

import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "src"))

from perturbkg import config as configuration
from perturbkg import imports, plugins
from perturbkg.errors import InputError
from perturbkg.graph.types import slug
from snakemake.exceptions import WorkflowError

imports.show_to_jobs()

try:
    schema = configuration.read(
        Path(workflow.basedir) / "workflow/schemas/config.schema.yaml"
    )
    configuration.validate(
        configuration.read(Path(workflow.basedir) / "config/config.yaml"), schema
    )
    configuration.validate(config, schema)
except InputError as error:
    raise WorkflowError(str(error)) from None

R = "results/{dataset}"
RUN = f"{R}/runs/{{split}}/fold{{fold}}/{{model}}/{{ablation}}/seed{{seed}}"
LOGS = "logs/{dataset}"
BENCHMARKS = f"{R}/benchmarks"
RAW = {
    "kg": "kg.csv",
    "gctx": "level5_beta_trt_cp.gctx",
    "siginfo": "siginfo_beta.txt",
    "compoundinfo": "compoundinfo_beta.txt",
    "cellinfo": "cellinfo_beta.txt",
    "geneinfo": "geneinfo_beta.txt",
    "baseline": "cell_baseline_level3.tsv.gz",
    "xref": "drug_xref.tsv",
    "drug_text": "drug_feature_base.csv",
    "disease_text": "disease_feature_base.csv",
    "protein_sequence": "protein_aminoacid_sequence.csv",
}


wildcard_constraints:
    dataset=config["name"],
    split="[a-z0-9_]+",
    fold=r"\d+",
    model="[a-z0-9_]+",
    ablation="[a-z0-9_]+",
    seed=r"\d+",
    node_type="[A-Za-z0-9_]+",
    encoder="[a-z0-9_]+",


def raw_files(*keys):
    """Map file keys of the config to paths, without those that the config leaves out."""
    if config["source"] == "simulated":
        return {key: f"resources/{config['name']}/raw/{RAW[key]}" for key in keys}
    paths = {
        key: config["files"][key] for key in keys if config["files"][key] is not None
    }
    found = {key: str(Path(config["files_root"]) / path) for key, path in paths.items()}
    for key, path in found.items():
        if not Path(path).is_file():
            raise WorkflowError(
                f"config: files.{key}: no file at {path}; check files_root and files.{key}"
            )
    return found


def code(script, **plug_ins):
    """List the package files whose change must rerun a rule: what its script and its plug-ins import.

    `plug_ins` maps a kind (models, ablations...) to names or to a wildcard's value.
    """
    files = [
        plugins.source(kind, name)
        for kind, names in plug_ins.items()
        for name in ([names] if isinstance(names, str) else names)
    ]
    start = Path(workflow.basedir) / "scripts" / f"{script}.py"
    root = Path(workflow.basedir)
    return sorted(
        {
            str(path.relative_to(root))
            for path in [*files, *imports.reached(start, *files)]
        }
    )


def options(kind, name):
    """Return the config's options of a plug-in; the others keep their defaults."""
    return config[f"{kind}_options"].get(name, {})


def runs(pattern):
    """Expand a path of RUN over every run of the config, in the config's order."""
    return [
        pattern.format(
            dataset=config["name"],
            split=split,
            fold=fold,
            model=model,
            ablation=ablation,
            seed=seed,
        )
        for split in config["splits"]
        for fold in range(config["folds"])
        for model in config["models"]
        for ablation in ["none", *config["ablations"].get(model, [])]
        for seed in config["seeds"]
    ]


def every_fold(pattern):
    """Expand a path over every split and fold, in the config's order."""
    return [
        pattern.format(dataset=config["name"], split=split, fold=fold)
        for split in config["splits"]
        for fold in range(config["folds"])
    ]


def identity(wildcards):
    """Name a run in its tables."""
    return {
        "dataset": wildcards.dataset,
        "split": wildcards.split,
        "fold": int(wildcards.fold),
        "model": wildcards.model,
        "ablation": wildcards.ablation,
        "seed": int(wildcards.seed),
    }
