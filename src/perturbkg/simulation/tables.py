"""The tables that accompany the profiles, in the columns of LINCS2020 and PrimeKG++."""

import numpy as np
import polars as pl

from perturbkg.simulation.biology import Genes, Mechanism
from perturbkg.simulation.compounds import Compounds, Known
from perturbkg.simulation.knowledge_graph import CELL_DISEASES, DISEASE, DRUG, GENE, KnowledgeGraphFiles
from perturbkg.simulation.options import SimulationOptions
from perturbkg.simulation.response import FULL_DOSE, FULL_TIME, Measured

LINEAGES = (
    "breast",
    "lung",
    "skin",
    "large intestine,colon",
    "prostate",
    "liver",
    "haematopoietic,lymphoid",
    "bone",
)
ONLY_BASELINE = 3  # cell lines with a baseline and no signature
REPEATED = 0.03  # pairs measured a second time
UNKNOWN_CELL = 0.05  # share of the compounds measured in the cell line without a baseline
BAD_QC, SINGLE_REPLICATE, OFF_DOSE = 0.04, 0.02, 0.1
HIQ_CORRELATION = 0.1  # ASSUME a signature is of high quality when its replicates agree this well
AMINO_ACIDS = list("ACDEFGHIKLMNPQRSTVWY")
FILLED = 0.5  # share of the optional cells of the PrimeKG++ tables that are not empty


def make_cell_names(options: SimulationOptions) -> list[str]:
    """Return the measured cell lines, the one that lacks a baseline, then those with a baseline only.

    One name looks like a number, as 5637 does.
    """
    names = [f"SIM{i + 1:02d}" for i in range(options.cells + 1 + ONLY_BASELINE)]
    names[1] = "2371"
    names[options.cells] = "XC.S01"
    return names


def make_cellinfo(names: list[str]) -> pl.DataFrame:
    """Return cellinfo_beta; every third cell line has no public description."""
    described = [i % 3 != 2 and not name.startswith("XC.") for i, name in enumerate(names)]
    kinds = [i % len(LINEAGES) for i in range(len(names))]

    def where_described(values: list[str]) -> list[str | None]:
        return [value if known else None for value, known in zip(values, described, strict=True)]

    return pl.DataFrame(
        {
            "cell_iname": names,
            "cell_type": where_described(["cancer"] * len(names)),
            "growth_pattern": where_described(["adherent"] * len(names)),
            "cell_lineage": where_described([LINEAGES[k] for k in kinds]),
            "primary_disease": where_described([CELL_DISEASES[k] for k in kinds]),
            "subtype": [None] * len(names),
            "cell_alias": [f"{name}-alias" if i % 4 == 0 else None for i, name in enumerate(names)],
        },
        schema_overrides={"subtype": pl.String},
    )


def make_geneinfo(genes: Genes) -> pl.DataFrame:
    """Return geneinfo_beta: every gene of the GCTX."""
    rows = np.concatenate([genes.landmarks, genes.inferred])
    space = ["landmark"] * len(genes.landmarks) + ["inferred"] * len(genes.inferred)
    return (
        pl.DataFrame(
            {"gene_id": genes.entrez[rows], "gene_symbol": genes.symbol[rows], "feature_space": space}
        )
        .with_columns(
            ensembl_id=pl.when(pl.col("gene_id") % 20 != 0).then(
                pl.format("ENSG{}", 90_000_000_000 + pl.col("gene_id"))
            ),
            gene_title=pl.format("simulated gene {}, coding", pl.col("gene_symbol")),
            gene_type=pl.lit("protein-coding"),
            src=pl.lit("NCBI"),
        )
        .sort("gene_symbol")
        .select("gene_id", "gene_symbol", "ensembl_id", "gene_title", "gene_type", "src", "feature_space")
    )


