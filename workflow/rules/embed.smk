# A vector for every node that has something to encode.
# Needs: graph/inputs.parquet, baseline.h5ad. Makes: receipts of weights, features/{node_type}.{encoder}.safetensors.

NODE_TYPES = {slug(node_type): node_type for node_type in config["encoders"]}


# Like downloads, weights are not an output that Snakemake may delete, and an edit does not fetch them again. The
# receipt is not kept in the folder of the weights, which may be shared and read-only. Other datasets may need it
# meanwhile, so it is updated in place.
rule fetch_weights:
    output:
        receipt=update(WEIGHTS_RECEIPT),
    log:
        "logs/weights/fetch_weights.{encoder}.log",
    benchmark:
        "resources/weights/benchmarks/fetch_weights.{encoder}.tsv"
    wildcard_constraints:
        encoder="|".join(LANGUAGE_MODELS),
    localrule: True  # the nodes of a cluster often cannot reach the internet
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=600,
    params:
        model=lambda wildcards: encoder_option(wildcards.encoder, "model"),
        revision=lambda wildcards: encoder_option(wildcards.encoder, "revision"),
        weights=lambda wildcards: config["encoder_cache"]["weights"],
    script:
        "../../scripts/fetch_weights.py"


rule embed_nodes:
    input:
        unpack(weights_of),
        inputs=rules.collect_node_inputs.output.inputs,
        baseline=rules.prepare_cells.output.baseline,
    output:
        features=f"{R}/features/{{node_type}}.{{encoder}}.safetensors",
        counts=f"{R}/features/{{node_type}}.{{encoder}}.counts.parquet",
    log:
        f"{LOGS}/embed_nodes/{{node_type}}.{{encoder}}.log",
    benchmark:
        f"{BENCHMARKS}/embed_nodes/{{node_type}}.{{encoder}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: config["threads"]["embed"]
    resources:
        mem_mb=lambda wildcards: (
            8000 if wildcards.encoder in LANGUAGE_MODELS else 4000
        ),
        runtime=lambda wildcards: 1440 if wildcards.encoder in LANGUAGE_MODELS else 60,
        # A GPU if the cluster has one; otherwise the job runs on the CPU.
        gpu=lambda wildcards: int(wildcards.encoder in LANGUAGE_MODELS),
    params:
        node_type=lambda wildcards: NODE_TYPES[wildcards.node_type],
        encoder=lambda wildcards: wildcards.encoder,
        options=lambda wildcards: options("encoder", wildcards.encoder),
        threads=config["threads"]["embed"],
        folders=lambda wildcards: model_folders(wildcards.encoder),
        code=lambda wildcards: code("embed_nodes", encoders=wildcards.encoder),
    script:
        "../../scripts/embed_nodes.py"
