# Raw files read into the tables of perturbkg.schemas; whatever is left out is counted.
# Needs: the raw files. Makes: kg/, drugs.parquet, cells.parquet, baseline.h5ad, signatures.h5ad.

NEEDS = plugins.constant("signatures", config["signatures"], "needs")
LABELS = plugins.constant("signatures", config["signatures"], "labels")
READ_BY = {
    "read_knowledge_graph": plugins.constant(
        "knowledge_graphs", config["knowledge_graph"], "files"
    ),
    "select_signatures": NEEDS["select"],
    "prepare_cells": [
        *NEEDS["genes"],
        *NEEDS["cell_lines"],
        *plugins.constant("baselines", config["baseline"], "files"),
    ],
    "prepare_drugs": [*NEEDS["compounds"], "drug_text"],
    "read_signatures": [*NEEDS["genes"], *LABELS[config["label"]]],
}


rule read_knowledge_graph:
    input:
        **raw_inputs(*READ_BY["read_knowledge_graph"]),
    output:
        nodes=f"{R}/kg/nodes.parquet",
        edges=f"{R}/kg/edges.parquet",
        descriptions=f"{R}/kg/descriptions.parquet",
        counts=f"{R}/kg/counts.parquet",
    log:
        f"{LOGS}/read_knowledge_graph.log",
    benchmark:
        f"{BENCHMARKS}/read_knowledge_graph.tsv"
    conda:
        "../envs/prepare.yaml"
    threads: 2
    resources:
        mem_mb=6000,
        runtime=15,
    params:
        files=raw_files(*READ_BY["read_knowledge_graph"]),
        reader=config["knowledge_graph"],
        code=code("read_knowledge_graph", knowledge_graphs=config["knowledge_graph"]),
    script:
        "../../scripts/read_knowledge_graph.py"


rule select_signatures:
    input:
        **raw_inputs(*READ_BY["select_signatures"]),
    output:
        selection=f"{R}/signatures/selection.parquet",
        counts=f"{R}/signatures/counts.parquet",
        exclusions=f"{R}/signatures/exclusions.parquet",
    log:
        f"{LOGS}/select_signatures.log",
    benchmark:
        f"{BENCHMARKS}/select_signatures.tsv"
    conda:
        "../envs/prepare.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        files=raw_files(*READ_BY["select_signatures"]),
        reader=config["signatures"],
        filters=config["filters"],
        code=code("select_signatures", signatures=config["signatures"]),
    script:
        "../../scripts/select_signatures.py"


rule prepare_cells:
    input:
        **raw_inputs(*READ_BY["prepare_cells"]),
    output:
        cells=f"{R}/cells.parquet",
        baseline=f"{R}/baseline.h5ad",
        counts=f"{R}/cells/counts.parquet",
        exclusions=f"{R}/cells/exclusions.parquet",
    log:
        f"{LOGS}/prepare_cells.log",
    benchmark:
        f"{BENCHMARKS}/prepare_cells.tsv"
    conda:
        "../envs/prepare.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        files=raw_files(*READ_BY["prepare_cells"]),
        reader=config["signatures"],
        baseline_reader=config["baseline"],
        code=code(
            "prepare_cells",
            signatures=config["signatures"],
            baselines=config["baseline"],
        ),
    script:
        "../../scripts/prepare_cells.py"


rule prepare_drugs:
    input:
        **raw_inputs(*READ_BY["prepare_drugs"]),
        selection=rules.select_signatures.output.selection,
        nodes=rules.read_knowledge_graph.output.nodes,
        descriptions=rules.read_knowledge_graph.output.descriptions,
    output:
        drugs=f"{R}/drugs.parquet",
        matches=f"{R}/drugs/matches.parquet",
        library=f"{R}/drugs/library.parquet",
        counts=f"{R}/drugs/counts.parquet",
        exclusions=f"{R}/drugs/exclusions.parquet",
    log:
        f"{LOGS}/prepare_drugs.log",
    benchmark:
        f"{BENCHMARKS}/prepare_drugs.tsv"
    conda:
        "../envs/prepare.yaml"
    threads: config["threads"]["prepare"]
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        files=raw_files(*READ_BY["prepare_drugs"]),
        reader=config["signatures"],
        code=code("prepare_drugs", signatures=config["signatures"]),
    script:
        "../../scripts/prepare_drugs.py"


rule read_signatures:
    input:
        **raw_inputs(*READ_BY["read_signatures"]),
        selection=rules.select_signatures.output.selection,
        drugs=rules.prepare_drugs.output.drugs,
        cells=rules.prepare_cells.output.cells,
    output:
        signatures=f"{R}/signatures.h5ad",
        merged=f"{R}/signatures/merged.parquet",
        counts=f"{R}/signatures/read_counts.parquet",
        exclusions=f"{R}/signatures/read_exclusions.parquet",
    log:
        f"{LOGS}/read_signatures.log",
    benchmark:
        f"{BENCHMARKS}/read_signatures.tsv"
    conda:
        "../envs/prepare.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=120,
    params:
        files=raw_files(*READ_BY["read_signatures"]),
        reader=config["signatures"],
        label=config["label"],
        merge=config["merge_signatures"],
        dose_um=config["filters"]["dose_um"],
        minimum=config["minimum_signatures"],
        code=code("read_signatures", signatures=config["signatures"]),
    script:
        "../../scripts/read_signatures.py"
