"""The merged graph: built from knowledge graph, drugs and cell lines; kept as sorted arrays."""
