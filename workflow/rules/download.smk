# Raw files: made by the simulated world. (With `source: files` they are on disk already.)
# Needs: nothing. Makes: resources/{dataset}/raw/.


rule simulate_world:
    input:
        code=code("simulate_world"),
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
    script:
        "../../scripts/simulate_world.py"
