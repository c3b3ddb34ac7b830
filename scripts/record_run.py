"""Record how to reproduce a run: resolved config, versions, seeds and the checksums of its raw files."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from perturbkg.io.files import write_json
from perturbkg.io.scripting import reporting
from perturbkg.provenance import describe_run


def main(
    *, files: Iterable[str | Path], downloads: str | Path, config: Mapping[str, Any], run: str | Path
) -> None:
    """Write run.json; the files directly in the folder `downloads` are receipts of downloads."""
    paths = [Path(file) for file in files]
    receipts = [path for path in paths if path.parent == Path(downloads)]
    raw = [path for path in paths if path not in receipts]
    write_json(describe_run(config=config, files=raw, receipts=receipts), run)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "record_run"):
        main(
            files=snakemake.input.files,
            downloads=snakemake.params.downloads,
            config=snakemake.params.config,
            run=snakemake.output.run,
        )
