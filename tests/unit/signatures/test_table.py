"""A user's own signatures, in every format, compared with lincs2020's reading of the same world."""

import gzip

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.matrices import read_matrix, write_matrix
from perturbkg.signatures import table as module
from perturbkg.signatures.lincs2020 import LINCS2020
from perturbkg.signatures.table import Table

SOURCE = Table()
FORMS = ["h5ad", "csv", "tsv.gz", "parquet"]
ANY = {"require_hiq": False, "require_qc_pass": False}


def joined(lists):
    return lists.list.join("|").replace("", None)


def write_table(table, path):
    """Write a table in the format of its suffix."""
    if path.name.endswith("parquet"):
        table.write_parquet(path)
        return
    text = table.write_csv(separator="\t" if ".tsv" in path.name else ",").encode()
    path.write_bytes(gzip.compress(text, 1, mtime=0) if path.name.endswith("gz") else text)


def write_profiles(path, obs, deltas, entrez):
    """Write signatures as AnnData or as a wide table."""
    if path.suffix == ".h5ad":
        write_matrix(deltas, obs, pl.DataFrame({"entrez": entrez}), path)
    else:
        genes = pl.DataFrame(deltas.astype(np.float32), schema=list(entrez))
        write_table(pl.concat([obs, genes], how="horizontal"), path)


@pytest.fixture(scope="module")
def read(raw_world):
    """Return the world as lincs2020 reads it: genes, selected, compounds, cells, deltas."""
    lincs = LINCS2020()
    genes = lincs.genes(raw_world)
    selected = lincs.select(raw_world, {})
    deltas = np.empty((len(selected.selection), 978), np.float32)
    for rows, block in lincs.profiles(raw_world, selected.selection, genes, "level5"):
        deltas[rows] = block
    return genes, selected.selection, lincs.compounds(raw_world).table, lincs.cell_lines(raw_world), deltas


def test_na_texts_are_missing_values_except_in_ids(tmp_path):
    (tmp_path / "compounds.csv").write_text(
        "drug,smiles,name,aliases,targets,xref\nNA,CCO,NA,n/a,EGFR|NA|EGFR,NULL\nd2,NA,x,a|b,NA,DB1\n"
    )
    (tmp_path / "cells.csv").write_text("cell,lineage,disease,subtype\nNA,skin,NA,N/A\nB,NA,NULL,NA\n")
    compounds = SOURCE.compounds({"compounds": tmp_path / "compounds.csv"}).table
    assert compounds.drop("inchikey", "row").rows() == [
        ("NA", "NA", "CCO", [], ["EGFR"], []),
        ("d2", "x", None, ["a", "b"], [], ["DB1"]),
    ]
    assert SOURCE.cell_lines({"cells": tmp_path / "cells.csv"}).drop("row").rows() == [
        ("NA", "skin", None, "Cell line NA. Lineage: skin."),
        ("B", None, None, None),
    ]


def test_a_withheld_structure_is_missing(tmp_path):
    (tmp_path / "compounds.csv").write_text("drug,smiles\nd1,Restricted\nd2,CCO\n")
    compounds = SOURCE.compounds({"compounds": tmp_path / "compounds.csv"})
    assert compounds.table["smiles"].to_list() == [None, "CCO"]
    assert compounds.withheld == {"d1"}


