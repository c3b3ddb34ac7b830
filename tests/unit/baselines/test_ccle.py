from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from balance import unbalanced

from perturbkg import plugins
from perturbkg.baselines._join import join_baseline
from perturbkg.errors import InputError
from perturbkg.signatures import Genes

# Numeric order and text order of the ids differ, as in the real table.
ENTREZ = [str(9900 + i) for i in range(978)]
GENES = Genes(ENTREZ, [f"G{entrez}" for entrez in ENTREZ])
SOURCE = plugins.create("baselines", "ccle")


@dataclass
class Release:
    """DepMap's two tables in miniature: models, and genes (symbol, id) -> a value for each model."""

    folder: Path
    expressed: list[str]  # ModelID of each row of the expression table
    names: dict[str, str]  # ModelID -> StrippedCellLineName
    genes: dict[str, np.ndarray] = field(default_factory=dict)
    before: dict[str, list[str]] = field(default_factory=dict)  # columns of the expression before the genes

    def write(self) -> dict[str, Path]:
        """Write both tables; return file key -> path."""
        files = {
            "ccle_expression": self.folder / "OmicsExpressionProteinCodingGenesTPMLogp1.csv",
            "ccle_models": self.folder / "Model.csv",
        }
        # The column of the models has no name in older releases; a column's name may hold a comma.
        table = pl.DataFrame((self.before or {"": self.expressed}) | self.genes)
        table.write_csv(files["ccle_expression"])
        models = pl.DataFrame(
            {
                "ModelID": list(self.names),
                "PatientID": "PT-1",
                "CellLineName": "NCI-H1975, a",
                "StrippedCellLineName": list(self.names.values()),
                "OncotreeLineage": "Lung",
            }
        )
        models.write_csv(files["ccle_models"])
        return files


@pytest.fixture
def release(tmp_path) -> Release:
    names = {"ACH-3": "MCF7", "ACH-1": "A549", "ACH-2": "5637", "ACH-9": "UNSEEN"}
    expressed = ["ACH-1", "ACH-2", "ACH-3"]
    genes = {"TSPAN6 (7105)": np.full(3, 99.0), "A,B (12)": np.full(3, 99.0)}
    # The values of gene j are j + 0, j + 1000 and j + 2000, the columns in reverse.
    genes |= {f"G{gene} ({gene})": 1000.0 * np.arange(3) + j for j, gene in reversed(list(enumerate(ENTREZ)))}
    return Release(tmp_path, expressed, names, genes)


def _counts(table):
    return dict(table.select("reason", "count").rows())


def test_models_are_read_by_name_in_the_order_of_the_file(release):
    measured = SOURCE.read(release.write(), GENES)
    assert measured.cells.rows() == [(2, "A549"), (3, "5637"), (4, "MCF7")]
    np.testing.assert_array_equal(measured.values, 1000.0 * np.arange(3)[:, None] + np.arange(978))
    assert measured.values.dtype == np.float32
    models = measured.counts.filter(what="baselines")
    assert _counts(models) == {"read": 3, "model without a name": 0, "name of several models": 0, "kept": 3}


def test_cell_lines_are_joined_by_name(release):
    cells = ["MCF7", "HCC515", "5637"]
    nothing = dict.fromkeys(("lineage", "disease", "description"), pl.lit(None, pl.String))
    known = pl.DataFrame({"row": [2, 3, 4], "cell": cells}).with_columns(**nothing)
    lines = join_baseline(known, SOURCE.read(release.write(), GENES))
    assert lines.cells["cell"].to_list() == ["5637", "MCF7"]
    np.testing.assert_array_equal(lines.baseline[:, 0], [1000, 2000])
    reasons = lines.exclusions.select("item", "reason").rows()
    assert reasons == [("HCC515", "no baseline"), ("A549", "a baseline, but not in the cell table")]


