"""The merged graph: built from knowledge graph, drugs and cell lines; kept as arrays sorted by destination."""