@pytest.mark.parametrize("form", FORMS)
def test_the_tables_of_lincs2020_are_read_back(read, raw_world, tmp_path, monkeypatch, form):
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 16)  # several blocks, the last one shorter
    genes, selection, compounds, cells, deltas = read
    assert len(selection) > 40
    side = "parquet" if form == "h5ad" else form
    files = {
        "profiles": tmp_path / f"profiles.{form}",
        "compounds": tmp_path / f"compounds.{side}",
        "cells": tmp_path / f"cells.{side}",
        "geneinfo": raw_world["geneinfo"],
    }
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(len(selection)), rng.permutation(978)
    # One gene that is not a landmark, and the others in another order.
    entrez = [*np.array(genes.entrez)[columns], "1"]
    stray = np.zeros((len(selection), 1), np.float32)
    shuffled = np.hstack([deltas[rows][:, columns], stray])
    write_profiles(files["profiles"], selection[rows].drop("merged"), shuffled, entrez)
    lists = [joined(compounds[name]).alias(name) for name in ("aliases", "targets", "xref")]
    write_table(compounds.with_columns(lists).drop("row"), files["compounds"])
    write_table(cells.drop("row"), files["cells"])

    assert SOURCE.genes(files) == genes
    selected = SOURCE.select(files, ANY)
    assert selected.selection.equals(selection)
    schemas.check(selected.selection, schemas.Selection, "test")
    schemas.check(selected.counts, schemas.Counts, "test")
    schemas.check(selected.exclusions, schemas.Exclusions, "test")
    found = SOURCE.compounds(files)
    assert found.table.drop("row").equals(compounds.drop("row"))
    assert found.table["row"].to_list() == list(range(2, len(compounds) + 2))
    schemas.check(found.exclusions, schemas.Exclusions, "test")
    assert SOURCE.cell_lines(files).drop("row").equals(cells.drop("row"))
    part = selection[1::3]
    values = np.full((len(part), 978), np.nan, np.float32)
    for at, block in SOURCE.profiles(files, part, genes, "level5"):
        assert np.isnan(values[at]).all()
        values[at] = block
    np.testing.assert_allclose(values, deltas[1::3], rtol=1e-6)


# A few signatures with the genes of the miniature release; each test changes one thing.


