"""Compare the time of an epoch of the graph models at PrimeKG's size with a plain loop; write JSON.

The plain loop runs DGL's GATConv over all nodes and edges for every batch of signatures. `full_graph_gat`
computes what drugs and cell lines depend on (`graph/neighbourhoods.py`), on the fastest backend, per step or
epoch, with as many layers of the same width, a head of the same size and the same batches. `gat` attends over
blocks of a walk and over drugs; its walks and similarities are counted as preparation, and it does not start
from the exact kernel (`skip: false`), which is for fewer signatures. Each runs in a separate process.

python benchmarks/training.py --json OUT                 # about 5 minutes, up to 12 GB
python benchmarks/training.py --factor 0.1 --steps 5
python benchmarks/training.py --drugs 34000 --cells 240 --signatures 500000 --only "epoch"  # LINCS2020
"""

import argparse
import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

import primekg
from attention import status

WIDTH, HEADS, HIDDEN, COLUMNS = 128, 4, 256, 128
PLAIN = "plain"
# Contestant -> model and when it encodes the graph.
OURS = {
    f"{model}, encode_every: {every}": (model, every)
    for model in ("full_graph_gat", "gat")
    for every in ("step", "epoch")
}


def plain(data: Any, train: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Time steps of full-graph GATConv per batch; an epoch has one step per batch."""
    import torch  # noqa: PLC0415 - after the number of threads is set
    from torch import nn  # noqa: PLC0415

    from perturbkg.attention.dgl_ import dgl  # noqa: PLC0415
    from perturbkg.training.loop import LOSSES  # noqa: PLC0415

    graph = dgl.graph(
        (torch.from_numpy(data.graph.src), torch.from_numpy(data.graph.dst)), num_nodes=data.graph.nodes
    )
    x = torch.zeros(data.graph.nodes, COLUMNS)
    for code, name in enumerate(data.graph.types):
        x[torch.from_numpy(data.graph.node_type == code)] = torch.from_numpy(data.features[name].matrix)
    layers = nn.ModuleList(
        dgl.nn.GATConv(WIDTH, WIDTH // HEADS, HEADS, allow_zero_in_degree=True, activation=nn.functional.elu)
        for _ in range(options.layers)
    )
    head = nn.Sequential(nn.Linear(2 * WIDTH, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, primekg.GENES))
    optimiser = torch.optim.AdamW([*layers.parameters(), *head.parameters()])
    drug, cell = (torch.from_numpy(end) for end in (data.drug_node[train.drug], data.cell_node[train.cell]))
    delta = torch.from_numpy(train.delta)
    before, seconds = status("VmRSS"), []
    for rows in torch.randperm(len(train)).split(options.batch)[: options.steps]:
        start = time.perf_counter()
        h = x
        for layer in layers:
            h = layer(graph, h).flatten(1)
        found = head(torch.cat([h[drug[rows]], h[cell[rows]]], dim=1))
        loss = LOSSES["mixed"](found, delta[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seconds.append(time.perf_counter() - start)
    batches = -(-len(train) // options.batch)
    step = float(np.median(seconds[1:]))
    return {
        "seconds_of_a_step": round(step, 3),
        "steps_measured": len(seconds),
        "seconds_of_an_epoch": round(step * batches, 1),
        "epoch_is": f"{batches} times the median step",
        "peak_mb_above_inputs": round(status("VmHWM") - before),
    }


def ours(data: Any, train: Any, options: argparse.Namespace, name: str) -> dict[str, Any]:
    """Time an epoch of the model as it is trained, or this many steps."""
    import torch  # noqa: PLC0415

    from perturbkg import plugins  # noqa: PLC0415
    from perturbkg.training.loop import Recipe, reproducible, train_network  # noqa: PLC0415
    from perturbkg.training.means import cell_means  # noqa: PLC0415

    model_name, encode_every = OURS[name]
    batches = -(-len(train) // options.batch)
    measured = batches if encode_every == "epoch" else min(options.steps, batches)
    some = type(train)(*(part[: measured * options.batch] for part in (train.drug, train.cell, train.delta)))
    shape = {"width": HIDDEN, "batch": options.batch}
    if model_name == "full_graph_gat":
        shape |= {"layers": options.layers, "node_width": WIDTH, "heads": HEADS}
    else:
        shape["skip"] = False
    model = plugins.create("models", model_name, shape)
    start = time.perf_counter()
    if model_name == "full_graph_gat":
        model._again = model._fit_into_memory(data, train)  # as `fit` does
    inputs = model.inputs(data, model.prepare(data, train))
    prepared = time.perf_counter() - start
    before = status("VmRSS")
    ends: list[float] = []
    with reproducible(0):
        generator = torch.Generator().manual_seed(0)
        network = model.network(inputs, primekg.GENES, generator)
        recipe = Recipe(
            3, 3, options.batch, model.learning_rate, model.weight_decay, model.loss, encode_every
        )
        few = type(train)(train.drug[:64], train.cell[:64], train.delta[:64])
        begin = time.perf_counter()
        train_network(
            network,
            some,
            few,
            centre=cell_means(train, len(data.cells)),
            recipe=recipe,
            generator=generator,
            after_epoch=lambda: ends.append(time.perf_counter()),
        )
    epoch = float(np.median(np.diff([begin, *ends])[1:]))  # the first call compiles and sorts the edges
    part = getattr(inputs, "part", None)
    layers = [(edges.sources, edges.targets, len(edges)) for edges, _ in part.layers] if part else None
    return {
        "seconds_of_an_epoch": round(epoch * batches / measured, 1),
        "epoch_is": "measured" if measured == batches else f"{batches / measured:.1f} times {measured} steps",
        "seconds_to_prepare": round(prepared, 1),
        "layers_sources_targets_edges": layers,
        "backend": model.chosen["attention"],
        "peak_mb_above_inputs": round(status("VmHWM") - before),
    }


def run(answers: Any, name: str, options: argparse.Namespace) -> None:
    """Measure one contestant."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(options.threads)
    data = primekg.draw(options.factor, drugs=options.drugs, cells=options.cells, columns=COLUMNS)
    train = primekg.draw_signatures(data, options.signatures)
    if name == PLAIN:
        answers.put(plain(data, train, options))
    else:
        answers.put(ours(data, train, options, name))


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--factor", type=float, default=1.0, help="of PrimeKG's nodes and edges")
    parser.add_argument("--drugs", type=int, default=15_000)
    parser.add_argument("--cells", type=int, default=80)
    parser.add_argument("--signatures", type=int, default=80_000)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4, help="measured if an epoch would take too long")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="all contestants whose name contains this")
    parser.add_argument("--json", type=Path, help="a file for the JSON")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    context = multiprocessing.get_context("spawn")
    found: dict[str, Any] = {}
    contestants = [PLAIN, *OURS]
    for name in (
        [options.only] if options.only in OURS else [name for name in contestants if options.only in name]
    ):
        answers = context.Queue()
        process = context.Process(target=run, args=(answers, name, options))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(
                f"{name}: its process ended with exit code {process.exitcode}; is memory enough?"
            )
        found[name] = answers.get()
        if PLAIN in found:
            share = found[name]["seconds_of_an_epoch"] / found[PLAIN]["seconds_of_an_epoch"]
            found[name]["share_of_plain"] = round(share, 4)
        print(name, json.dumps(found[name]), flush=True)
    given = {key: value for key, value in vars(options).items() if key != "json"}
    text = json.dumps({"options": given, "contestants": found}, indent=2)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
