"""The simulated world: raw tables in the columns of the real sources, profiles, and the planted truth."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from perturbkg.simulation.biology import (
    Genes,
    Mechanism,
    assign_targets,
    make_baseline,
    make_genes,
    make_mechanism,
    target_activity,
)
from perturbkg.simulation.compounds import Compounds, make_compounds, make_known
from perturbkg.simulation.knowledge_graph import GENE, PATHWAY, make_knowledge_graph, node_id
from perturbkg.simulation.options import LANDMARKS, SimulationOptions
from perturbkg.simulation.response import exposure, measure, measure_replicates, respond
from perturbkg.simulation.tables import (
    design_signatures,
    make_cell_names,
    make_cellinfo,
    make_compoundinfo,
    make_geneinfo,
    make_siginfo,
    make_texts,
    make_xref,
)
from perturbkg.simulation.wells import Level3, deviations, distil_ids, lay_out, make_level3

BAD_SIGNAL, BAD_NOISE = 0.3, 2.0  # what a failed quality control does to signal and noise
INFERRED_FROM = 3  # landmark genes that an inferred gene is averaged from


@dataclass(frozen=True)
class World:
    """Raw files in memory. Keys of `tables` are the file keys of the config."""

    tables: dict[str, pl.DataFrame]  # kg, siginfo, compoundinfo, cellinfo, geneinfo, baseline, xref, texts
    profiles: np.ndarray  # (signatures, genes of the GCTX) float32
    profile_signatures: list[str]
    profile_genes: list[str]  # Entrez ids in the order of the GCTX
    truth: dict[str, Any]
    truth_edges: pl.DataFrame  # schemas.TruthEdges
    level3: Callable[[], Level3]  # the wells, made when asked for


def simulate(options: SimulationOptions, rng: np.random.Generator) -> World:
    """Simulate a world. Graph, targets, baselines and design do not depend on `kg_signal`; responses do."""
    seed = rng.bit_generator.seed_seq.entropy  # type: ignore[attr-defined]
    # A stream for each part: what one part draws never shifts another.
    biology, chemistry, graph_stream, plan, responses_stream, replicates, order, level3 = rng.spawn(8)

    genes = make_genes(options, biology)
    mechanism = make_mechanism(options, genes, biology)
    names = make_cell_names(options)
    baseline, factors = make_baseline(len(names), options.genes, biology)

    compounds = make_compounds(options, chemistry)
    affinity = assign_targets(mechanism, compounds.molecules.ring, chemistry)
    known = make_known(compounds, genes, mechanism, affinity, chemistry)
    graph = make_knowledge_graph(
        options, genes, mechanism, compounds=compounds, known=known, rng=graph_stream
    )
    texts = make_texts(graph, compounds, known, genes, graph_stream)

    measured_cells = options.cells + 1  # the last of them lacks a baseline
    activity = target_activity(baseline[:measured_cells], mechanism.target)
    responses = respond(
        options,
        mechanism,
        affinity=affinity,
        activity=activity,
        substituents=compounds.molecules.substituents,
        factors=factors[:measured_cells],
        rng=responses_stream,
    )
    design = design_signatures(options, compounds, names, plan)
    passed = design["qc_pass"].to_numpy()
    parent = compounds.parent[design["compound"].to_numpy()]
    strength = exposure(design["dose"].to_numpy(), design["time"].to_numpy()) * np.where(
        passed, 1, BAD_SIGNAL
    )
    signal = responses.delta[parent, design["cell"].to_numpy()] * strength[:, None].astype(np.float32)
    noise = np.where(passed, options.noise, BAD_NOISE * options.noise).astype(np.float32)
    observed = signal, design["replicates"].to_numpy(), noise
    measured = measure(*observed, replicates)
    sources = biology.integers(LANDMARKS, size=(len(genes.inferred), INFERRED_FROM))
    rows = _genes_of_gctx(genes)
    wells = lay_out(design, names[measured_cells:], without_controls=names[options.cells])

    truth_edges = _truth_edges(
        compounds,
        genes,
        mechanism,
        graph.nodes,
        affinity * responses.path_scale[:, None] * activity[: options.cells].mean(axis=0),
    )

    def make_wells() -> Level3:
        # Both streams from their start: each call makes the same wells, and those that Level 5 averages.
        again, stream = _from_the_start(replicates), _from_the_start(level3)
        z = [each[present] for _, each, present in measure_replicates(*observed, again)]
        apart = deviations(wells, np.concatenate(z), options.noise, stream)
        cell = wells["cell_iname"].replace_strict(names, range(len(names))).to_numpy()
        level = baseline[np.ix_(cell, rows)]
        return make_level3(wells, design, level + _with_inferred(apart, genes, sources), stream)

    return World(
        tables={
            "kg": graph.kg,
            "siginfo": make_siginfo(design, measured, distil_ids(wells), names[:measured_cells], order),
            "compoundinfo": make_compoundinfo(compounds, genes, mechanism, known),
            "cellinfo": make_cellinfo(names),
            "geneinfo": make_geneinfo(genes),
            "baseline": _baseline_table(baseline, genes, names, without=options.cells),
            "xref": make_xref(compounds, known, graph),
            **texts,
        },
        profiles=_with_inferred(measured.z, genes, sources),
        profile_signatures=design["sig_id"].to_list(),
        profile_genes=genes.entrez[rows].astype(str).tolist(),
        truth=_summary(options, seed, truth_edges),
        truth_edges=truth_edges,
        level3=make_wells,
    )


def _from_the_start(rng: np.random.Generator) -> np.random.Generator:
    """Return a generator that draws what `rng` has drawn since it was made."""
    return np.random.default_rng(rng.bit_generator.seed_seq)  # type: ignore[arg-type]


def _genes_of_gctx(genes: Genes) -> np.ndarray:
    """Return the rows of `genes` in a GCTX, in the order of their ids as text, as in the real file."""
    rows = np.concatenate([genes.landmarks, genes.inferred])
    return rows[np.argsort(genes.entrez[rows].astype(str))]


def _with_inferred(z: np.ndarray, genes: Genes, sources: np.ndarray) -> np.ndarray:
    """Add inferred genes to landmark profiles: (profiles, genes of the GCTX); each is a mean of `sources`."""
    inferred = z[:, sources].mean(axis=2) if len(sources) else z[:, :0]
    rows = np.concatenate([genes.landmarks, genes.inferred])
    order = np.argsort(genes.entrez[rows].astype(str))
    return np.concatenate([z, np.round(inferred, 4)], axis=1)[:, order]


def _baseline_table(baseline: np.ndarray, genes: Genes, names: list[str], *, without: int) -> pl.DataFrame:
    """Return cell_iname and a column for each gene of the GCTX, but for one cell line."""
    rows = _genes_of_gctx(genes)
    values = pl.DataFrame(
        np.round(baseline[:, rows].astype(np.float64), 4), schema=genes.entrez[rows].astype(str).tolist()
    )
    table = values.insert_column(0, pl.Series("cell_iname", names))
    return table.filter(pl.int_range(pl.len()) != without)


def _truth_edges(
    compounds: Compounds, genes: Genes, mechanism: Mechanism, nodes: pl.DataFrame, strength: np.ndarray
) -> pl.DataFrame:
    """Return every planted path of usable compounds with signatures; strength is (parents, slots)."""
    gene = np.array([node_id(GENE, "NCBI", str(entrez)) for entrez in genes.entrez], dtype=object)
    pathway = [
        node_id(PATHWAY, *row)
        for row in nodes.filter(pl.col("type") == PATHWAY).select("source", "id").iter_rows()
    ]
    rows = np.flatnonzero(compounds.measured & compounds.usable)
    drug, slot = np.nonzero(strength[compounds.parent[rows]])
    # A member acts by itself, an indirect target through each member that it binds, in equal shares.
    bound = np.where(mechanism.via[:, :1] >= 0, mechanism.via, [-1, -2, -2])
    path, step = np.nonzero(bound[slot] > -2)
    drug, slot, via = drug[path], slot[path], bound[slot[path], step]
    share = 1 / (bound > -2).sum(axis=1)
    path, column = np.nonzero(mechanism.weights[mechanism.slot_pathway[slot]])
    row, slot, via = rows[drug[path]], slot[path], via[path]
    weight = mechanism.weights[mechanism.slot_pathway[slot], column]
    table = pl.DataFrame(
        {
            "drug": [f"lincs_drug:{compounds.pert_id[i]}" for i in row],
            "target": gene[mechanism.target[slot]].tolist(),
            "via": [gene[member] if member >= 0 else None for member in via],
            "pathway": [pathway[mechanism.planted[p]] for p in mechanism.slot_pathway[slot]],
            "gene": gene[genes.landmarks[column]].tolist(),
            "effect": (strength[compounds.parent[row], slot] * share[slot] * weight).astype(np.float64),
        },
        schema={
            **dict.fromkeys(["drug", "target", "via", "pathway", "gene"], pl.String),
            "effect": pl.Float64,
        },
    )
    return table.sort("drug", "target", "via", "gene")


def _summary(options: SimulationOptions, seed: int | None, edges: pl.DataFrame) -> dict[str, Any]:
    """Return truth.json."""
    return {
        "options": asdict(options),
        "seed": seed,
        "kg_signal": options.kg_signal,
        "planted": {
            "paths": edges.height,
            "paths_over_an_interaction": edges["via"].count(),
            **{f"{what}s": edges[what].n_unique() for what in ("drug", "target", "pathway", "gene")},
        },
    }
