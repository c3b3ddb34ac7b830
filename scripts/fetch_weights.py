"""Fetch and verify the files of an encoder's model unless they exist, and write their receipt."""

from pathlib import Path

from perturbkg import plugins
from perturbkg.io.files import write_json
from perturbkg.io.scripting import reporting


def main(
    *,
    encoder: str,
    model: str,
    revision: str,
    weights: str | Path | None,
    lock: str | Path,
    receipt: str | Path,
) -> None:
    """Look in the folder of the weights and in the hub's own cache; fetch what is missing."""
    made = plugins.create("encoders", encoder, {"model": model, "revision": revision})
    # Imported here, where `reporting` turns a missing extra into one line.
    from perturbkg.encoders._language_models.hub import fetch  # noqa: PLC0415

    fetched = fetch(
        model,
        revision,
        made.files,
        None if weights is None else Path(weights),
        lock,
        digests=made.digests.get((model, revision)),
        instead=made.instead,
    )
    write_json(fetched, receipt)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "fetch_weights"):
        main(
            encoder=snakemake.wildcards.encoder,
            model=snakemake.params.model,
            revision=snakemake.params.revision,
            weights=snakemake.params.weights,
            lock=snakemake.config["downloads"]["lock"],
            receipt=snakemake.output.receipt,
        )
