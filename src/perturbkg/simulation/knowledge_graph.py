"""The knowledge graph of the simulated world in the columns of PrimeKG's kg.csv."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from perturbkg.simulation.biology import Genes, Mechanism
from perturbkg.simulation.compounds import Compounds, Known
from perturbkg.simulation.interactions import distinct_pairs, drug_protein, protein_protein, random_sets
from perturbkg.simulation.options import SimulationOptions

GENE, DRUG, DISEASE, PATHWAY, PROCESS = "gene/protein", "drug", "disease", "pathway", "biological_process"
CELL_DISEASES = (
    *("breast carcinoma", "lung carcinoma", "melanoma", "colon adenocarcinoma", "prostate carcinoma"),
    *("hepatocellular carcinoma", "acute myeloid leukemia", "osteosarcoma"),
)
ALIASED_SHARE = 0.02  # genes that the graph calls by another name than the signatures do
DISEASE_GENES, PROCESS_GENES = 15, 25  # genes of a disease and of a process, about


@dataclass(frozen=True)
class KnowledgeGraphFiles:
    """The graph, and what the other raw files say of its nodes."""

    kg: pl.DataFrame  # PrimeKG's twelve columns
    nodes: pl.DataFrame  # index, id, type, name, source; types one after the other
    drugbank: np.ndarray  # (parents,) DrugBank id, "" for a parent that the graph lacks
    drug_name: np.ndarray  # (parents,) name in the graph, "" likewise


def node_id(kind: str, source: str, source_id: str) -> str:
    """Return the id that the reader of the graph gives to a node."""
    return f"{kind}:{source}:{source_id}"


def make_knowledge_graph(
    options: SimulationOptions,
    genes: Genes,
    mechanism: Mechanism,
    *,
    compounds: Compounds,
    known: Known,
    rng: np.random.Generator,
) -> KnowledgeGraphFiles:
    """Draw the distractors and lay out planted and other edges, both directions of each."""
    linked = np.flatnonzero(known.way != "")
    drugs = len(linked) + options.other_drugs
    numbers = rng.choice(np.arange(100, 100_000), drugs, replace=False)
    drugbank, drug_name = np.full((2, len(known.way)), "", dtype=object)
    drugbank[linked] = [f"DB{number:05d}" for number in numbers[: len(linked)]]
    drug_name[linked] = [_drug_name(compounds.name[p], known.way[p], int(p)) for p in linked]
    names = [*drug_name[linked], *(f'(2S,4R)-"simulol" {i + 1}' for i in range(options.other_drugs))]
    nodes = pl.concat(
        [
            _gene_nodes(genes, mechanism, rng),
            _nodes(DRUG, "DrugBank", [f"DB{number:05d}" for number in numbers], names),
            *_set_nodes(options, genes, rng),
        ]
    ).with_row_index("index")

    in_graph = np.flatnonzero(genes.in_graph)
    index = np.full(options.genes, -1)
    index[in_graph] = np.arange(len(in_graph))
    first = dict(nodes.group_by("type").agg(pl.col("index").min().cast(pl.Int64)).iter_rows())
    parts = [("protein_protein", "ppi", *index[protein_protein(mechanism, in_graph, rng)].T)]
    targets = drug_protein([known.in_graph[p] for p in linked], options.other_drugs, mechanism, in_graph, rng)
    parts += [("drug_protein", kind, first[DRUG] + d, index[g]) for kind, (d, g) in targets.items()]
    memberships = (
        (
            "disease_protein",
            "associated with",
            DISEASE,
            random_sets(options.diseases, DISEASE_GENES, in_graph, rng),
        ),
        (
            "bioprocess_protein",
            "interacts with",
            PROCESS,
            random_sets(options.processes, PROCESS_GENES, in_graph, rng),
        ),
        ("pathway_protein", "interacts with", PATHWAY, mechanism.members),
    )
    for relation, display, kind, sets in memberships:
        owner = np.repeat(np.arange(len(sets)), [len(members) for members in sets])
        parts.append((relation, display, first[kind] + owner, index[np.concatenate(sets)]))
    treated = np.unique(rng.integers((drugs, options.diseases), size=(drugs, 2)), axis=0)
    parts.append(("indication", "indication", first[DRUG] + treated[:, 0], first[DISEASE] + treated[:, 1]))
    taken_together = distinct_pairs(rng.integers(drugs, size=(drugs, 2)))
    parts.append(("drug_drug", "synergistic interaction", *(first[DRUG] + taken_together).T))
    return KnowledgeGraphFiles(_rows(parts, nodes), nodes, drugbank, drug_name)


def _gene_nodes(genes: Genes, mechanism: Mechanism, rng: np.random.Generator) -> pl.DataFrame:
    """Return the nodes of the genes in the graph, a few of them under an alias."""
    name = genes.symbol.astype(object)
    # A target keeps its symbol: compoundinfo names targets by symbol alone.
    aliased = rng.random(len(name)) < ALIASED_SHARE
    aliased[mechanism.target] = False
    name[aliased] += "L"
    return _nodes(GENE, "NCBI", genes.entrez[genes.in_graph].astype(str), name[genes.in_graph])


def _set_nodes(options: SimulationOptions, genes: Genes, rng: np.random.Generator) -> list[pl.DataFrame]:
    """Return the nodes of diseases, pathways and processes, with commas and quotes in some names."""
    mondo = [str(number) for number in rng.choice(np.arange(1_000, 30_000), options.diseases, replace=False)]
    # PrimeKG merges similar diseases into one node with a joined id.
    grouped = np.arange(options.diseases) % 10 == 9
    ids = [f"{i}_{int(i) + 1}" if joined else i for i, joined in zip(mondo, grouped, strict=True)]
    sources = np.where(grouped, "MONDO_grouped", "MONDO")
    diseases = [*CELL_DISEASES, *(f"Simulated syndrome, type {i + 1}" for i in range(options.diseases))]
    reactome = rng.choice(np.arange(100_000, 999_999), options.pathways, replace=False)
    pathways = [
        f'"SIM-{i + 1}" cascade, late' if i % 10 == 0 else f"SIM-{i + 1} signaling"
        for i in range(len(reactome))
    ]
    # A GO number may equal an Entrez id: ids mean something only together with their type.
    go = rng.choice(genes.entrez, options.processes, replace=False).astype(str)
    return [
        _nodes(DISEASE, sources, ids, diseases[: options.diseases]),
        _nodes(PATHWAY, "REACTOME", [f"R-HSA-{number}" for number in reactome], pathways),
        _nodes(PROCESS, "GO", go, [f"regulation of process {i + 1}, positive" for i in range(len(go))]),
    ]


def _nodes(
    kind: str, source: str | np.ndarray, ids: list[str] | np.ndarray, names: list[str] | np.ndarray
) -> pl.DataFrame:
    """Return id, type, name, source of nodes of one type."""
    sources = np.broadcast_to(source, len(ids))
    columns = {"id": ids, "type": [kind] * len(ids), "name": names, "source": sources}
    return pl.DataFrame({column: [str(value) for value in values] for column, values in columns.items()})


def _drug_name(name: str, way: str, parent: int) -> str:
    """Return the graph's name of a compound: the compound table's where that is how it is to be found."""
    return name.capitalize().replace("-", " ") if way == "name" else f"Simulatide {parent + 1}"


def _rows(parts: list[tuple[str, str, np.ndarray, np.ndarray]], nodes: pl.DataFrame) -> pl.DataFrame:
    """Return kg.csv: each edge of (relation, display, head indices, tail indices) in both directions."""
    edges = pl.concat(
        pl.DataFrame({"x_index": np.append(head, tail), "y_index": np.append(tail, head)}).select(
            pl.lit(relation).alias("relation"),
            pl.lit(display).alias("display_relation"),
            "x_index",
            "y_index",
        )
        for relation, display, head, tail in parts
    ).with_columns(pl.col("x_index", "y_index").cast(pl.UInt32))
    for end in "xy":
        described = nodes.select(pl.all().name.prefix(f"{end}_"))
        edges = edges.join(described, on=f"{end}_index", maintain_order="left")
    columns = [f"{end}_{what}" for end in "xy" for what in ("index", "id", "type", "name", "source")]
    return edges.select("relation", "display_relation", *columns)
