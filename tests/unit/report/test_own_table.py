"""A table is one file: the example of docs/report.md, added to a copy of the package, is on the page."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
REPORT = """
import sys
from pathlib import Path
from fabricated import fabricate
from reports import FIGURES, make_page, make_tables

folder = Path(sys.argv[1])
raw_results = fabricate(folder, signatures=40, parents=12, splits=("random",))
figures = {name: folder / f"{name}.svg" for name in FIGURES}
for path in figures.values():
    path.write_text('<svg width="1" height="1"></svg>')
make_page(raw_results, make_tables(raw_results, folder, resamples=100), figures, folder / "report.html")
"""


def test_the_documented_table_is_written_and_shown(tmp_path):
    text = (ROOT / "docs/report.md").read_text(encoding="utf-8")
    ((file, example),) = re.findall(r"```python (src/\S+)\n(.*?)```", text, flags=re.DOTALL)
    shutil.copytree(ROOT / "src/perturbkg", tmp_path / "src/perturbkg")
    (tmp_path / file).write_text(example)
    paths = [str(tmp_path / "src"), str(ROOT / "tests/support")]
    done = subprocess.run(
        [sys.executable, "-c", REPORT, tmp_path],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "cells.csv").read_text().startswith("cell,signatures\nCELL0,")
    assert "Test signatures by cell line" in (tmp_path / "report.html").read_text()