def test_a_model_without_a_unique_name_is_removed_and_counted(release):
    release.expressed += ["ACH-4", "ACH-5"]
    release.names |= {"ACH-4": "A549", "ACH-9": "MCF7"}  # the last has no expression, so nothing is ambiguous
    release.genes = {gene: np.append(values, [7, 8]) for gene, values in release.genes.items()}
    measured = SOURCE.read(release.write(), GENES)
    assert measured.cells["cell"].to_list() == ["5637", "MCF7"]
    models = measured.counts.filter(what="baselines")
    assert _counts(models) == {"read": 5, "model without a name": 1, "name of several models": 2, "kept": 2}


def test_genes_are_found_by_id_then_by_symbol_and_otherwise_are_constant(release):
    release.genes["RENAMED (9900)"] = release.genes.pop("G9900 (9900)")
    release.genes["G9901 (77)"] = release.genes.pop("G9901 (9901)")
    release.genes["G9902 (9903)"] = release.genes.pop("G9903 (9903)")  # by id the landmark 9903, not 9902
    del release.genes["G9902 (9902)"]
    measured = SOURCE.read(release.write(), GENES)
    np.testing.assert_array_equal(measured.values[0, [0, 1, 3, 4]], [0, 1, 3, 4])
    others = np.delete(measured.values, 2, axis=1)
    np.testing.assert_allclose(measured.values[:, 2], np.full(3, others.mean(dtype=float)), rtol=1e-6)
    assert unbalanced(measured.counts) == []
    genes = measured.counts.filter(what="landmark genes of the baseline")
    assert _counts(genes) == {"read": 978, "not in the release, set to the mean": 1, "kept": 977}


def later(release, **columns):
    """Write the expression as in releases since 25Q2, with a second profile of the first model."""
    release.expressed += ["ACH-1"]
    release.genes = {gene: np.append(values, -7.0) for gene, values in release.genes.items()}
    release.before = {
        "": ["0", "1", "2", "3"],
        "SequencingID": ["CDS-1", "CDS-2", "CDS-3", "CDS-4"],
        "ModelConditionID": ["MC-1", "MC-2", "MC-3", "MC-4"],
        "ModelID": release.expressed,
        "IsDefaultEntryForMC": ["Yes"] * 4,
        **columns,
    }
    return release


@pytest.mark.parametrize("flags", ["Yes Yes Yes No", "True True True False", "1 1 1 0"])
def test_a_later_release_has_more_leading_columns_and_marks_one_profile_per_model(release, flags):
    plain = SOURCE.read(release.write(), GENES)
    measured = SOURCE.read(later(release, IsDefaultEntryForModel=flags.split()).write(), GENES)
    assert measured.cells.equals(plain.cells)
    np.testing.assert_array_equal(measured.values, plain.values)
    assert unbalanced(measured.counts) == []
    models = _counts(measured.counts.filter(what="baselines"))
    assert models["read"] == 4 and models["not the default profile of its model"] == 1


def test_several_profiles_of_a_model_without_a_mark_are_refused(release):
    with pytest.raises(InputError, match=r"rows 2 and 5: ModelID 'ACH-1' twice"):
        SOURCE.read(later(release).write(), GENES)


def test_an_unknown_mark_is_named(release):
    later(release, IsDefaultEntryForModel=["Yes", "Yes", "first", "No"])
    with pytest.raises(InputError, match=r"row 4: IsDefaultEntryForModel is 'first', not Yes or No"):
        SOURCE.read(release.write(), GENES)


def test_models_are_found_by_the_name_of_their_column(release):
    release.before = {"lineage": ["a", "b", "c"], "DepMap_ID": release.expressed}
    assert SOURCE.read(release.write(), GENES).cells["cell"].to_list() == ["A549", "5637", "MCF7"]
    release.before = {"lineage": ["a", "b", "c"], "profile": release.expressed}
    with pytest.raises(InputError, match=r"row 1: no column 'ModelID' .*found are lineage, profile"):
        SOURCE.read(release.write(), GENES)


