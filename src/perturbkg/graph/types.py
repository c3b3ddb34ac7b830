"""Names of the node types and relations that the code itself must know; all others come from the data."""

GENE = "gene/protein"
DRUG = "drug"  # of the knowledge graph
DISEASE = "disease"
LINCS_DRUG = (
    "lincs_drug"  # an L1000 perturbagen: another node than the `drug` of the knowledge graph that it may be
)
CELL_LINE = "cell_line"

# The node types of PrimeKG (Chandak et al. 2023, table 2). A graph may lack some of them.
NODE_TYPES = (
    "anatomy",
    "biological_process",
    "cellular_component",
    DISEASE,
    DRUG,
    "effect/phenotype",
    "exposure",
    GENE,
    "molecular_function",
    "pathway",
)

DRUG_PROTEIN = "drug_protein"  # of the knowledge graph: a drug and a protein that it binds
DRUG_IS_DRUG = "lincs_drug_is_drug"
DRUG_TARGETS_PROTEIN = "lincs_drug_targets_protein"
DRUG_SIMILAR_TO_TARGET = (
    "lincs_drug_similar_to_target"  # a target of molecules of similar structure, weighted
)
CELL_EXPRESSES_PROTEIN = "cell_expresses_protein"
CELL_OF_DISEASE = "cell_of_disease"
ADDED_RELATIONS = (
    DRUG_IS_DRUG,
    DRUG_TARGETS_PROTEIN,
    DRUG_SIMILAR_TO_TARGET,
    CELL_EXPRESSES_PROTEIN,
    CELL_OF_DISEASE,
)


def slug(node_type: str) -> str:
    """Return a node type as written in file names: gene/protein -> gene_protein."""
    return node_type.replace("/", "_")


def node_id(node_type: str, name: str) -> str:
    """Return the node id of an L1000 drug or a cell line: lincs_drug:BRD-K12345678."""
    return f"{node_type}:{name}"
