"""Predict how drugs change gene expression, and find out honestly whether a knowledge graph helps."""

__version__ = "0.1.0"
