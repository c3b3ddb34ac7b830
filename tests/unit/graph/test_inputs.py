"""What an encoder may read of each node: which row describes which node, and what is counted."""

import csv
import gzip
import importlib.util
import logging
from pathlib import Path

import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.graph.descriptions import LAYOUTS, read_descriptions
from perturbkg.graph.inputs import collect_inputs
from perturbkg.graph.texts import TEXT_FILES, TEXT_SOURCES

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared/data/primekgpp"
TABLES = {
    "drug_text": "generic_name,smiles,description\nAspirin,,\nAspirin,CC(=O)O,An acid.\naspirin,CCC,Other.\n"
    'Badine,C1CC,"Has a ""bad"", open ring"\n,C,nameless\n',
    "disease_text": "mondo_name,mondo_definition,umls_description\n"
    "Gout,Crystals.,Pain.\nRickets,,Bones.\nYaws,,\n",
    "protein_sequence": "index,protein_name,protein_seq,ncbi_summary\n0,AKT1,MSDVA,A kinase.\n1,Tec,mk,\n",
}
DRUGS = pl.DataFrame(
    {
        "drug": ["BRD-2", "BRD-1"],
        "name": ["aspirin", "two"],
        "smiles": ["CC(=O)Oc1ccccc1C(=O)O", "CC"],
        "parent": ["A", "B"],
        "scaffold": ["", ""],
        "targets": [["AKT1"], []],
        "kg_node": ["drug:DrugBank:DB1", None],
        "match": ["name", None],
    },
    schema_overrides={"targets": pl.List(pl.String)},
)
CELLS = pl.DataFrame(
    {
        "cell": ["MCF7", "A375"],
        "lineage": ["breast", None],
        "disease": [None, None],
        "description": ["breast carcinoma", None],
    },
    schema_overrides={"disease": pl.String},
)
GRAPH_NODES = pl.DataFrame(
    [
        ("cell_line:MCF7", "cell_line", "MCF7"),
        ("cell_line:A375", "cell_line", "A375"),
        ("disease:1", "disease", "Gout"),
        ("disease:2", "disease", "rickets"),
        ("disease:3", "disease", "Yaws"),
        ("disease:4", "disease", "Aspirin"),  # a disease that has the name of a drug is not described by it
        ("drug:1", "drug", "Aspirin"),
        ("drug:2", "drug", "Badine"),
        ("drug:3", "drug", "ASPIRIN"),
        ("gene/protein:1", "gene/protein", "AKT1"),
        ("gene/protein:2", "gene/protein", "TEC"),
        ("gene/protein:3", "gene/protein", ""),
        ("lincs_drug:BRD-2", "lincs_drug", "aspirin"),
        ("lincs_drug:BRD-1", "lincs_drug", "two"),
        ("pathway:1", "pathway", "Glycolysis"),
    ],
    schema=["node", "type", "name"],
    orient="row",
).with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64).over("type"))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    for key, text in TABLES.items():
        (tmp_path / f"{key}.csv").write_text(text)
    return {key: tmp_path / f"{key}.csv" for key in TABLES}


