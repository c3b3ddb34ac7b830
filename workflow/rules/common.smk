# What all phases share: the checked config, where files lie, and which code a rule depends on.
# Needs: config/config.yaml and its overlays. Makes: nothing.

import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "src"))

from perturbkg import config as configuration
from perturbkg import imports, plugins
from perturbkg.errors import InputError
from perturbkg.graph.texts import TEXT_FILES
from perturbkg.graph.types import slug
from perturbkg.simulation.files import FILES, WELLS
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
WANTED = configuration.wanted_files(config)
RAW = FILES | (WELLS if WELLS.keys() & WANTED else {})


wildcard_constraints:
    dataset=config["name"],
    split="[a-z0-9_]+",
    fold=r"\d+",
    model="[a-z0-9_]+",
    ablation="[a-z0-9_]+",
    seed=r"\d+",
    node_type="[A-Za-z0-9_]+",
    encoder="[a-z0-9_]+",
    source="[a-z0-9_]+",


PUBLISHED, CATALOGUE = {}, {}
if config["source"] == "download":
    from perturbkg.sources.catalogue import read_catalogue

    PUBLISHED = configuration.published_files(config)
    try:
        CATALOGUE = read_catalogue(config["downloads"]["catalogue"])
    except InputError as error:
        raise WorkflowError(str(error)) from None


def wanted_of_source(name):
    """Say what makes a source of the catalogue another one; None for a name that the catalogue lacks."""
    source = CATALOGUE.get(name)
    return source and [source.version, source.file, source.checksum, source.unpack]


def raw_files(*keys):
    """Map file keys of the config to paths, without those that there is no file for."""
    found = {}
    for key in dict.fromkeys(keys):
        given = config["files"].get(key)
        if given is not None:
            path = Path(config["files_root"]) / given
            if not path.is_file():
                raise WorkflowError(
                    f"config: files.{key}: no file at {path}; check files_root and files.{key}"
                )
            found[key] = str(path)
        elif config["source"] == "simulated" and key in RAW:
            found[key] = f"resources/{config['name']}/raw/{RAW[key]}"
        elif key in PUBLISHED:
            source = CATALOGUE[PUBLISHED[key]]
            found[key] = f"{config['downloads']['folder']}/{source.name}/{source.file}"
    return found


def raw_inputs(*keys):
    """Map file keys to inputs, which are the files themselves or the receipts of their downloads."""
    return {
        key: (
            rules.download_source.output.receipt.format(source=PUBLISHED[key])
            if config["files"].get(key) is None and key in PUBLISHED
            else path
        )
        for key, path in raw_files(*keys).items()
    }


def code(script, *files, **plug_ins):
    """Return a digest of all code and data whose change must rerun a rule: its script and what this loads.

    `files` are loaded by the script without an import; `plug_ins` maps a kind (models, ablations...) to names or
    to a wildcard's value. What they import counts too.
    """
    loaded = [
        plugins.source(kind, name)
        for kind, names in plug_ins.items()
        for name in ([names] if isinstance(names, str) else names)
    ]
    start = Path(workflow.basedir) / "scripts" / f"{script}.py"
    return imports.digest(start, *files, *loaded)


def options(kind, name):
    """Return all options of a plug-in: the config's, and the defaults of the others."""
    return configuration.options_in_force(config, f"{kind}_options", name)


def gpus_of(model):
    """Return how many GPUs a training job asks for; a model that does not train for epochs needs none."""
    neural = "epochs" in plugins.options_of("models", model)
    return config["gpu"]["train"] if neural else 0


def is_language_model(encoder):
    """Return whether an encoder needs weights: it names the one that does without."""
    try:
        return bool(plugins.constant("encoders", encoder, "instead"))
    except AttributeError:
        return False


def model_folders(encoder):
    """Return where a language model finds its weights and keeps vectors; other encoders keep nothing."""
    folders = config["encoder_cache"] if is_language_model(encoder) else {}
    return {f"{name}_folder": folder for name, folder in folders.items()}


def weights_of(wildcards):
    """Return what an encoder waits for: the receipt of its weights, if it has any."""
    if not is_language_model(wildcards.encoder):
        return {}
    receipt = rules.fetch_weights.output.receipt
    return {"weights": receipt.format(encoder=wildcards.encoder)}


def encoder_option(encoder, name):
    """Return an option of an encoder: the config's, or the default."""
    return options("encoder", encoder)[name]


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