def own(count=6):
    return pl.DataFrame(
        {
            "signature": [f"s{i}" for i in range(count)],
            "drug": ["d1", "d2"] * (count // 2),
            "cell": ["5637"] * count,
            "dose_um": [10.0] * count,
            "time_h": [24.0] * count,
        }
    )


@pytest.fixture
def files(tmp_path, genes):
    """Return the files of six signatures as a CSV table."""
    paths = {key: tmp_path / f"{key}.csv" for key in ("profiles", "compounds", "cells")}
    deltas = np.arange(6 * 978, dtype=np.float32).reshape(6, 978)
    write_profiles(paths["profiles"], own(), deltas, genes.entrez)
    paths["compounds"].write_text('drug,smiles,targets\nd1,CCO,"B| A |B|"\nd2,,\n')
    paths["cells"].write_text("cell,lineage,cell_type\n5637,bladder,tumor\nMCF7,,\n")
    return paths


def change(path, **columns):
    table = pl.read_csv(path, infer_schema=False)
    table.with_columns(**columns).write_csv(path)


def one_line(caught, *parts):
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def read_profiles(files, genes, selection):
    return list(SOURCE.profiles(files, selection, genes, "level5"))


def test_a_table_with_only_the_required_columns(files, genes, tmp_path):
    write_profiles(
        files["profiles"], own().select("signature", "drug", "cell"), np.zeros((6, 978)), genes.entrez
    )
    files["compounds"].write_text("drug\tsmiles\nd1\tCCO\nd2\tC\n")
    files["cells"].write_text("cell\n5637\n")
    selected = SOURCE.select(files, {**ANY, "dose_um": None, "time_h": None})
    assert selected.selection.row(0, named=True) == {
        "signature": "s0",
        "drug": "d1",
        "cell": "5637",
        "dose_um": None,
        "nearest_dose_um": None,
        "time_h": None,
        "replicates": None,
        "tas": None,
        "replicate_correlation": None,
        "merged": 1,
    }
    assert SOURCE.compounds(files).table.rows() == [
        ("d1", "d1", "CCO", None, [], [], [], 2),
        ("d2", "d2", "C", None, [], [], [], 3),
    ]
    assert SOURCE.cell_lines(files).rows() == [(2, "5637", None, None, None)]


def test_lists_and_descriptions(files):
    compounds = SOURCE.compounds(files).table
    assert compounds["targets"].to_list() == [["A", "B"], []]
    assert compounds["smiles"].to_list() == ["CCO", None]
    assert SOURCE.cell_lines(files)["description"].to_list() == [
        "Cell line 5637. Type: tumor. Lineage: bladder.",
        None,
    ]
    files["cells"].write_text('cell,lineage,description\n5637,bladder,"A line, of mine."\n')
    assert SOURCE.cell_lines(files)["description"].to_list() == ["A line, of mine."]


def test_filters_count_and_unknown_drugs_and_cells_are_listed(files):
    change(
        files["profiles"],
        tas=pl.Series(["0.5", "0.1", "", "0.5", "0.5", "0.5"]),
        is_hiq=pl.Series(["1", "1", "1", "0", "1", "1"]),
        drug=pl.Series(["d1", "d1", "d1", "d1", "d9", "d1"]),
        cell=pl.Series(["5637", "5637", "5637", "5637", "5637", "HELA"]),
    )
    selected = SOURCE.select(files, {"require_qc_pass": False, "minimum_tas": 0.2, "cells": []})
    assert dict(selected.counts.select("reason", "count").rows()) == {
        "read": 6,
        "pert_type is not trt_cp": 0,
        "dose is not 10 uM within 20 %": 0,
        "time is not 24 h": 0,
        "is_hiq is empty": 0,
        "is_hiq is 0": 1,
        "tas is empty": 1,
        "tas is below 0.2": 1,
        "cell line is not in the cell table": 1,
        "compound is not in the compound table": 1,
        "kept": 1,
    }
    assert selected.selection["signature"].to_list() == ["s0"]
    assert selected.exclusions.select("item", "row", "reason").rows() == [
        ("s5", 7, "cell line is not in the cell table"),
        ("s4", 6, "compound is not in the compound table"),
    ]


@pytest.mark.parametrize(
    ("filters", "part"),
    [
        ({}, "is_hiq is empty in every row, so filters.require_hiq cannot be met; set it to false"),
        (
            {**ANY, "minimum_replicate_correlation": 0.2},
            "replicate_correlation is empty in every row, so filters.minimum_replicate_correlation cannot",
        ),
        ({**ANY, "cells": ["HELA"]}, "filters.cells: unknown cell line 'HELA'"),
        ({**ANY, "dose": 3}, "filters: unknown key 'dose'"),
        ({**ANY, "time_h": 6}, "no signature is left: time is not 6 h in the last 6"),
    ],
)
def test_filters_that_cannot_be_met(files, filters, part):
    with pytest.raises(InputError) as caught:
        SOURCE.select(files, filters)
    one_line(caught, part)


def test_a_filter_on_an_absent_dose(files):
    change(files["profiles"], dose_um=pl.lit(None, pl.String))
    with pytest.raises(InputError) as caught:
        SOURCE.select(files, ANY)
    one_line(caught, "dose_um is empty in every row, so filters.dose_um cannot be met; set it to null")


@pytest.mark.parametrize(
    ("column", "values", "part"),
    [
        ("signature", ["s0", "s1", "s1", "s3", "s4", "s5"], "rows 3 and 4: signature 's1' twice"),
        ("signature", ["s0", "", "s2", "s3", "s4", "s5"], "row 3: no signature"),
        ("drug", ["d1", "", "d1", "d1", "d1", "d1"], "signature 's1' has no drug"),
        ("dose_um", ["10", "ten", "10", "10", "10", "10"], "row 3: dose_um is 'ten', not a number"),
        ("tas", ["0.1", "inf", "0", "0", "0", "0"], "row 3: tas is 'inf', not a number"),
        ("replicates", ["3", "2.5", "3", "3", "3", "3"], "row 3: nsample (replicates) is 2.5, not a whole"),
        ("is_hiq", ["1", "yes", "1", "1", "1", "1"], "row 3: is_hiq is 'yes', not 1, 0 or empty"),
    ],
)
def test_bad_signatures_are_one_line(files, column, values, part):
    change(files["profiles"], **{column: pl.Series(values)})
    with pytest.raises(InputError) as caught:
        SOURCE.select(files, ANY)
    one_line(caught, str(files["profiles"]), part)


@pytest.mark.parametrize(
    ("key", "text", "part"),
    [
        ("compounds", "drug,smiles\nd1,C\nd1,CC\n", "rows 2 and 3: drug 'd1' twice"),
        ("compounds", "drug,structure\nd1,C\n", "row 1: no column 'smiles'; found are drug, structure"),
        ("compounds", "drug,smiles\n,C\n", "row 2: no drug"),
        ("cells", "cell\n5637\n5637\n", "rows 2 and 3: cell '5637' twice"),
        ("cells", "name\n5637\n", "row 1: no column 'cell'"),
    ],
)
def test_bad_compounds_and_cells_are_one_line(files, key, text, part):
    files[key].write_text(text)
    with pytest.raises(InputError) as caught:
        {"compounds": SOURCE.compounds, "cells": SOURCE.cell_lines}[key](files)
    one_line(caught, str(files[key]), part)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda d, g: (d[:, :-1], g[:-1]), "lacks 1 of the 978 landmark genes; first 10877"),
        (lambda d, g: (np.where(d == 978 + 5, np.nan, d), g), "signature 's1', gene 9905 (G9905)"),
        (lambda d, g: (np.where(d == 978 + 5, np.inf, d), g), "no finite number"),
        (lambda d, g: (d[:5], g), "5 of 6 selected signatures found"),
    ],
)
def test_bad_profiles_are_one_line(genes, tmp_path, form, change, part):
    deltas, entrez = change(np.arange(6 * 978, dtype=np.float32).reshape(6, 978), genes.entrez)
    path = tmp_path / f"bad.{form}"
    write_profiles(path, own()[: len(deltas)], deltas, entrez)
    with pytest.raises(InputError) as caught:
        read_profiles({"profiles": path}, genes, own())
    one_line(caught, str(path), part)


