# Tables, figures and the page; each reads only scores and named tables.
# Needs: scores.parquet, runs.parquet, what was counted and left out. Makes: tables/, figures/, report.html, run.json.

from perturbkg.report.catalogue import FIGURES, TABLES

EVERY_FOLD = [(split, fold) for split in config["splits"] for fold in range(config["folds"])]


def every_fold(pattern):
    """Expand a path over every split and fold, in the order of EVERY_FOLD."""
    return [pattern.format(dataset=config["name"], split=split, fold=fold) for split, fold in EVERY_FOLD]


def per_table(suffix):
    return [f"{R}/tables/{name}.{suffix}" for name in TABLES]
