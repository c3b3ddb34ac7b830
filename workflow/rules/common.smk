# What all phases share: the checked config, where files are, and which code a rule depends on.
# Needs: config/config.yaml and its overlays. Makes: nothing.
#
# The workflow also runs from another folder and as a module of another workflow. So whatever belongs to the
# project is found beside this file, and paths that the config names are relative to the working folder, without
# the prefix of a module: they are marked as local(). All other paths get the prefix once, from Snakemake, which
# remembers it for the outputs of rules as long as expand() fills their wildcards (str.format forgets it).

import sys
from pathlib import Path

beside = Path(str(workflow.current_basedir)).parents[1] / "src"
if beside.is_dir():  # otherwise (a module given by a URL) the installed package is used
    sys.path.insert(0, str(beside))

from perturbkg import config as configuration
from perturbkg import extras, imports, plugins
from perturbkg.errors import InputError
from perturbkg.graph.texts import TEXT_FILES
from perturbkg.graph.types import slug
from perturbkg.simulation.files import FILES, WELLS
from perturbkg.splits._shares import share_folder, share_of
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

imports.show_to_jobs()

try:
    schema = configuration.read(workflow.source_path("../schemas/config.schema.yaml"))
    merged = {
        "config": configuration.read(workflow.source_path("../../config/config.yaml"))
    }
    configuration.validate(merged["config"], schema)
    # The config of a command line or of a module holds only what differs from the defaults.
    update_config(merged, {"config": config})
    config = merged["config"]
    configuration.validate(config, schema)
    # Plug-ins are read here, where one that cannot be read is one line.
    IN_FORCE = configuration.in_force(config)
    LANGUAGE_MODELS = [  # encoders that name an encoder to use without their weights
        encoder
        for encoder in plugins.names("encoders")
        if plugins.constant_or("encoders", encoder, "instead", "")
    ]
    # Each run prepares data; what only a plug-in needs is reported by its job, as it may be optional.
    if not workflow.deployment_settings.deployment_method:  # --sdm brings the packages
        CHOSEN = [("models", model) for model in config["models"]]
        for encoders_of_type in config["encoders"].values():
            CHOSEN += [("encoders", encoder) for encoder in encoders_of_type]
        extras.require("prepare", plugins.packages(CHOSEN))
except InputError as error:
    raise WorkflowError(str(error)) from None

R = "results/{dataset}"
# {share} is a folder of its own for a share below 1, and nothing for all training groups.
RUN = f"{R}/runs/{{split}}/fold{{fold}}/{{model}}/{{ablation}}{{share}}/seed{{seed}}"
LOGS = "logs/{dataset}"
DOWNLOAD_RECEIPT = f"{config['downloads']['folder']}/{{source}}.json"
WEIGHTS_RECEIPT = "resources/weights/{encoder}.json"
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
    share=r"(/share[0-9.e-]+)?",
    part="[0-9.e-]+",
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
    """Return what identifies the file of a source in the catalogue; None for an unknown name."""
    source = CATALOGUE.get(name)
    return source and [source.version, source.file, source.checksum, source.unpack]


def is_downloaded(key):
    """Return whether a file is downloaded: its publisher is known and the config gives no path."""
    return config["files"].get(key) is None and key in PUBLISHED


def raw_inputs(*keys):
    """Map file keys of the config to inputs: files, or receipts of downloads; keys without a file are left out."""
    found = {}
    for key in dict.fromkeys(keys):
        given = config["files"].get(key)
        if given is not None:
            path = Path(config["files_root"]) / given
            if not path.is_file():
                raise WorkflowError(
                    f"config: files.{key}: no file at {path}; check files_root and files.{key}"
                )
            found[key] = local(str(path))
        elif config["source"] == "simulated" and key in RAW:
            found[key] = f"resources/{config['name']}/raw/{RAW[key]}"
        elif is_downloaded(key):
            found[key] = local(DOWNLOAD_RECEIPT.format(source=PUBLISHED[key]))
    return found


def raw_files(*keys):
    """Return the parameter that gives a script the paths of its raw files: file key -> path."""

    def paths(wildcards, input):
        found = {}
        for key in raw_inputs(*keys):
            if is_downloaded(key):
                source = CATALOGUE[PUBLISHED[key]]
                folder = Path(config["downloads"]["folder"])
                found[key] = str(folder / source.name / source.file)
            else:
                found[key] = input[key]
        return found

    return paths


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
    start = Path(workflow.source_path(f"../../scripts/{script}.py"))
    try:
        return imports.digest(start, *files, *loaded)
    except InputError as error:
        raise WorkflowError(str(error)) from None


def options(kind, name):
    """Return all options of a plug-in: the config's, and the defaults of the others."""
    return configuration.options_in_force(config, f"{kind}_options", name)


def gpus_of(model):
    """Return how many GPUs a training job asks for; a model that does not train for epochs needs none."""
    neural = "epochs" in plugins.options_of("models", model)
    return config["gpu"]["train"] if neural else 0


def model_folders(encoder):
    """Return the folders of a language model's weights and cached vectors; other encoders have none."""
    folders = config["encoder_cache"] if encoder in LANGUAGE_MODELS else {}
    return {f"{name}_folder": folder for name, folder in folders.items()}


def weights_of(wildcards):
    """Return the receipt of an encoder's weights as an input, if it has weights."""
    if wildcards.encoder not in LANGUAGE_MODELS:
        return {}
    return {"weights": WEIGHTS_RECEIPT.format(encoder=wildcards.encoder)}


def encoder_option(encoder, name):
    """Return an option of an encoder: the config's, or the default."""
    return options("encoder", encoder)[name]


SHARES = [share_folder(share) for share in config["train_share"]]
# What sets apart the runs of one fold, in the config's order.
RUNS_OF_FOLD = [
    {"model": model, "ablation": ablation, "share": share, "seed": seed}
    for model in config["models"]
    for ablation in ["none", *config["ablations"].get(model, [])]
    for share in (SHARES if ablation == "none" else [""])
    for seed in config["seeds"]
]


def runs_of_fold(pattern):
    """Expand a path of RUN over the runs of a fold; the wildcards of the fold stay."""
    return [
        path
        for run in RUNS_OF_FOLD
        for path in expand(pattern, **run, allow_missing=True)
    ]


def runs(pattern):
    """Expand a path of RUN over every run of the config, in the config's order."""
    by_run = [every_fold(of_fold) for of_fold in runs_of_fold(pattern)]
    return [path for fold in zip(*by_run) for path in fold]


def every_fold(pattern):
    """Expand a path over every split and fold, in the config's order."""
    return expand(
        pattern,
        dataset=config["name"],
        split=config["splits"],
        fold=range(config["folds"]),
    )


def identity(fold, *, model, ablation, share, seed):
    """Name a run in its tables, by the wildcards of its fold and what sets it apart there."""
    return {
        "dataset": fold.dataset,
        "split": fold.split,
        "fold": int(fold.fold),
        "model": model,
        "ablation": ablation,
        "share": share_of(share),
        "seed": int(seed),
    }