def collect(files: dict[str, Path]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the tables and collect."""
    tables = {key: read_descriptions(key, path) for key, path in files.items()}
    return collect_inputs(GRAPH_NODES, DRUGS, CELLS, tables)


def counts(table: pl.DataFrame, what: str) -> dict[str, int]:
    """Return reason -> count of one subject."""
    return dict(table.filter(what=what).select("reason", "count").iter_rows())


def test_each_table_of_texts_has_a_layout_and_those_by_name_a_source() -> None:
    assert LAYOUTS.keys() == TEXT_FILES.keys()
    assert TEXT_SOURCES.keys() == {key for key, layout in LAYOUTS.items() if not layout.by_index}


def test_every_node_by_hand(files: dict[str, Path]) -> None:
    inputs, _ = collect(files)
    schemas.check(inputs, schemas.NodeInputs, "inputs")
    assert inputs.drop("type").rows() == [
        ("cell_line:MCF7", "breast carcinoma", None, None, 0),
        ("cell_line:A375", None, None, None, 1),
        ("disease:1", "Crystals.", None, None, None),
        ("disease:2", "Bones.", None, None, None),
        ("disease:3", "Yaws", None, None, None),
        ("disease:4", "Aspirin", None, None, None),
        ("drug:1", "An acid.", "CC(=O)O", None, None),
        ("drug:2", 'Has a "bad", open ring', None, None, None),
        ("drug:3", "An acid.", "CC(=O)O", None, None),
        ("gene/protein:1", "A kinase.", None, "MSDVA", None),
        ("gene/protein:2", "TEC", None, "mk", None),
        ("gene/protein:3", None, None, None, None),
        ("lincs_drug:BRD-2", "aspirin", "CC(=O)Oc1ccccc1C(=O)O", None, None),
        ("lincs_drug:BRD-1", "two", "CC", None, None),
        ("pathway:1", "Glycolysis", None, None, None),
    ]


def test_rows_without_name_repeated_names_and_bad_structures_are_counted(
    files: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        _, table = collect(files)
    schemas.check(table, schemas.Counts, "counts")
    assert counts(table, "drug_text") == {
        "read": 5,
        "no name": 1,
        "name mentioned before (fills gaps only)": 1,
        "kept": 3,
    }
    assert counts(table, "drug_text SMILES") == {"RDKit cannot read it": 1}
    assert "drug_text: row 5: Badine: SMILES 'C1CC' cannot be read and is left out" in caplog.text


def test_coverage_is_counted_by_type_and_modality(files: dict[str, Path]) -> None:
    _, table = collect(files)
    assert counts(table, "gene/protein sequence") == {"present": 2, "absent": 1}
    assert counts(table, "gene/protein text") == {"present": 2, "absent": 1}
    assert counts(table, "drug smiles") == {"present": 2, "absent": 1}
    assert counts(table, "cell_line baseline") == {"present": 2, "absent": 0}
    assert counts(table, "pathway smiles") == {}


def test_without_tables_names_structures_and_baselines_remain() -> None:
    inputs, table = collect_inputs(GRAPH_NODES, DRUGS, CELLS, {})
    assert inputs.filter(node="drug:1").row(0) == ("drug:1", "drug", "Aspirin", None, None, None)
    assert inputs["smiles"].count() == 2
    assert inputs["sequence"].count() == 0
    assert "drug_text" not in table["what"]


NODES = pl.DataFrame(
    [
        ("drug:1", "drug", 14012),
        ("drug:2", "drug", 14013),
        ("disease:3", "disease", 27158),
        ("disease:1", "disease", 27159),
        ("drug:3", "drug", None),
    ],
    schema={"node": pl.String, "type": pl.String, "index": pl.Int64},
    orient="row",
)
INDEXED = {
    "drug_features": [
        ("node_index", "description", "mechanism_of_action", "pharmacodynamics", "indication", "state"),
        ("14012", "Not wanted: the other table was first.", "", "", "", "solid"),
        ("14013.0", "", 'Blocks the "5" end', "of\tall.", "", "gas"),
        ("99999", "Unknown.", "", "", "", ""),
        ("", "Nothing.", "", "", "", ""),
    ],
    "disease_features": [
        (
            "node_index",
            "mondo_id",
            "mondo_definition",
            "umls_description",
            "orphanet_definition",
            "mayo_symptoms",
        ),
        ("27158", "5", "", "", "Skin, bones,\njoints.", "Pain."),
        ("27158", "6", "", "Infection.", "", ""),
    ],
}


def indexed(folder: Path, form: str) -> dict[str, Path]:
    """Write PrimeKG's own tables as they were deposited, or as Dataverse converts them."""
    written = {}
    for key, rows in INDEXED.items():
        written[key] = folder / f"{key}.{form}"
        with written[key].open("w", newline="") as file:
            if form == "csv":
                csv.writer(file, lineterminator="\n").writerows(rows)
                continue
            escapes = str.maketrans({"\\": r"\\", '"': r"\"", "\t": r"\t", "\n": r"\n"})
            file.write("\t".join(rows[0]) + "\n")
            for number, *texts in rows[1:]:
                quoted = [f'"{text.translate(escapes)}"' if text else "" for text in texts]
                file.write("\t".join([number, *quoted]) + "\n")
    return written


@pytest.mark.parametrize("form", ["csv", "tab"])
def test_tables_by_index_fill_the_gaps_of_those_by_name(
    files: dict[str, Path], tmp_path: Path, form: str
) -> None:
    del files["disease_text"]
    paths = {**files, **indexed(tmp_path, form)}
    tables = {key: read_descriptions(key, path) for key, path in paths.items()}
    tables["drug_text"] = tables["drug_text"].filter(pl.col("generic_name") != "Badine")
    inputs, tally = collect_inputs(GRAPH_NODES, DRUGS, CELLS, tables, nodes=NODES)
    text = dict(inputs.select("node", "text").iter_rows())
    assert text["drug:1"] == "An acid."
    assert text["drug:2"] == 'Blocks the "5" end'
    assert text["disease:3"] == "Skin, bones,\njoints."  # the first row of two that has any text
    assert text["disease:1"] == "Gout"
    assert counts(tally, "drug_features") == {
        "read": 4,
        "no index": 1,
        "no node of this index in the knowledge graph": 1,
        "index mentioned before (fills gaps only)": 0,
        "kept": 2,
    }
    assert counts(tally, "disease_features")["index mentioned before (fills gaps only)"] == 1


def test_tables_by_index_of_another_release_are_refused(tmp_path: Path) -> None:
    paths = indexed(tmp_path, "tab")
    tables = {key: read_descriptions(key, path) for key, path in paths.items()}
    nodes = NODES.with_columns(index=pl.when(node="drug:1").then(27158).when(type="drug").then("index"))
    message = (
        r"^disease_features: row 2: node_index 27158 is 'drug:1', no disease \(2 such rows\); take table"
    )
    with pytest.raises(InputError, match=message):
        collect_inputs(GRAPH_NODES, DRUGS, CELLS, tables, nodes=nodes)


def test_an_index_that_is_not_a_number_is_named(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text(
        "node_index,description,mechanism_of_action,pharmacodynamics,indication\n5,,,,\n5.5,,,,\n"
    )
    with pytest.raises(InputError, match=r"d\.csv: row 3: node_index is '5\.5', not a whole number"):
        read_descriptions("drug_features", path)


def test_properties_in_the_graph_are_used_last(
    files: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    tables = {key: read_descriptions(key, path) for key, path in files.items()}
    descriptions = pl.DataFrame(
        [
            ("drug:1", "Not wanted.", "CCCC"),
            ("drug:2", None, "CCO"),
            ("disease:3", "A rash.", None),
            ("gene/protein:3", None, "C1C"),
        ],
        schema=["node", "text", "smiles"],
        orient="row",
    )
    with caplog.at_level(logging.WARNING):
        inputs, tally = collect_inputs(GRAPH_NODES, DRUGS, CELLS, tables, descriptions=descriptions)
    found = {node: rest for node, *rest in inputs.select("node", "text", "smiles").iter_rows()}
    assert found["drug:1"] == ["An acid.", "CC(=O)O"]
    assert found["drug:2"] == ['Has a "bad", open ring', "CCO"]
    assert found["disease:3"] == ["A rash.", None]
    assert found["gene/protein:3"] == [None, None]
    assert counts(tally, "descriptions of the knowledge graph") == {"read": 4, "kept": 4}
    assert counts(tally, "descriptions of the knowledge graph SMILES") == {"RDKit cannot read it": 1}
    assert "row 3: gene/protein:3: SMILES 'C1C' cannot be read" in caplog.text


@pytest.mark.parametrize("column", ["generic_name", "smiles", "description"])
def test_a_missing_column_is_one_line(files: dict[str, Path], column: str) -> None:
    path = files["drug_text"]
    path.write_text(TABLES["drug_text"].replace(column, "other", 1))
    with pytest.raises(InputError, match=f"drug_text.csv: row 1: no column '{column}'; found are") as caught:
        read_descriptions("drug_text", path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("absent", "cannot be read .No such file"),
        ("empty", "empty file; fetch it again"),
        ("ragged", "row 2: 5 fields under a header of 3; fix the file"),
        ("truncated", "truncated or damaged .*fetch it again"),
    ],
)
def test_an_unreadable_table_is_one_line(tmp_path: Path, damage: str, message: str) -> None:
    path = tmp_path / "drug_text.csv.gz"
    packed = gzip.compress((TABLES["drug_text"] + "a,b,c\n" * 5000).encode(), mtime=0)
    content = {
        "empty": b"",
        "ragged": b"generic_name,smiles,description\na,b,c,d,e\n",
        "truncated": packed[:60],
    }
    if damage != "absent":
        path.write_bytes(content[damage])
    with pytest.raises(InputError, match=rf"drug_text\.csv\.gz: {message}") as caught:
        read_descriptions("drug_text", path)
    assert "\n" not in str(caught.value)


def test_a_gzipped_table_reads_the_same(files: dict[str, Path], tmp_path: Path) -> None:
    packed = tmp_path / "drug_text.csv.gz"
    packed.write_bytes(gzip.compress(files["drug_text"].read_bytes(), mtime=0))
    plain = read_descriptions("drug_text", files["drug_text"])
    assert read_descriptions("drug_text", packed).equals(plain)


def test_the_script_reads_only_tables_of_descriptions(files: dict[str, Path], tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("script", ROOT / "scripts/collect_node_inputs.py")
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    schemas.write(GRAPH_NODES, schemas.GraphNodes, tmp_path / "nodes.parquet")
    schemas.write(DRUGS, schemas.Drugs, tmp_path / "drugs.parquet")
    schemas.write(CELLS, schemas.Cells, tmp_path / "cells.parquet")
    kg = {name: tmp_path / f"kg_{name}.parquet" for name in ("nodes", "descriptions")}
    known = pl.col("node").str.split(":").list.last()
    schemas.write(
        NODES.select("node", "type", source=pl.lit("S"), source_id=known, name=known, index="index"),
        schemas.Nodes,
        kg["nodes"],
    )
    schemas.write(
        pl.DataFrame(schema=dict.fromkeys(("node", "text", "smiles"), pl.String)),
        schemas.Descriptions,
        kg["descriptions"],
    )
    for name in ("one", "two"):
        script.main(
            graph_nodes=tmp_path / "nodes.parquet",
            drugs=tmp_path / "drugs.parquet",
            cells=tmp_path / "cells.parquet",
            nodes=kg["nodes"],
            descriptions=kg["descriptions"],
            files={**files, "kg": tmp_path / "not-read.csv", "protein_sequence": ""},
            inputs=tmp_path / f"{name}.parquet",
            counts=tmp_path / f"{name}.counts.parquet",
        )
    written = schemas.read(tmp_path / "one.parquet", schemas.NodeInputs)
    assert written["node"].equals(GRAPH_NODES["node"])
    assert written["sequence"].count() == 0
    for name in ("parquet", "counts.parquet"):
        assert (tmp_path / f"one.{name}").read_bytes() == (tmp_path / f"two.{name}").read_bytes()


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not there")
@pytest.mark.parametrize(
    ("key", "file", "rows"),
    [
        ("drug_text", "drug_feature_base", 5952),
        ("disease_text", "disease_feature_base", 6891),
        ("protein_sequence", "protein_aminoacid_sequence", 18820),  # of 18,821: one is empty
    ],
)
def test_real_tables(key: str, file: str, rows: int) -> None:
    assert read_descriptions(key, SHARED / f"{file}.csv").height == rows
