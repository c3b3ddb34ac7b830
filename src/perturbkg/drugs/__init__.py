"""Drugs: molecules brought to their parents, and found again in the knowledge graph.

standardise.py: SMILES -> parent molecule, InChIKey, scaffold. matching.py: drug -> node of the graph.
similarity.py: how alike two molecules are.
prepare.py: the compounds of a selection -> the tables Drugs and Matches, with what was left out.
"""
