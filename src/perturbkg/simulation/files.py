"""What the simulated world is written as: file keys of the config, and the publishers' names of the files."""

FILES = {
    "kg": "kg.csv",
    "gctx": "level5_beta_trt_cp.gctx",
    "siginfo": "siginfo_beta.txt",
    "compoundinfo": "compoundinfo_beta.txt",
    "cellinfo": "cellinfo_beta.txt",
    "geneinfo": "geneinfo_beta.txt",
    "baseline": "cell_baseline_level3.tsv.gz",
    "xref": "drug_xref.tsv",
    "drug_text": "drug_feature_base.csv",
    "disease_text": "disease_feature_base.csv",
    "protein_sequence": "protein_aminoacid_sequence.csv",
}
# The wells are many times what the signatures are, so they are written only for a dataset that reads them.
WELLS = {
    "instinfo": "instinfo_beta.txt",
    "level3_trt": "level3_beta_trt_cp.gctx",
    "level3_ctl": "level3_beta_ctl.gctx",
}
