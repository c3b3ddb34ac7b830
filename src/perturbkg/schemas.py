"""One pandera model for each table that rules exchange: column names are defined here and nowhere else."""

import pandera.polars as pa
import polars as pl

from perturbkg.io.checked import Table, check, read, write, writer

__all__ = ["Table", "check", "read", "write", "writer"]  # beside the tables below


class Nodes(Table):
    """kg/nodes.parquet: a node of the knowledge graph."""

    node: str = pa.Field(unique=True)  # "<type>:<source>:<source_id>"
    type: str
    source: str
    source_id: str
    name: str
    index: pl.Int64 = pa.Field(nullable=True)  # the source's own number, e.g. PrimeKG's node_index


class Descriptions(Table):
    """kg/descriptions.parquet: what a knowledge graph itself says of some of its nodes."""

    node: str = pa.Field(unique=True)
    text: str = pa.Field(nullable=True)
    smiles: str = pa.Field(nullable=True)


class Edges(Table):
    """kg/edges.parquet: an undirected edge, stored once."""

    relation: str
    head: str
    tail: str
    provenance: str  # where the edge comes from, e.g. "primekg:target"


class Drugs(Table):
    """drugs.parquet: an L1000 perturbagen with a structure."""

    drug: str = pa.Field(unique=True)
    name: str
    smiles: str  # canonical SMILES of the parent molecule
    parent: str  # first block of the parent's InChIKey
    scaffold: str  # Bemis-Murcko scaffold of the parent; "" for an acyclic parent
    targets: pl.List(pl.String)  # type: ignore[valid-type]  # gene symbols
    kg_node: str = pa.Field(nullable=True)  # node of the knowledge graph that is the same drug
    match: str = pa.Field(nullable=True)  # how it was matched: inchikey, xref, name


class Library(Table):
    """drugs/library.parquet: a molecule whose targets may be known, measured or not; see drugs.library."""

    molecule: str = pa.Field(unique=True)  # a drug of the compound table, or a node of the knowledge graph
    smiles: str  # canonical SMILES of the parent molecule
    parent: str  # first block of the parent's InChIKey
    targets: pl.List(pl.String)  # type: ignore[valid-type]  # gene symbols of the compound table


#: Who says that a drug has a target.
COMPOUND_TABLE, KNOWLEDGE_GRAPH, SAME_MOLECULE, SIMILAR_MOLECULES = TARGET_SOURCES = (
    "compound table",
    "knowledge graph",
    "same molecule",
    "similar molecules",
)


class Targets(Table):
    """drugs/targets.parquet: a target of a drug, for each source that names it, or as similar molecules say.

    Of similar molecules, `molecule` is the nearest with this target.
    """

    drug: str
    target: str = pa.Field(nullable=True)  # node of the gene; null where the graph has none or several
    symbol: str
    match: str  # how the symbol was found: exact, caseless, none, ambiguous; edge: the graph names the gene
    source: str = pa.Field(isin=TARGET_SOURCES)
    molecule: str  # whose target it is in that source
    weight: float = pa.Field(gt=0, le=1)  # 1 for a known target
    similarity: float = pa.Field(gt=0, le=1)  # of drug and molecule: min/max Tanimoto of Morgan counts
    neighbours: pl.Int64 = pa.Field(ge=1)  # molecules that say so


class Cells(Table):
    """cells.parquet: a cell line with a baseline."""

    cell: str = pa.Field(unique=True)
    lineage: str = pa.Field(nullable=True)
    disease: str = pa.Field(nullable=True)
    description: str = pa.Field(nullable=True)


class Selection(Table):
    """selection.parquet: a signature that passed the filters, with its column in the GCTX."""

    signature: str = pa.Field(unique=True)
    drug: str
    cell: str
    dose_um: float = pa.Field(nullable=True)
    nearest_dose_um: float = pa.Field(
        nullable=True
    )  # the canonical dose that dose_um was meant to be, if stated
    time_h: float = pa.Field(nullable=True)
    replicates: pl.Int64 = pa.Field(nullable=True)
    tas: float = pa.Field(nullable=True)
    replicate_correlation: float = pa.Field(nullable=True)
    merged: pl.Int64 = pa.Field(ge=1)  # how many signatures this one was made of


class MergedSignatures(Table):
    """merged.parquet: what each signature was made of that several were merged into."""

    signature: str  # as in signatures.h5ad: the first of its members by id
    member: str = pa.Field(unique=True)
    weight: float = pa.Field(gt=0, le=1)  # the weights of a signature's members add up to 1


