"""What the report consists of: the names of its tables and figures, their words, and the parts models play.

It imports nothing, so that the workflow can read the names while it plans.
"""

from dataclasses import dataclass

# Table -> title, and the note under it. Each is written as .csv (tidy, full precision), .md and .tex.
TABLES: dict[str, tuple[str, str]] = {
    "main": (
        "Main results",
        "Mean with 95 % interval. Seeds are averaged per signature, signatures per parent molecule, then "
        "parents; the interval is a percentile bootstrap over parents. Bold: best of the column. †: not "
        "significantly different from the best (paired sign-flip test over parents, Benjamini-Hochberg over "
        "this table, q ≥ 0.05).",
    ),
    "comparisons": (
        "Reference against every other model",
        "Paired differences, reference minus other, on the test signatures that both have a value for, "
        "clustered by parent molecule; 95 % bootstrap interval, sign-flip permutation p, and q after "
        "Benjamini-Hochberg over every comparison of this table. Better: at q < 0.05. Of a metric that "
        "should be near a value, the distances from it are compared.",
    ),
    "ablations": (
        "Ablations",
        "Each row is the same model trained anew on data that lacks one thing. Difference: ablated minus "
        "untouched, paired on test signatures and clustered by parent molecule; q after Benjamini-Hochberg "
        "over every comparison of this table.",
    ),
    "notes": (
        "What the ablations really changed",
        "Numbers that the training runs recorded, e.g. the share of edges that moved; over splits, folds "
        "and seeds.",
    ),
    "strata": (
        "Where it works",
        "Mean with 95 % interval within groups of test signatures: by Tanimoto similarity of the drug to "
        "its nearest training drug (Morgan radius 2), by whether the drug has a target in the graph, by the "
        "number of genes with |delta| ≥ 2, and by cell line.",
    ),
    "folds": (
        "Folds and seeds, one by one",
        "Mean over parent molecules of each single run; averages of averages can hide a fold that fails.",
    ),
    "undefined": (
        "Undefined scores",
        "A score that is undefined (for instance the correlation of a constant prediction) is null, never "
        "0. Such scores are left out of means and counted here.",
    ),
    "resources": (
        "Time and memory",
        "Seconds of wall-clock time of one run (median) and of all runs together, and the peak resident "
        "memory. These are the only numbers of the report that differ between two runs of the same "
        "workflow.",
    ),
    "counts": (
        "What was read, removed and kept",
        "Every step of the preparation, in the order it removes rows.",
    ),
    "coverage": (
        "What nodes are encoded from",
        "Nodes of each type, and how many of them have something to encode in each modality; then which "
        "encoder reads it, and how many of these nodes it cuts at its maximum length (–: this encoder cuts "
        "nothing, or none reads it). Other nodes have zeros, and are marked as not encoded.",
    ),
    "matches": (
        "Drugs found in the knowledge graph",
        "How each L1000 drug was matched: by parent InChIKey, by cross-reference, by name, or not at all.",
    ),
    "exclusions": (
        "Defective items kept out",
        "Every single one, with its line in the source file.",
    ),
}

# Figure -> title and caption, which is also its alternative text. Each is written as .svg and .png.
FIGURES: dict[str, tuple[str, str]] = {
    "models_by_split": (
        "Mean test score of every model",
        "Mean score of every model on each split, with 95 % bootstrap interval over parent molecules. "
        "Higher is better. Trivial controls are drawn as grey diamonds, the reference model as an orange "
        "square.",
    ),
    "ablation_ladder": (
        "What the reference model loses with each thing taken away",
        "Mean score of each ablated model with 95 % interval, retrained on the same folds and seeds. Dashed "
        "lines: models that see no graph. A graph that matters shows as a drop from the untouched model.",
    ),
    "score_by_distance": (
        "Test score against similarity to the training drugs",
        "Mean score of test signatures, binned by the Tanimoto similarity of their drug to the nearest "
        "training drug, with 95 % interval over parent molecules; n is the number of test signatures of a "
        "bin.",
    ),
    "folds": (
        "Test score of every single run",
        "Each mark is one run: the mean over parent molecules of one fold and one seed. The spread between "
        "folds is the difficulty of their molecules; compare models within a fold.",
    ),
    "heatmap_predictions": (
        "Observed and predicted expression change",
        "Observed and predicted delta profiles of test signatures taken at fixed quantiles of the reference "
        "model's score (not its best), on the genes that respond most in them, ordered by hierarchical "
        "clustering of the observed profiles.",
    ),
}

# Metrics shown in the readers' tables and compared by tests; the CSV tables of means hold all of them.
HEADLINE = ("pearson", "pearson_deg100", "pearson_centred", "retrieval", "rmse")


@dataclass(frozen=True)
class Roles:
    """Which models and ablations play which part in the comparisons; those that were not run are left out."""

    reference: str = "gat"
    graph_free: str = "mlp"  # what the reference sees, without the graph
    diffusion: str = "propagation"  # the graph without attention
    rewired: str = "shuffle_edges"  # the ablation that keeps degrees and destroys the edges' meaning
    no_drug: str = "mean_per_cell"  # knows the cell line and nothing of the drug
    neighbours: str = "nearest_drugs"  # structure alone
    controls: tuple[str, ...] = ("zero", "mean", "mean_per_cell", "mlp_no_drug")

    def kind(self, model: str) -> str:
        """Say which part a model plays in tables and figures."""
        return "reference" if model == self.reference else "control" if model in self.controls else "model"
