# One graph of knowledge-graph nodes, L1000 drugs and cell lines, and what is known about each node.
# Needs: kg/, drugs.parquet, cells.parquet, baseline.h5ad. Makes: graph/.


rule impute_targets:
    input:
        drugs=rules.prepare_drugs.output.drugs,
        library=rules.prepare_drugs.output.library,
        nodes=rules.read_knowledge_graph.output.nodes,
        edges=rules.read_knowledge_graph.output.edges,
    output:
        targets=f"{R}/drugs/targets.parquet",
        counts=f"{R}/drugs/target_counts.parquet",
    log:
        f"{LOGS}/impute_targets.log",
    benchmark:
        f"{BENCHMARKS}/impute_targets.tsv"
    conda:
        "../envs/prepare.yaml"
    threads: 1
    resources:
        mem_mb=6000,
        runtime=15,
    params:
        impute=config["graph"]["relations"]["lincs_drug_similar_to_target"],
        code=code("impute_targets"),
    script:
        "../../scripts/impute_targets.py"


rule merge_graph:
    input:
        nodes=rules.read_knowledge_graph.output.nodes,
        edges=rules.read_knowledge_graph.output.edges,
        drugs=rules.prepare_drugs.output.drugs,
        targets=rules.impute_targets.output.targets,
        cells=rules.prepare_cells.output.cells,
        baseline=rules.prepare_cells.output.baseline,
    output:
        graph=f"{R}/graph/graph.npz",
        graph_nodes=f"{R}/graph/nodes.parquet",
        provenance=f"{R}/graph/provenance.parquet",
        counts=f"{R}/graph/counts.parquet",
    log:
        f"{LOGS}/merge_graph.log",
    benchmark:
        f"{BENCHMARKS}/merge_graph.tsv"
    conda:
        "../envs/prepare.yaml"
    threads: 1
    resources:
        mem_mb=6000,
        runtime=15,
    params:
        relations=config["graph"]["relations"],
        expressed_genes=config["graph"]["expressed_genes"],
        code=code("merge_graph"),
    script:
        "../../scripts/merge_graph.py"


rule collect_node_inputs:
    input:
        **raw_inputs(*TEXT_FILES),
        graph_nodes=rules.merge_graph.output.graph_nodes,
        drugs=rules.prepare_drugs.output.drugs,
        cells=rules.prepare_cells.output.cells,
        nodes=rules.read_knowledge_graph.output.nodes,
        descriptions=rules.read_knowledge_graph.output.descriptions,
    output:
        inputs=f"{R}/graph/inputs.parquet",
        counts=f"{R}/graph/inputs_counts.parquet",
    log:
        f"{LOGS}/collect_node_inputs.log",
    benchmark:
        f"{BENCHMARKS}/collect_node_inputs.tsv"
    conda:
        "../envs/prepare.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        files=raw_files(*TEXT_FILES),
        code=code("collect_node_inputs"),
    script:
        "../../scripts/collect_node_inputs.py"