class Counts(Table):
    """counts.parquet: what one step of the preparation read, removed and kept."""

    stage: str  # the rule
    what: str  # signatures, drugs, edges...
    reason: str  # why rows were removed; "read" and "kept" for the first and last line
    count: pl.Int64 = pa.Field(ge=0)


class Exclusions(Table):
    """exclusions.parquet: a defective item that was kept out, with its reason."""

    stage: str
    what: str
    item: str
    row: pl.Int64 = pa.Field(nullable=True)  # line in the source file, the header being line 1
    reason: str


class GraphNodes(Table):
    """graph/nodes.parquet: a node of the merged graph; its row in the file is its number in graph.npz."""

    node: str = pa.Field(unique=True)
    type: str
    name: str
    row: pl.Int64 = pa.Field(ge=0)  # row in the feature matrix of its type


class Provenance(Table):
    """graph/provenance.parquet: where the edges of the merged graph come from.

    A row for each relation and source of knowledge-graph edges (head and tail null), and for each added edge.
    """

    relation: str
    head: str = pa.Field(nullable=True)
    tail: str = pa.Field(nullable=True)
    provenance: str
    count: pl.Int64 = pa.Field(ge=0)


class NodeInputs(Table):
    """graph/inputs.parquet: what an encoder may read of each node of the merged graph, null where nothing."""

    node: str = pa.Field(unique=True)
    type: str
    text: str = pa.Field(nullable=True)
    smiles: str = pa.Field(nullable=True)
    sequence: str = pa.Field(nullable=True)
    baseline: pl.Int64 = pa.Field(nullable=True)  # row in baseline.h5ad


class Matches(Table):
    """drugs/matches.parquet: how (and whether) each L1000 drug was found in the knowledge graph."""

    drug: str
    name: str
    kg_node: str = pa.Field(nullable=True)
    kg_name: str = pa.Field(nullable=True)
    match: str  # inchikey, xref, name, or none
    candidates: pl.Int64 = pa.Field(ge=0)  # nodes that had its skeleton, its cross-reference or its name
    reason: str = pa.Field(nullable=True)  # why there is no match


class Fold(Table):
    """splits/{split}/fold{k}.parquet: the part of each signature (left_out: used nowhere)."""

    signature: str = pa.Field(unique=True)
    part: str = pa.Field(isin=["train", "validation", "test", "left_out"])


class TestDrugs(Table):
    """splits/{split}/fold{k}.test_drugs.parquet: how far each test drug is from the training drugs."""

    drug: str = pa.Field(unique=True)
    nearest_drug: str
    similarity: float = pa.Field(ge=0, le=1)  # Tanimoto, Morgan radius 2, 2048 bits
    has_target: bool  # at least one known target in the graph


class History(Table):
    """history.parquet: one epoch of one ensemble member."""

    member: pl.Int64
    epoch: pl.Int64
    loss: float
    validation: float  # mean Pearson over validation signatures


class TruthEdges(Table):
    """truth_edges.parquet: a path that the simulated world planted, by node ids of the merged graph."""

    drug: str
    target: str
    via: str = pa.Field(nullable=True)  # the pathway member that the target binds; null for a member itself
    pathway: str
    gene: str  # landmark gene that responds
    effect: float  # z-score at 10 uM for 24 h, mean over the measured cell lines


class Scores(Table):
    """scores.parquet: a metric's value for one test signature; null with a reason where undefined."""

    dataset: pl.Categorical
    split: pl.Categorical
    fold: pl.Int64
    model: pl.Categorical
    ablation: pl.Categorical
    share: float  # of the training groups
    seed: pl.Int64
    signature: pl.Categorical
    metric: pl.Categorical
    value: float = pa.Field(nullable=True)
    reason: pl.Categorical = pa.Field(nullable=True)


class MetricValues(Table):
    """What `perturbkg score` writes: a metric's value for a signature; null with a reason where undefined."""

    signature: pl.Categorical
    metric: pl.Categorical
    value: float = pa.Field(nullable=True)
    reason: pl.Categorical = pa.Field(nullable=True)


class Runs(Table):
    """runs.parquet: one training run and what it took."""

    dataset: str
    split: str
    fold: pl.Int64
    model: str
    ablation: str
    share: float  # of the training groups
    seed: pl.Int64
    drugs: pl.Int64  # that the model learned from
    seconds_load: float
    seconds_ablate: float
    seconds_fit: float
    seconds_predict: float
    peak_memory_mb: float
    parameters: pl.Int64  # numbers that training fitted
    epochs: pl.Int64
    threads: pl.Int64
    chosen: str  # JSON: what the model chose for itself
    notes: str  # JSON: what the ablation really changed
