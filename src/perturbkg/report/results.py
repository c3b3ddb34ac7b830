"""Everything that the tables are made of, read once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from perturbkg import schemas
from perturbkg.io.files import read_json
from perturbkg.io.matrices import read_matrix
from perturbkg.report.choices import Choices
from perturbkg.report.estimates import Estimator
from perturbkg.report.score_matrix import ScoreMatrix, describe_signatures, make_matrices


@dataclass(frozen=True)
class Results:
    """Scores, runs and what was counted; a table takes what it needs."""

    scores: pl.DataFrame  # schemas.Scores, of the models trained on all training groups
    runs: pl.DataFrame  # schemas.Runs of the same
    partial_scores: pl.DataFrame  # schemas.Scores, of the models trained on smaller shares of them
    partial_runs: pl.DataFrame  # schemas.Runs of the same
    matches: pl.DataFrame  # schemas.Matches
    counts: pl.DataFrame  # schemas.Counts
    exclusions: pl.DataFrame  # schemas.Exclusions
    described: pl.DataFrame  # test signatures and their strata, see `describe_signatures`
    folds: Sequence[dict[str, Any]]  # split and fold of each manifest
    manifests: Sequence[dict[str, Any]]
    choices: Choices
    estimator: Estimator

    @cached_property
    def matrices(self) -> list[ScoreMatrix]:
        """Return the scores, one matrix per split and metric."""
        return make_matrices(self.scores, self.described)

    @property
    def by_share(self) -> dict[float, tuple[list[ScoreMatrix], pl.DataFrame]]:
        """Return share of the training groups -> its headline matrices and runs, the smallest first."""
        parts = {}
        for (share,), scores in self.partial_scores.partition_by("share", as_dict=True).items():
            shown = scores.filter(pl.col("metric").cast(pl.String).is_in(self.choices.headline))
            parts[share] = (make_matrices(shown, self.described), self.partial_runs.filter(share=share))
        return dict(sorted(parts.items())) | {1.0: (self.headline, self.runs)}

    @property
    def headline(self) -> list[ScoreMatrix]:
        """Return the matrices of the headline metrics."""
        return [matrix for matrix in self.matrices if matrix.metric in self.choices.headline]

    @property
    def drawn(self) -> list[ScoreMatrix]:
        """Return the matrices of the metrics that figures draw."""
        return [matrix for matrix in self.matrices if matrix.metric in self.choices.drawn]


def read_results(
    *,
    scores: str | Path,
    runs: str | Path,
    signatures: str | Path,
    drugs: str | Path,
    matches: str | Path,
    test_drugs: Sequence[str | Path],
    manifests: Sequence[str | Path],
    folds: Sequence[dict[str, Any]],
    counts: Sequence[str | Path],
    exclusions: Sequence[str | Path],
    choices: Choices,
    estimator: Estimator,
) -> Results:
    """Read the files of a run; `folds` names the split and fold of each of `test_drugs` and `manifests`."""
    tested = pl.concat(
        schemas.read(path, schemas.TestDrugs).select(
            pl.lit(fold["split"]).alias("split"), pl.lit(fold["fold"], pl.Int64).alias("fold"), pl.all()
        )
        for path, fold in zip(test_drugs, folds, strict=True)
    )
    delta, obs, _ = read_matrix(signatures)
    scored, trained = schemas.read(scores, schemas.Scores), schemas.read(runs, schemas.Runs)
    return Results(
        scores=scored.filter(share=1.0),
        runs=trained.filter(share=1.0),
        partial_scores=scored.filter(pl.col("share") < 1),
        partial_runs=trained.filter(pl.col("share") < 1),
        matches=schemas.read(matches, schemas.Matches),
        counts=pl.concat([schemas.read(path, schemas.Counts) for path in counts]),
        exclusions=pl.concat([schemas.read(path, schemas.Exclusions) for path in exclusions]),
        described=describe_signatures(delta, obs, schemas.read(drugs, schemas.Drugs), tested),
        folds=folds,
        manifests=[read_json(path) for path in manifests],
        choices=choices,
        estimator=estimator,
    )
