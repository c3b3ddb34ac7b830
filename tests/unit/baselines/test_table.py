import numpy as np
import polars as pl
import pytest

from perturbkg import plugins
from perturbkg.errors import InputError
from perturbkg.signatures import Genes

ENTREZ = [str(gene) for gene in (1956, 10, 780)]
GENES = Genes(ENTREZ, ["EGFR", "NAT2", "DDR1"])
SOURCE = plugins.create("baselines", "table")
FRAME = pl.DataFrame(
    {"": ["A375", "5637"], "780": [7.5, 8.0], "1": [0.0, 0.0], "1956": [1.0, 2.0], "10": [3.0, 4.0]}
)


@pytest.mark.parametrize("form", ["csv", "quoted csv", "tsv", "quoted tsv", "semicolon", "parquet"])
def test_every_format_reads_the_same(tmp_path, form):
    path = tmp_path / "baseline"
    if form == "parquet":
        FRAME.write_parquet(path)
    else:
        separator = "\t" if "tsv" in form else ";" if form == "semicolon" else ","
        style = "always" if "quoted" in form else "necessary"
        FRAME.write_csv(path, separator=separator, quote_style=style)
    measured = SOURCE.read({"baseline": path}, GENES)
    assert measured.cells.rows() == [(2, "A375"), (3, "5637")]
    np.testing.assert_array_equal(measured.values, np.array([[1, 3, 7.5], [2, 4, 8]], np.float32))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cell,780,10\nA,1,2\n", r"row 1: no column for 1 of the 3 landmark genes; first 1956"),
        ("cell,780,10,1956\nA,1,NA,2\n", r"row 2: cell line 'A' has no finite value for gene 10 .NAT2."),
        ("cell,780,10,1956\nA,1,x,2\n", r"row 2: 10 is 'x', not a number"),
        ("cell,780,10,1956\nA,1,1,2\nA,1,1,2\n", r"rows 2 and 3: cell 'A' twice"),
    ],
)
def test_a_bad_baseline_is_one_line(tmp_path, text, message):
    path = tmp_path / "baseline.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        SOURCE.read({"baseline": path}, GENES)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
