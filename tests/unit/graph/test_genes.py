"""Finding landmark genes by Entrez id, else by symbol, without guessing between two."""

import polars as pl

from perturbkg.graph.genes import find_genes

NODES = pl.DataFrame(
    [
        ("gene/protein:NCBI:207", "gene/protein", "AKT1"),
        ("gene/protein:Ensembl:ENSG1", "gene/protein", "EGFR"),
        ("gene/protein:Ensembl:ENSG2", "gene/protein", "TEC"),
        ("gene/protein:Ensembl:ENSG3", "gene/protein", "TEC"),
        ("gene/protein:Ensembl:10", "gene/protein", "TEN"),  # 10 is not an Entrez id here
        ("gene/protein:Ensembl:ENSG4", "gene/protein", "NAT2"),
        ("drug:NCBI:11", "drug", "DRUG"),
    ],
    schema=["node", "type", "name"],
    orient="row",
)
GENES = {
    ("207", "OLD NAME"): "gene/protein:NCBI:207",
    ("1956", "EGFR"): "gene/protein:Ensembl:ENSG1",
    ("7006", "TEC"): None,  # two nodes of this name
    ("10", "NAT2"): "gene/protein:Ensembl:ENSG4",
    ("11", "DRUG"): None,  # not a gene
    ("999", "AKT1"): None,  # a gene with an NCBI id is found by that id only
}


def test_by_id_then_by_symbol() -> None:
    entrez, symbols = zip(*GENES, strict=True)
    assert find_genes(NODES, entrez, symbols).to_list() == list(GENES.values())


def test_without_symbols_by_id_alone() -> None:
    entrez = [entrez for entrez, _ in GENES]
    assert find_genes(NODES, entrez, None).to_list() == ["gene/protein:NCBI:207", *[None] * 5]


def test_no_genes() -> None:
    assert find_genes(NODES, [], []).to_list() == []
    assert find_genes(NODES.clear(), ["207"], ["AKT1"]).to_list() == [None]
