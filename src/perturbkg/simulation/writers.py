"""Write the simulated world: text tables, gzipped by their name's end, a GCTX, and the truth."""

import gzip
from pathlib import Path

import h5py
import numpy as np
import polars as pl

from perturbkg import schemas
from perturbkg.io.files import write_json, written_beside
from perturbkg.simulation.files import WELLS
from perturbkg.simulation.world import World

TAB_SEPARATED = {"siginfo", "compoundinfo", "cellinfo", "geneinfo", "baseline", "xref"}
OTHERS = {"gctx", "truth", "truth_edges"}
CHUNK = 256  # signatures in a chunk of the GCTX, as in the real file


def write_world(world: World, outputs: dict[str, Path]) -> None:
    """Write every file of a world, those of single wells where `outputs` (file key -> path) asks for them.

    Equal worlds give equal bytes.
    """
    missing = sorted({*world.tables, *OTHERS} - set(outputs))
    if missing:
        raise KeyError(f"write_world: no path for {', '.join(missing)}")
    for key, table in world.tables.items():
        write_text_table(table, outputs[key], "\t" if key in TAB_SEPARATED else ",")
    write_gctx(world.profiles, world.profile_signatures, world.profile_genes, outputs["gctx"])
    if asked := set(WELLS) & set(outputs):
        wells = world.level3()
        if "instinfo" in asked:
            write_text_table(wells.instinfo, outputs["instinfo"], "\t")
        if "level3_trt" in asked:
            write_gctx(wells.treated, wells.treated_samples, world.profile_genes, outputs["level3_trt"])
        if "level3_ctl" in asked:
            write_gctx(wells.controls, wells.control_samples, world.profile_genes, outputs["level3_ctl"])
    schemas.write(world.truth_edges, schemas.TruthEdges, outputs["truth_edges"])
    write_json(world.truth, outputs["truth"])


def write_text_table(table: pl.DataFrame, path: str | Path, separator: str) -> None:
    """Write a table with a header line; quote only what needs it; compress where the name ends in .gz."""
    path = Path(path)
    with written_beside(path) as temporary:
        if path.suffix != ".gz":
            table.write_csv(temporary, separator=separator)
            return
        # Neither a time nor a name in the header: equal tables are equal bytes.
        with (
            temporary.open("wb") as raw,
            gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as file,
        ):
            file.write(table.write_csv(separator=separator).encode())


def write_gctx(profiles: np.ndarray, signatures: list[str], genes: list[str], path: str | Path) -> None:
    """Write a GCTX 1.0 (https://clue.io/connectopedia/gctx_format): matrix (signatures, genes) and ids."""
    with written_beside(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["version"] = np.bytes_("GCTX1.0")
        file.create_dataset(
            "0/DATA/0/matrix",
            data=profiles.astype(np.float32),
            chunks=(min(CHUNK, len(profiles)), profiles.shape[1]),
            compression="gzip",
            track_times=False,
        )
        for name, ids in (("COL", signatures), ("ROW", genes)):
            file.create_dataset(f"0/META/{name}/id", data=np.array(ids, dtype=np.bytes_), track_times=False)
