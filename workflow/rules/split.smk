# Which signatures train, which validate and which test, saved once and shared by all models.
# Needs: signatures.h5ad, drugs.parquet, graph/. Makes: splits/{split}/.

EVALUATE = {
    **(config["evaluate"] or {}),
    "tolerance": config["filters"]["dose_tolerance"],
}


rule make_split:
    input:
        signatures=rules.read_signatures.output.signatures,
        drugs=rules.prepare_drugs.output.drugs,
    output:
        folds=[
            f"{R}/splits/{{split}}/fold{fold}.parquet"
            for fold in range(config["folds"])
        ],
    log:
        f"{LOGS}/make_split/{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/make_split/{{split}}.tsv"
    conda:
        "../envs/prepare.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        split=lambda wildcards: wildcards.split,
        options=lambda wildcards: options("split", wildcards.split),
        validation=config["validation"],
        evaluate=EVALUATE,
        seed=config["seed"],
        code=lambda wildcards: code("make_split", splits=wildcards.split),
    script:
        "../../scripts/make_split.py"


rule take_share:
    input:
        fold=f"{R}/splits/{{split}}/fold{{fold}}.parquet",
        signatures=rules.read_signatures.output.signatures,
        drugs=rules.prepare_drugs.output.drugs,
    output:
        part=f"{R}/splits/{{split}}/fold{{fold}}/share{{part}}.parquet",
    log:
        f"{LOGS}/take_share/{{split}}/fold{{fold}}/share{{part}}.log",
    benchmark:
        f"{BENCHMARKS}/take_share/{{split}}/fold{{fold}}/share{{part}}.tsv"
    conda:
        "../envs/prepare.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        split=lambda wildcards: wildcards.split,
        options=lambda wildcards: options("split", wildcards.split),
        share=lambda wildcards: float(wildcards.part),
        seed=config["seed"],
        code=lambda wildcards: code("take_share", splits=wildcards.split),
    script:
        "../../scripts/take_share.py"


rule describe_fold:
    input:
        fold=f"{R}/splits/{{split}}/fold{{fold}}.parquet",
        signatures=rules.read_signatures.output.signatures,
        drugs=rules.prepare_drugs.output.drugs,
        cells=rules.prepare_cells.output.cells,
        graph=rules.merge_graph.output.graph,
        graph_nodes=rules.merge_graph.output.graph_nodes,
    output:
        manifest=f"{R}/splits/{{split}}/fold{{fold}}.manifest.json",
        test_drugs=f"{R}/splits/{{split}}/fold{{fold}}.test_drugs.parquet",
        cell_means=f"{R}/splits/{{split}}/fold{{fold}}.cell_means.h5ad",
    log:
        f"{LOGS}/describe_fold/{{split}}/fold{{fold}}.log",
    benchmark:
        f"{BENCHMARKS}/describe_fold/{{split}}/fold{{fold}}.tsv"
    conda:
        "../envs/prepare.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        evaluate=EVALUATE,
        code=code("describe_fold"),
    script:
        "../../scripts/describe_fold.py"