def test_text_in_a_profile_is_reported(files, genes):
    change(files["profiles"], **{"9907": pl.Series(["1", "x", "1", "1", "1", "1"])})
    with pytest.raises(InputError) as caught:
        read_profiles(files, genes, own())
    one_line(caught, "signature 's1', gene 9907 (G9907): no finite number")


@pytest.mark.parametrize("kind", ["numbers", "column", "sparse"])
def test_variants_of_anndata_files(genes, tmp_path, kind):
    deltas = np.arange(6 * 979, dtype=np.float64).reshape(6, 979)
    entrez = np.array([int(gene) for gene in genes.entrez] + [1], dtype=np.int64)
    var = pd.DataFrame(index=pd.Index(entrez if kind == "sparse" else entrez.astype(str)))
    if kind == "column":
        # As read from a table of genes, one of which has no Entrez id.
        var = pd.DataFrame({"entrez": [*entrez[:-1].astype(float), np.nan]}, index=[f"g{e}" for e in entrez])
    if kind == "sparse":
        var.index = var.index.astype(str)
    obs = own().drop("signature").to_dict(as_series=False)
    obs = pd.DataFrame(obs, index=own()["signature"].to_list())
    obs["cell"] = pd.Categorical(obs["cell"].astype(int)) if kind == "numbers" else obs["cell"]
    X = sp.csr_matrix(deltas) if kind == "sparse" else deltas
    path = tmp_path / "own.h5ad"
    anndata.AnnData(X=X, obs=obs, var=var).write_h5ad(path)
    files = {"profiles": path, "compounds": tmp_path / "drugs.csv", "cells": tmp_path / "cells.csv"}
    files["compounds"].write_text("drug,smiles\nd1,C\nd2,C\n")
    files["cells"].write_text("cell\n5637\n")
    selection = SOURCE.select(files, ANY).selection
    assert selection["signature"].to_list() == own()["signature"].to_list()
    ((rows, block),) = read_profiles(files, genes, selection)
    np.testing.assert_array_equal(block[np.argsort(rows)], deltas[:, :978])


