# A vector for every node that has something to encode.
# Needs: graph/inputs.parquet, baseline.h5ad. Makes: features/{node_type}.{encoder}.safetensors.

NODE_TYPES = {slug(node_type): node_type for node_type in config["encoders"]}


rule embed_nodes:
    input:
        inputs=rules.collect_node_inputs.output.inputs,
        baseline=rules.prepare_cells.output.baseline,
        code=lambda wildcards: code("embed_nodes", encoders=wildcards.encoder),
    output:
        features=f"{R}/features/{{node_type}}.{{encoder}}.safetensors",
    log:
        f"{LOGS}/embed_nodes/{{node_type}}.{{encoder}}.log",
    benchmark:
        f"{BENCHMARKS}/embed_nodes/{{node_type}}.{{encoder}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: config["threads"]["embed"]
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        node_type=lambda wildcards: NODE_TYPES[wildcards.node_type],
        encoder=lambda wildcards: wildcards.encoder,
        options=lambda wildcards: options("encoder", wildcards.encoder),
        threads=config["threads"]["embed"],
    script:
        "../../scripts/embed_nodes.py"
