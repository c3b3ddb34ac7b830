"""One vocabulary of node types and relations, PrimeKG's, for encoders, merging and ablations.

Other graphs' labels are mapped onto it. A label that no mapping knows keeps its own name, in lower case.
"""

import logging
from collections.abc import Mapping

import polars as pl

from perturbkg.graph.types import DISEASE, DRUG, GENE, NODE_TYPES
from perturbkg.io.tallies import counted

_log = logging.getLogger(__name__)

# The 30 relations of PrimeKG (Chandak et al. 2023, table 3).
RELATIONS = (
    "anatomy_anatomy",
    "anatomy_protein_absent",
    "anatomy_protein_present",
    "bioprocess_bioprocess",
    "bioprocess_protein",
    "cellcomp_cellcomp",
    "cellcomp_protein",
    "contraindication",
    "disease_disease",
    "disease_phenotype_negative",
    "disease_phenotype_positive",
    "disease_protein",
    "drug_drug",
    "drug_effect",
    "drug_protein",
    "exposure_bioprocess",
    "exposure_cellcomp",
    "exposure_disease",
    "exposure_exposure",
    "exposure_molfunc",
    "exposure_protein",
    "indication",
    "molfunc_molfunc",
    "molfunc_protein",
    "off-label use",
    "pathway_pathway",
    "pathway_protein",
    "phenotype_phenotype",
    "phenotype_protein",
    "protein_protein",
)

# Node labels of OptimusKG (silver/nodes/constants.py of mims-harvard/optimuskg).
OPTIMUSKG_TYPES = {
    "ANA": "anatomy",
    "BPO": "biological_process",
    "CCO": "cellular_component",
    "DIS": DISEASE,
    "DRG": DRUG,
    "EXP": "exposure",
    "GEN": GENE,
    "MFN": "molecular_function",
    "PHE": "effect/phenotype",
    "PWY": "pathway",
}
# Its edges, by label and relation; a label alone covers all its relations.
# ASSUME: PrimeKG's relation of a drug to a gene that it binds covers all roles and actions (target, enzyme,
# inhibitor, ...), which stay in the provenance. A relation of PrimeKG joins the same two types in all graphs,
# so that what an ablation deals out stays of one type: a drug's indication for a phenotype, which PrimeKG
# has not, is a relation of its own.
OPTIMUSKG_RELATIONS = {
    "ANA-ANA": "anatomy_anatomy",
    "ANA-GEN EXPRESSION_ABSENT": "anatomy_protein_absent",
    "ANA-GEN EXPRESSION_PRESENT": "anatomy_protein_present",
    "BPO-BPO": "bioprocess_bioprocess",
    "BPO-GEN": "bioprocess_protein",
    "CCO-CCO": "cellcomp_cellcomp",
    "CCO-GEN": "cellcomp_protein",
    "DIS-DIS": "disease_disease",
    "DIS-GEN": "disease_protein",
    "DIS-PHE PHENOTYPE_ABSENT": "disease_phenotype_negative",
    "DIS-PHE PHENOTYPE_PRESENT": "disease_phenotype_positive",
    "DRG-BPO INDICATION": "drug_bioprocess_indication",
    "DRG-DIS CONTRAINDICATION": "contraindication",
    "DRG-DIS INDICATION": "indication",
    "DRG-DIS OFF_LABEL_USE": "off-label use",
    "DRG-DRG PARENT": "drug_drug_parent",
    "DRG-DRG SYNERGISTIC_INTERACTION": "drug_drug",
    "DRG-GEN": "drug_protein",
    "DRG-PHE ADVERSE_DRUG_REACTION": "drug_effect",
    "DRG-PHE ASSOCIATED_WITH": "drug_phenotype",
    "DRG-PHE CONTRAINDICATION": "drug_phenotype_contraindication",
    "DRG-PHE INDICATION": "drug_phenotype_indication",
    "DRG-PHE OFF_LABEL_USE": "drug_phenotype_off-label_use",
    "EXP-BPO": "exposure_bioprocess",
    "EXP-CCO": "exposure_cellcomp",
    "EXP-DIS": "exposure_disease",
    "EXP-EXP": "exposure_exposure",
    "EXP-GEN": "exposure_protein",
    "EXP-MFN": "exposure_molfunc",
    "GEN-GEN": "protein_protein",
    "MFN-GEN": "molfunc_protein",
    "MFN-MFN": "molfunc_molfunc",
    "PHE-GEN": "phenotype_protein",
    "PHE-PHE": "phenotype_phenotype",
    "PWY-GEN": "pathway_protein",
    "PWY-PWY": "pathway_pathway",
}

# What people call these types in graphs of their own.
OWN_TYPES = {
    **{name: name for name in NODE_TYPES},
    "gene": GENE,
    "protein": GENE,
    "compound": DRUG,
    "phenotype": "effect/phenotype",
    "bioprocess": "biological_process",
    "cellcomp": "cellular_component",
    "molfunc": "molecular_function",
}
OWN_RELATIONS = {name: name for name in RELATIONS}


def translated(labels: pl.Series, mapping: Mapping[str, str]) -> pl.Series:
    """Return labels in the vocabulary: by the mapping, else by its first word alone, else in lower case."""
    distinct = labels.unique().drop_nulls()
    names = {label: mapping.get(label, mapping.get(label.split(" ", 1)[0])) for label in distinct}
    return labels.replace_strict(
        {label: name or label.lower() for label, name in names.items()}, default=None
    )


def outside(stage: str, what: str, names: pl.Series, vocabulary: tuple[str, ...]) -> pl.DataFrame:
    """Count and log the names that are not in PrimeKG's vocabulary: `Counts` with a line for each."""
    strange = names.filter(~names.is_in(vocabulary)).value_counts().sort(names.name)
    for name, count in strange.rows():
        _log.warning("%s %r (%d) is not in PrimeKG; it is kept under its own name", what, name, count)
    return counted(
        stage, f"{what} that PrimeKG has not", [(f"kept as {name}", n) for name, n in strange.rows()]
    )
