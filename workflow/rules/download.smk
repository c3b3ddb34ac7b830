# Raw files: downloaded from their publishers, or simulated. Not needed with `source: files`.
# Needs: nothing. Makes: downloads and their receipts, or resources/{dataset}/raw/.


# The receipt is the only output that Snakemake knows about, because it deletes outputs before a job runs again, and
# an edit here must not fetch 34 GB twice. Other datasets and projects may need the receipt meanwhile, so it is
# updated in place. The script handles retries and checksums (catalogue, lock file): Snakemake's `retries` would
# also repeat errors that are permanent, and `ensure` has to know the digest beforehand.
rule download_source:
    output:
        receipt=update(local(DOWNLOAD_RECEIPT)),
    log:
        "logs/downloads/download_source.{source}.log",
    benchmark:
        local(
            f"{config['downloads']['folder']}/benchmarks/download_source.{{source}}.tsv"
        )
    localrule: True  # the nodes of a cluster often cannot reach the internet
    conda:
        "../envs/prepare.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=2880,
    params:
        # What identifies the file, not how it is fetched: other retries or mirrors must not rerun anything.
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
        options=IN_FORCE["simulation"],
        seed=config["seed"],
        code=code("simulate_world"),
    script:
        "../../scripts/simulate_world.py"
