"""Record what a run is made of: resolved config, versions, seeds and the checksums of its raw files."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from perturbkg.io.files import write_json
from perturbkg.io.scripting import reporting
from perturbkg.provenance import describe_run


def main(*, files: Iterable[str | Path], config: Mapping[str, Any], run: str | Path) -> None:
    """Write run.json."""
    write_json(describe_run(config=config, files=[Path(file) for file in files]), run)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "record_run"):
        main(files=snakemake.input.files, config=snakemake.params.config, run=snakemake.output.run)
