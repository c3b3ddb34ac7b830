"""The knowledge graph of the simulated world in the columns of PrimeKG's kg.csv."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from perturbkg.simulation.biology import Genes, Mechanism
from perturbkg.simulation.compounds import Compounds, Known
from perturbkg.simulation.options import SimulationOptions

GENE, DRUG, DISEASE, PATHWAY, PROCESS = "gene/protein", "drug", "disease", "pathway", "biological_process"
CELL_DISEASES = (
    *("breast carcinoma", "lung carcinoma", "melanoma", "colon adenocarcinoma", "prostate carcinoma"),
    *("hepatocellular carcinoma", "acute myeloid leukemia", "osteosarcoma"),
)
ALIASED_SHARE = 0.02  # genes that the graph calls by another name than the signatures do
CARRIERS = {"enzyme": 6, "transporter": 4, "carrier": 2}  # genes that bind many drugs and explain nothing
PPI_PER_GENE = 4
PPI_IN_PATHWAY = 0.3  # share of the PPI edges whose ends lie in one pathway
DUPLICATED = 6  # drug_protein edges that stand twice, as 370 rows of PrimeKG do


@dataclass(frozen=True)
class KnowledgeGraphFiles:
    """The graph, and what the other raw files say of its nodes."""

    kg: pl.DataFrame  # PrimeKG's twelve columns
    nodes: pl.DataFrame  # index, id, type, name, source
    drugbank: np.ndarray  # (parents,) DrugBank id, "" for a parent that the graph lacks
    drug_name: np.ndarray  # (parents,) name in the graph, "" likewise


def node_id(kind: str, source: str, source_id: str) -> str:
    """Return the id that the reader of the graph gives to a node."""
    return f"{kind}:{source}:{source_id}"


def make_knowledge_graph(
    options: SimulationOptions,
    genes: Genes,
    mechanism: Mechanism,
    compounds: Compounds,
    known: Known,
    rng: np.random.Generator,
) -> KnowledgeGraphFiles:
    """Draw the distractors and lay out planted and other edges, both directions of each."""
    nodes, offset, gene_index, drugbank, drug_name = _nodes(options, genes, mechanism, compounds, known, rng)
    in_graph = np.flatnonzero(genes.in_graph)
    drugs = _drug_protein(options, mechanism, known, in_graph, rng)
    linked = sum(way != "" for way in known.way)
    any_drug = linked + options.other_drugs
    parts = [
        ("protein_protein", "ppi", *gene_index[_ppi(mechanism, in_graph, options.genes, rng)].T),
        *((("drug_protein", kind, offset[DRUG] + d, gene_index[g])) for kind, (d, g) in drugs.items()),
    ]
    memberships = (
        ("disease_protein", "associated with", DISEASE, _random_sets(options.diseases, 15, in_graph, rng)),
        ("bioprocess_protein", "interacts with", PROCESS, _random_sets(options.processes, 25, in_graph, rng)),
        ("pathway_protein", "interacts with", PATHWAY, mechanism.members),
    )
    for relation, display, kind, sets in memberships:
        owner = np.repeat(np.arange(len(sets)), [len(members) for members in sets])
        parts.append((relation, display, offset[kind] + owner, gene_index[np.concatenate(sets)]))
    indications = _distinct(rng.integers((any_drug, options.diseases), size=(any_drug, 2)))
    parts.append(
        ("indication", "indication", offset[DRUG] + indications[:, 0], offset[DISEASE] + indications[:, 1])
    )
    interactions = np.sort(rng.integers(any_drug, size=(2 * any_drug, 2)), axis=1)
    interactions = _distinct(interactions[interactions[:, 0] < interactions[:, 1]])
    parts.append(("drug_drug", "synergistic interaction", *(offset[DRUG] + interactions).T))
    return KnowledgeGraphFiles(_rows(parts, nodes), nodes, drugbank, drug_name)


def _nodes(
    options: SimulationOptions,
    genes: Genes,
    mechanism: Mechanism,
    compounds: Compounds,
    known: Known,
    rng: np.random.Generator,
) -> tuple[pl.DataFrame, dict[str, int], np.ndarray, np.ndarray, np.ndarray]:
    """Return nodes, first index of each type, index of each gene (-1: none), DrugBank ids, drug names."""
    in_graph = np.flatnonzero(genes.in_graph)
    gene_index = np.full(options.genes, -1)
    gene_index[in_graph] = np.arange(len(in_graph))
    gene_name = genes.symbol.astype(object)
    # A target keeps its symbol: compoundinfo names targets by symbol alone.
    aliased = (rng.random(options.genes) < ALIASED_SHARE) & ~np.isin(
        np.arange(options.genes), mechanism.target
    )
    gene_name[aliased] += "L"

    linked = np.flatnonzero(known.way != "")
    numbers = rng.choice(np.arange(100, 20_000), len(linked) + options.other_drugs, replace=False)
    ids = np.array([f"DB{number:05d}" for number in numbers])
    names = [_drug_name(compounds.name[p], known.way[p], p) for p in linked]
    names += [
        f'(2S,4R)-"{kind}"-simulol {i + 1}' for i, kind in enumerate(["alpha", "beta"] * options.other_drugs)
    ]
    names = names[: len(ids)]
    drugbank, drug_name = np.full((2, len(known.way)), "", dtype=object)
    drugbank[linked], drug_name[linked] = ids[: len(linked)], names[: len(linked)]

    mondo = rng.choice(np.arange(1_000, 30_000), options.diseases, replace=False).astype(str)
    grouped = np.arange(options.diseases) % 10 == 9
    mondo[grouped] = np.array([f"{i}_{int(i) + 1}" for i in mondo[grouped]])
    disease = [*CELL_DISEASES, *(f"Simulated syndrome, type {i + 1}" for i in range(options.diseases))]
    reactome = rng.choice(np.arange(100_000, 999_999), options.pathways, replace=False)
    # A GO number may equal an Entrez id: ids mean something only together with their type.
    go = rng.choice(genes.entrez, options.processes, replace=False)
    parts = [
        (GENE, "NCBI", genes.entrez[in_graph].astype(str), gene_name[in_graph]),
        (DRUG, "DrugBank", ids, names),
        (DISEASE, np.where(grouped, "MONDO_grouped", "MONDO"), mondo, disease[: options.diseases]),
        (PATHWAY, "REACTOME", [f"R-HSA-{i}" for i in reactome], _pathway_names(options.pathways)),
        (PROCESS, "GO", go.astype(str), [f"regulation of process {i + 1}, positive" for i in range(len(go))]),
    ]
    tables, offset, start = [], {}, 0
    for kind, source, source_id, name in parts:
        table = pl.DataFrame({"id": list(source_id), "name": list(name)}).with_columns(
            type=pl.lit(kind), source=pl.Series(np.broadcast_to(source, len(source_id)).astype(str).tolist())
        )
        tables.append(table.select("id", "type", "name", "source"))
        offset[kind] = start
        start += table.height
    return pl.concat(tables).with_row_index("index"), offset, gene_index, drugbank, drug_name


def _drug_name(name: str, way: str, parent: int) -> str:
    """Return the graph's name of a compound: the compound table's where that is how it is to be found."""
    return name.capitalize().replace("-", " ") if way == "name" else f"Simulatide {parent + 1}"


def _pathway_names(n: int) -> list[str]:
    """Return names with the commas and quotes that readers must survive."""
    return [
        f'"SIM-{i + 1}" cascade' if i % 10 == 0 else f"Signaling by SIM-{i + 1}, late phase" for i in range(n)
    ]


def _drug_protein(
    options: SimulationOptions,
    mechanism: Mechanism,
    known: Known,
    in_graph: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return display relation -> (drug number, gene row): targets, and the proteins that carry any drug."""
    linked = np.flatnonzero(known.way != "")
    pairs: dict[str, list[tuple[int, int]]] = {"target": [], **{kind: [] for kind in CARRIERS}}
    pairs["target"] = [(drug, gene) for drug, p in enumerate(linked) for gene in known.in_graph[p]]
    for drug in range(len(linked), len(linked) + options.other_drugs):
        for _ in range(rng.integers(1, 4)):
            pool = mechanism.target if rng.random() < 0.5 else in_graph
            pairs["target"].append((drug, int(rng.choice(pool))))
    bulk = np.setdiff1d(in_graph, mechanism.target)
    carriers = iter(
        np.split(rng.choice(bulk, sum(CARRIERS.values()), replace=False), np.cumsum([*CARRIERS.values()]))
    )
    for kind in CARRIERS:
        pool = next(carriers)
        for drug in range(len(linked) + options.other_drugs):
            pairs[kind] += [(drug, int(gene)) for gene in rng.choice(pool, rng.integers(3), replace=False)]
    # A pair has one display relation at most, and none at all twice, but for the rows doubled on purpose.
    found = {}
    seen: set[tuple[int, int]] = set()
    for kind, of_kind in pairs.items():
        fresh = sorted(set(of_kind) - seen)
        seen |= set(fresh)
        rows = np.array(fresh).reshape(-1, 2)
        found[kind] = (rows[:, 0], rows[:, 1])
    drug, gene = found["target"]
    again = rng.choice(len(drug), min(DUPLICATED, len(drug)), replace=False)
    found["target"] = (np.append(drug, drug[again]), np.append(gene, gene[again]))
    return found


