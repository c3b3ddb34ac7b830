"""Write the Level 3 profiles of the control wells, one of which the well table does not name."""

from pathlib import Path

from reader_examples import write_matrix


def write(folder: Path) -> None:
    """Write level3_ctl.gctx."""
    write_matrix(["P9:A01", "P1:A01", "P1:A02", "P1:A03", "P2:A02", "P2:A03"], folder / "level3_ctl.gctx")