def test_missing_values_in_anndata(files, tmp_path):
    obs = own().drop("signature").to_dict(as_series=False)
    obs = pd.DataFrame(obs, index=own()["signature"].to_list()).assign(
        is_hiq=pd.array([True, None, False, True, True, True], dtype="boolean"),
        tas=[0.5, 0.5, 0.5, -666, 0.5, 0.5],
        drug=["d1", "d1", "d1", "d1", "d1", "-666"],
    )
    path = tmp_path / "own.h5ad"
    anndata.AnnData(X=np.zeros((6, 2)), obs=obs).write_h5ad(path)
    with pytest.raises(InputError) as caught:
        SOURCE.select({**files, "profiles": path}, ANY)
    one_line(caught, "signature 's5' has no drug; give it one")
    anndata.AnnData(X=np.zeros((6, 2)), obs=obs.assign(drug="d1")).write_h5ad(path)
    filters = {"require_qc_pass": False, "minimum_tas": 0.2}
    selected = SOURCE.select({**files, "profiles": path}, filters)
    counts = dict(selected.counts.select("reason", "count").rows())
    assert (counts["is_hiq is empty"], counts["is_hiq is 0"], counts["tas is empty"]) == (1, 1, 1)
    assert selected.selection["signature"].to_list() == ["s0", "s4", "s5"]


@pytest.mark.parametrize("suffix", [".csv", ".h5ad"])
def test_unavailable_numbers_are_null(files, genes, tmp_path, suffix):
    files["profiles"] = tmp_path / f"own{suffix}"
    obs = own().with_columns(tas=pl.Series(["0.5", "NA", "N/A", "n/a", "NULL", "nan"]))
    write_profiles(files["profiles"], obs, np.zeros((6, 978)), genes.entrez)
    assert SOURCE.select(files, ANY).selection["tas"].to_list() == [0.5, *[None] * 5]


def test_anndata_without_a_drug_or_with_a_gene_twice(genes, tmp_path):
    path = tmp_path / "own.h5ad"
    write_profiles(path, own().drop("drug"), np.zeros((6, 978)), genes.entrez)
    with pytest.raises(InputError) as caught:
        SOURCE.select({"profiles": path}, ANY)
    one_line(caught, "obs has no column 'drug'; found are signature, cell")
    var = pl.DataFrame({"gene": [f"g{i}" for i in range(979)], "entrez": [*genes.entrez, "9905"]})
    write_matrix(np.zeros((6, 979)), own(), var, path)
    with pytest.raises(InputError) as caught:
        read_profiles({"profiles": path}, genes, own())
    one_line(caught, "gene 9905 twice; remove one of them")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError) as caught:
        SOURCE.select({"profiles": path}, ANY)
    one_line(caught, str(path), "truncated, damaged or no HDF5 file")


def test_signatures_written_by_this_project_are_read(files, genes, tmp_path):
    selection = SOURCE.select(files, ANY).selection
    path = tmp_path / "signatures.h5ad"
    var = pl.DataFrame({"entrez": genes.entrez, "symbol": genes.symbol})
    write_matrix(np.ones((6, 978)), selection, var, path)
    files["profiles"] = path
    assert SOURCE.select(files, ANY).selection.equals(selection)
    deltas, _, _ = read_matrix(path)
    ((rows, block),) = read_profiles(files, genes, selection)
    np.testing.assert_array_equal(block, deltas[rows])
