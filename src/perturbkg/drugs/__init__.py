"""Drugs: the parents of molecules, and how they are found in the knowledge graph.

standardise.py: SMILES -> parent molecule, InChIKey, scaffold. matching.py: drug -> node of the graph.
similarity.py: how similar two molecules are.
prepare.py: the compounds of a selection -> the tables Drugs and Matches, with what was left out.
"""
