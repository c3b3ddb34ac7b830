"""The command `perturbkg score`: every metric of predictions that were made anywhere."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from perturbkg import plugins


def score(
    *,
    truth: Annotated[
        Path,
        typer.Option(
            help="Observed deltas: AnnData, GCTX or a table; of each signature its cell and, for intervals "
            "over molecules, its parent. The signatures.h5ad of a run is one."
        ),
    ],
    prediction: Annotated[
        Path, typer.Option(help="Predicted deltas of these signatures or some of them, in the same formats.")
    ],
    split_file: Annotated[
        Path | None,
        typer.Option(
            help="A fold of a run (splits/*/fold*.parquet), or a table with its columns signature and part: "
            "scores its test part, and takes the training means of the cell lines from its training part."
        ),
    ] = None,
    training_means: Annotated[
        Path | None,
        typer.Option(
            help="Mean training profile of each cell line. Centred metrics need this or --split-file; "
            "given both, the means are those of this file."
        ),
    ] = None,
    metrics: Annotated[
        list[str] | None, typer.Option(help="A metric file; repeat for more. All if not given.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write every value to this file: .parquet, .csv or .json.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=1, help="Bootstrap resamples of the intervals.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
) -> None:
    """Score predictions: mean and 95 % interval of each metric.

    Rows and columns are matched by name. The signatures of the prediction are scored, those that only the
    truth has are counted. Where the truth names the parent molecule of each signature (column `parent`),
    the intervals are over parents, whose signatures are averaged first.
    """
    # Imported by the command itself: `perturbkg --help` needs neither AnnData nor pandera.
    from perturbkg import schemas  # noqa: PLC0415
    from perturbkg.scoring.files import score_files, summary  # noqa: PLC0415

    chosen = metrics or plugins.names("metrics")
    for name in chosen:
        plugins.source("metrics", name)
    # An unknown format is refused before anything is computed.
    writer = None if output is None else schemas.writer(output)
    scored = score_files(truth, prediction, chosen, fold=split_file, means=training_means)
    if output is not None and writer is not None:
        schemas.write(scored.values, schemas.MetricValues, output, writer)
    table, lines = summary(scored, chosen, resamples=resamples, seed=seed)
    Console().print(table)
    for line in lines:
        print(line)
