# Raw files: fetched from their publishers, or made by the simulated world. (With `source: files` they are there.)
# Needs: nothing. Makes: downloads and their receipts, or resources/{dataset}/raw/.


localrules:
    download_source,  # the nodes of a cluster often have no way out


# The receipt is the only output that Snakemake knows of: it deletes outputs before a job runs again, and
# 34 GB are not fetched twice for an edit here. Other datasets and projects may need the receipt meanwhile, so
# it is updated in its place. Retries and checksums are the script's affair (catalogue, lock file): Snakemake's
# `retries` would repeat what cannot pass, and `ensure` has to know the digest before.
rule download_source:
    output:
        receipt=update(f"{config['downloads']['folder']}/{{source}}.json"),
    log:
        "logs/downloads/download_source.{source}.log",
    benchmark:
        f"{config['downloads']['folder']}/benchmarks/download_source.{{source}}.tsv"
    conda:
        "../envs/prepare.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=2880,
    params:
        # What the file is, not how it is had: other retries or mirrors are no reason to run anything again.
        wanted=lambda wildcards: wanted_of_source(wildcards.source),
    script:
        "../../scripts/download_source.py"


rule simulate_world:
    output:
        **{key: f"resources/{{dataset}}/raw/{name}" for key, name in RAW.items()},
        truth="resources/{dataset}/raw/truth.json",
        truth_edges="resources/{dataset}/raw/truth_edges.parquet",
    log:
        f"{LOGS}/simulate_world.log",
    benchmark:
        f"{BENCHMARKS}/simulate_world.tsv"
    conda:
        "../envs/prepare.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        options=config["simulation"],
        seed=config["seed"],
        code=code("simulate_world"),
    script:
        "../../scripts/simulate_world.py"