def make_compoundinfo(compounds: Compounds, genes: Genes, mechanism: Mechanism, known: Known) -> pl.DataFrame:
    """Return compoundinfo_beta: one row per target, so a compound's rows are not adjacent."""
    family = {int(gene): int(f) for gene, f in zip(mechanism.target, mechanism.slot_pathway, strict=True)}
    rows = []
    for row, parent in enumerate(compounds.parent):
        for gene in known.in_table[parent] or [None]:
            inhibits = f"Family {family[gene] + 1} inhibitor" if gene in family else None
            rows.append(
                {
                    "pert_id": compounds.pert_id[row],
                    "cmap_name": compounds.name[row],
                    "target": None if gene is None else genes.symbol[gene],
                    "moa": inhibits,
                    "canonical_smiles": compounds.smiles[row],
                    "inchi_key": compounds.inchikey[row],
                    "compound_aliases": f"SIM-{row:05d}" if row % 5 == 0 else None,
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None).sort("target", "pert_id", nulls_last=False)


def design_signatures(
    options: SimulationOptions, compounds: Compounds, cells: list[str], rng: np.random.Generator
) -> pl.DataFrame:
    """Return what is measured: a row per signature with compound and cell numbers, condition and quality."""
    measured = np.flatnonzero(compounds.measured)
    pairs = np.stack(np.meshgrid(measured, np.arange(options.cells), indexing="ij"), -1).reshape(-1, 2)
    pairs = pairs[rng.random(len(pairs)) < options.coverage]
    some = rng.choice(measured, max(1, round(UNKNOWN_CELL * len(measured))), replace=False)
    pairs = np.concatenate([pairs, np.stack([some, np.full_like(some, options.cells)], axis=1)])
    elsewhere = pairs[rng.choice(len(pairs), round(options.other_conditions * len(pairs)), replace=False)]
    again = pairs[rng.choice(len(pairs), round(REPEATED * len(pairs)), replace=False)]
    n = len(pairs) + len(elsewhere) + len(again)
    kind = np.repeat([0, 1, 2], [len(pairs), len(elsewhere), len(again)])
    dose = np.where(rng.random(n) < OFF_DOSE, 9.99, FULL_DOSE)
    time = np.full(n, FULL_TIME)
    conditions = np.array([(3.33, 24.0), (0.37, 24.0), (10.0, 6.0)])
    dose[kind == 1], time[kind == 1] = conditions[rng.integers(len(conditions), size=len(elsewhere))].T
    compound, cell = np.concatenate([pairs, elsewhere, again]).T
    replicates = options.replicates + rng.integers(-1, 2, n)
    replicates[rng.random(n) < SINGLE_REPLICATE] = 1
    table = pl.DataFrame(
        {
            "compound": compound,
            "cell": cell,
            "dose": dose,
            "time": time,
            "plate": np.where(kind == 2, "SIM002", "SIM001"),
            "replicates": replicates,
            "qc_pass": rng.random(n) >= BAD_QC,
            "pert_id": np.array(compounds.pert_id)[compound],
            "cmap_name": np.array(compounds.name)[compound],
            "cell_iname": np.array(cells)[cell],
        }
    )
    return table.with_columns(
        sig_id=pl.format(
            "{}_{}_{}H:{}:{}",
            "plate",
            "cell_iname",
            pl.col("time").cast(pl.Int64),
            "pert_id",
            # 9.99 uM is a pipetted 10 uM, and named so.
            pl.when(pl.col("dose") == 9.99).then(pl.lit("10")).otherwise(_dose_text(pl.col("dose"))),
        )
    ).sort("sig_id")


def make_siginfo(
    design: pl.DataFrame,
    measured: Measured,
    distil_ids: pl.DataFrame,
    cells: list[str],
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Return siginfo_beta in no order: signatures of `design`, and vehicle controls that no GCTX holds.

    `distil_ids` (sig_id, distil_ids) says which wells a signature is made of.
    """
    correlation = pl.Series(measured.correlation).fill_nan(None)
    signatures = design.with_columns(
        pert_type=pl.lit("trt_cp"),
        cc_q75=correlation.round(4),
        ss_ngene=pl.Series(measured.active_genes),
        tas=pl.Series(measured.tas).fill_nan(None).round(4),
    )
    vehicle = pl.DataFrame({"cell_iname": cells}).select(
        sig_id=vehicle_signature(),
        pert_id=pl.lit("DMSO"),
        cmap_name=pl.lit("DMSO"),
        cell_iname="cell_iname",
        pert_type=pl.lit("ctl_vehicle"),
        time=pl.lit(FULL_TIME),
        replicates=pl.lit(16, pl.Int64),
        qc_pass=pl.lit(True),
    )
    both = pl.concat([signatures, vehicle], how="diagonal_relaxed").join(
        distil_ids, on="sig_id", how="left", maintain_order="left"
    )
    hiq = pl.col("qc_pass") & (pl.col("cc_q75") >= HIQ_CORRELATION).fill_null(False)
    return both.select(
        bead_batch=pl.lit("b1"),
        **conditions(),
        nsample="replicates",
        cc_q75="cc_q75",
        ss_ngene="ss_ngene",
        tas="tas",
        is_hiq=hiq.cast(pl.Int64),
        qc_pass=pl.col("qc_pass").cast(pl.Int64),
        pert_id="pert_id",
        sig_id="sig_id",
        pert_type="pert_type",
        cell_iname="cell_iname",
        distil_ids="distil_ids",
        project_code=pl.lit("SIM"),
        cmap_name="cmap_name",
        is_exemplar_sig=pl.lit(0),
        is_ncs_sig=pl.lit(1),
    )[rng.permutation(both.height)]


def conditions() -> dict[str, pl.Expr]:
    """Return the columns of siginfo and instinfo for dose and time, from the columns dose and time."""
    nominal = _dose_text(pl.when(pl.col("dose") == 9.99).then(FULL_DOSE).otherwise(pl.col("dose")))
    return {
        "nearest_dose": nominal.cast(pl.Float64),
        "pert_dose": pl.col("dose"),
        "pert_dose_unit": pl.when(pl.col("dose").is_not_null()).then(pl.lit("uM")),
        "pert_idose": pl.format("{} uM", nominal),
        "pert_itime": pl.format("{} h", pl.col("time").cast(pl.Int64)),
        "pert_time": pl.col("time").cast(pl.Int64),
        "pert_time_unit": pl.lit("h"),
    }


def vehicle_signature() -> pl.Expr:
    """Name the signature of the vehicle in a cell line."""
    return pl.format("SIM001_{}_24H:DMSO:0", "cell_iname")


def make_xref(compounds: Compounds, known: Known, graph: KnowledgeGraphFiles) -> pl.DataFrame:
    """Return drug_xref for the compounds that are to be found by it, their salts included."""
    rows = [
        (pert_id, graph.drugbank[parent])
        for pert_id, parent in zip(compounds.pert_id, compounds.parent, strict=True)
        if known.way[parent] == "xref"
    ]
    return pl.DataFrame(rows, schema={"pert_id": pl.String, "drugbank_id": pl.String}, orient="row").sort(
        "pert_id"
    )


def make_texts(
    graph: KnowledgeGraphFiles, compounds: Compounds, known: Known, genes: Genes, rng: np.random.Generator
) -> dict[str, pl.DataFrame]:
    """Return the three tables of PrimeKG++ for the nodes of the graph; many cells are empty."""
    names = {
        kind: graph.nodes.filter(pl.col("type") == kind)["name"].to_list() for kind in (DRUG, DISEASE, GENE)
    }

    def sometimes(value: str) -> str | None:
        return value if rng.random() < FILLED else None

    smiles = dict.fromkeys(names[DRUG])
    targets: dict[str, list[str]] = {name: [] for name in names[DRUG]}
    for parent, name in enumerate(graph.drug_name):
        if name:
            # The structure is given only where it alone links the two worlds: each way has its own drugs.
            smiles[name] = compounds.molecules.smiles[parent] if known.way[parent] == "inchikey" else None
            targets[name] = [str(genes.symbol[gene]) for gene in known.in_graph[parent]]
    drug = [
        (
            name,
            smiles[name],
            sometimes(f"{name} is a simulated compound. It binds {', '.join(of) or 'nothing known'}."),
        )
        for name, of in targets.items()
    ]
    disease = [
        (
            name,
            sometimes(f"A simulated disease, also called {name.upper()}."),
            sometimes("A disease, described."),
        )
        for name in names[DISEASE]
    ]
    protein = [
        (
            name,
            sometimes("M" + "".join(rng.choice(AMINO_ACIDS, rng.integers(60, 300)))),
            sometimes(f"simulated protein {name}, isoform 1"),
        )
        for name in names[GENE]
    ]
    return {
        "drug_text": _text_table(drug, ["generic_name", "smiles", "description"]),
        "disease_text": _text_table(disease, ["mondo_name", "mondo_definition", "umls_description"]),
        "protein_sequence": _text_table(protein, ["protein_name", "protein_seq", "ncbi_summary"]),
    }


def _text_table(rows: list[tuple[str, str | None, str | None]], columns: list[str]) -> pl.DataFrame:
    """Return a table of strings sorted by its first column."""
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row").sort(columns[0])


def _dose_text(dose: pl.Expr) -> pl.Expr:
    """Write a dose as LINCS does: 10, not 10.0."""
    return dose.cast(pl.String).str.strip_suffix(".0")
