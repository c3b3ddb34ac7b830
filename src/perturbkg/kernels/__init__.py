"""Kernels of (drug, cell line) pairs: their products without forming them, and the systems they pose."""
