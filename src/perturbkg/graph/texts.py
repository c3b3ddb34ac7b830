"""Tables that describe the nodes of the graph: their file keys in the config, and who publishes them."""

TEXT_FILES = {
    "drug_text": "drug descriptions and structures by name, drug_feature_base.csv of PrimeKG++",
    "disease_text": "disease definitions by name, disease_feature_base.csv of PrimeKG++",
    "protein_sequence": "protein sequences, summaries by symbol, protein_aminoacid_sequence.csv of PrimeKG++",
    "drug_features": "drug descriptions by node index, drug_features of PrimeKG",
    "disease_features": "disease definitions by node index, disease_features of PrimeKG",
}
TEXT_SOURCES = {
    "drug_text": "primekgpp_drug",
    "disease_text": "primekgpp_disease",
    "protein_sequence": "primekgpp_protein",
}