def test_tables_of_two_releases_are_distinguished(release):
    release.names = {"PR-1": "A549", "PR-2": "MCF7"}
    with pytest.raises(
        InputError, match=r"none of its 3 models \(ACH-1, .*Model.csv \(PR-1, PR-2, "
    ) as caught:
        SOURCE.read(release.write(), GENES)
    assert "\n" not in str(caught.value)


def cell_table(*cells, **columns):
    nothing = dict.fromkeys(("lineage", "disease", "description"), pl.lit(None, pl.String))
    table = pl.DataFrame({"row": range(2, len(cells) + 2), "cell": cells}, schema_overrides={"row": pl.Int64})
    return table.with_columns(**nothing, **{name: pl.Series(values) for name, values in columns.items()})


def test_a_cell_line_is_found_by_its_name_otherwise_by_its_ccle_name(release):
    release.names |= {"ACH-1": "NCIA549", "ACH-3": "HMCF"}
    measured = SOURCE.read(release.write(), GENES)
    known = cell_table(
        "A549",
        "5637",
        "MCF7",
        "HELA",
        ccle_name=["NCIA549_LUNG", "MCF7_BREAST", "[MERGED_TO_ACH-3]HMCF_BREAST", None],
    )
    lines = join_baseline(known, measured)
    assert lines.cells["cell"].to_list() == ["5637", "A549", "MCF7"]
    np.testing.assert_array_equal(lines.baseline[:, 0], [1000, 0, 2000])
    assert unbalanced(lines.counts) == []
    assert _counts(lines.counts.filter(what="cell lines")) == {
        "read": 4,
        "no baseline": 1,
        "kept": 3,
        "of these: found by its own name": 1,
        "of these: found by its CCLE name": 2,
    }
    assert lines.exclusions.select("item", "reason").rows() == [("HELA", "no baseline")]


def test_no_cell_line_with_a_baseline_is_an_error(release):
    with pytest.raises(InputError) as caught:
        join_baseline(cell_table("A-549", "HELA"), SOURCE.read(release.write(), GENES))
    assert "none of the 2 in the cell table (A-549, HELA) is among the 3" in str(caught.value)
    assert "5637, A549, MCF7" in str(caught.value) and "\n" not in str(caught.value)


def test_too_many_absent_genes_are_an_error(release):
    for gene in ENTREZ[:49]:
        del release.genes[f"G{gene} ({gene})"]
    with pytest.raises(InputError, match=r"row 1: no column for 49 of the 978 landmark genes; first 9900"):
        SOURCE.read(release.write(), GENES)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (
            lambda r: r.genes["G9901 (9901)"].__setitem__(1, np.inf),
            "row 3: G9901 (9901) is 'inf', not a number",
        ),
        (lambda r: r.genes.update({"G9901 (9901)": [None, 1.0, 2.0]}), "row 2: model 'ACH-1' has no finite"),
        (
            lambda r: r.genes.update({"G9901 (9901)": ["1", "2", "x"]}),
            "row 4: G9901 (9901) is 'x', not a number",
        ),
        (lambda r: r.expressed.__setitem__(1, "ACH-1"), "rows 2 and 3: ModelID 'ACH-1' twice"),
    ],
)
def test_bad_expression_is_one_line_that_names_the_row(release, change, part):
    change(release)
    files = release.write()
    with pytest.raises(InputError) as caught:
        SOURCE.read(files, GENES)
    assert "\n" not in str(caught.value)
    assert str(files["ccle_expression"]) in str(caught.value) and part in str(caught.value)


def test_an_unknown_model_table_is_named(release):
    files = release.write()
    files["ccle_models"].write_text("DepMap_ID,stripped_cell_line_name\nACH-1,A549\n")
    with pytest.raises(InputError, match=r"Model.csv: row 1: no column 'ModelID'"):
        SOURCE.read(files, GENES)
