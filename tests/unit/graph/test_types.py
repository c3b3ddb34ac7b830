"""Names that the merged graph adds."""

from perturbkg.graph.types import ADDED_RELATIONS, LINCS_DRUG, node_id, slug


def test_slug_is_a_file_name() -> None:
    assert slug("gene/protein") == "gene_protein"
    assert slug("effect/phenotype") == "effect_phenotype"
    assert slug("lincs_drug") == "lincs_drug"


def test_node_id() -> None:
    assert node_id(LINCS_DRUG, "BRD-K1") == "lincs_drug:BRD-K1"


def test_added_relations_are_distinct() -> None:
    assert len(set(ADDED_RELATIONS)) == 5