def _ppi(mechanism: Mechanism, in_graph: np.ndarray, genes: int, rng: np.random.Generator) -> np.ndarray:
    """Return distinct interactions (edges, 2) of rows of genes: planted ones, within pathways, and hubs'."""
    indirect = mechanism.via >= 0
    planted = np.stack([mechanism.target[indirect], mechanism.via[indirect]], axis=1)
    edges = PPI_PER_GENE * len(in_graph)
    together = np.array(
        [
            rng.choice(mechanism.members[pathway], 2, replace=False)
            for pathway in rng.integers(len(mechanism.members), size=round(PPI_IN_PATHWAY * edges))
        ]
    )
    hub = rng.lognormal(0.0, 1.0, len(in_graph))
    anywhere = rng.choice(in_graph, (edges - len(together), 2), p=hub / hub.sum())
    drawn = np.concatenate([planted, together, anywhere])
    lonely = np.setdiff1d(in_graph, drawn)
    drawn = np.concatenate([drawn, np.stack([lonely, rng.choice(in_graph, len(lonely))], axis=1)])
    ordered = np.sort(drawn, axis=1)
    return _distinct(ordered[ordered[:, 0] < ordered[:, 1]])


def _random_sets(n: int, size: int, pool: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return n sets of about `size` rows of genes."""
    return [rng.choice(pool, some, replace=False) for some in rng.integers(size // 2, 3 * size // 2, size=n)]


def _distinct(pairs: np.ndarray) -> np.ndarray:
    """Return distinct rows, sorted."""
    return np.unique(pairs, axis=0)


def _rows(parts: list[tuple[str, str, np.ndarray, np.ndarray]], nodes: pl.DataFrame) -> pl.DataFrame:
    """Return kg.csv: each edge of (relation, display, head indices, tail indices) in both directions."""
    edges = pl.concat(
        pl.DataFrame({"x_index": np.append(head, tail), "y_index": np.append(tail, head)}).select(
            relation=pl.lit(relation), display_relation=pl.lit(display), x_index="x_index", y_index="y_index"
        )
        for relation, display, head, tail in parts
    ).with_columns(pl.col("x_index", "y_index").cast(pl.UInt32))
    for end in "xy":
        edges = edges.join(
            nodes.select(pl.all().name.prefix(f"{end}_")), on=f"{end}_index", maintain_order="left"
        )
    columns = [f"{end}_{what}" for end in "xy" for what in ("index", "id", "type", "name", "source")]
    return edges.select("relation", "display_relation", *columns)
