"""Seconds and memory of graph attention from 0.1 to 10 times PrimeKG's size; write JSON and a picture.

Two things are measured, forward and backward: one layer over the whole graph, and the two layers of
`full_graph_gat` where drugs and cell lines need them. Each size runs in a separate process. The memory that
the model estimates beforehand (`attention/cost.py`) is given beside the memory that it used.

python benchmarks/scaling.py --json OUT.json --picture docs/images/scaling.png    # minutes, up to 12 GB
"""

import argparse
import json
import multiprocessing
import os
import statistics
import time
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import polars as pl

import primekg
from attention import status

FACTORS = (0.1, 1.0, 3.0, 10.0)
WIDTH, HEADS, COLUMNS = 128, 4, 128
WHOLE, NEEDED = "one layer, whole graph", "two layers, where needed"
COLOURS = ("#0072B2", "#D55E00")  # Okabe and Ito's blue and vermillion


def measure(answers: Any, factor: float, what: str, options: argparse.Namespace) -> None:
    """Measure one size."""
    import torch  # noqa: PLC0415 - after the number of threads is set

    from perturbkg.attention.cost import Size, training_bytes  # noqa: PLC0415
    from perturbkg.graph.neighbourhoods import neighbourhood  # noqa: PLC0415
    from perturbkg.training.graph_encoder import GraphEncoder, Part  # noqa: PLC0415

    torch.set_num_threads(options.threads)
    data = primekg.draw(factor, columns=1)
    edges, nodes, relations = len(data.graph.src), data.graph.nodes, 2 * len(data.graph.relations)
    wanted = np.concatenate([data.drug_node, data.cell_node]) if what == NEEDED else np.arange(nodes)
    start = time.perf_counter()
    found = neighbourhood(data.graph, wanted, 2 if what == NEEDED else 1)
    sizes = [Size(layer.sources, layer.targets, len(layer)) for layer in found.layers]
    del data
    # Random numbers, since pages of zeros would not use memory.
    vectors = np.random.default_rng(0).standard_normal((nodes, COLUMNS), np.float32)
    before = status("VmRSS")
    part = Part.of(found, vectors, np.zeros(nodes, int))
    prepared = time.perf_counter() - start
    encoder = GraphEncoder(
        part,
        [COLUMNS],
        relations,
        width=WIDTH,
        heads=HEADS,
        dropout=0.0,
        backend="auto",
        checkpointing=False,
        generator=torch.Generator().manual_seed(0),
    )
    seconds = []
    for _ in range(options.repeats + 1):
        start = time.perf_counter()
        encoder().square().sum().backward()
        encoder.zero_grad()
        seconds.append(time.perf_counter() - start)
    shape = {"columns": COLUMNS, "itemsize": 4, "width": WIDTH, "heads": HEADS, "backend": "fused"}
    answers.put(
        {
            "factor": factor,
            "what": what,
            "graph_edges": edges,
            "edges_computed": sum(size.edges for size in sizes),
            "seconds": round(statistics.median(seconds[1:]), 3),
            "seconds_to_prepare": round(prepared, 2),
            "peak_mb": round(status("VmHWM") - before),
            "estimated_mb": round(training_bytes(sizes, **shape, checkpointing=False) / 2**20),
        }
    )


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw seconds and memory over edges on logarithmic axes: a line of slope one is linear."""
    frame = pl.DataFrame(rows).with_columns(millions=pl.col("graph_edges") / 1e6, gb=pl.col("peak_mb") / 1000)
    of_size = alt.X(
        "millions:Q", title="Directed edges of the graph, millions", scale=alt.Scale(type="log", nice=False)
    )
    colour = alt.Color(
        "what:N", title=None, scale=alt.Scale(range=list(COLOURS)), legend=alt.Legend(orient="top")
    )
    panels = []
    for field, title in (
        ("seconds", "Seconds, forward and backward"),
        ("gb", "Peak memory above its inputs, GB"),
    ):
        base = alt.Chart(frame).encode(
            x=of_size,
            y=alt.Y(f"{field}:Q", title=title, scale=alt.Scale(type="log")),
            color=colour,
            shape=alt.Shape("what:N", legend=None),
        )
        # Through the layer over all of PrimeKG: a cost that is linear in edges.
        point = frame.filter(what=WHOLE).sort((pl.col("factor") - 1).abs()).row(0, named=True)
        sizes = [frame["millions"].min(), frame["millions"].max()]
        slope = pl.DataFrame(
            {"millions": sizes, field: [point[field] * size / point["millions"] for size in sizes]}
        )
        linear = (
            alt.Chart(slope).mark_line(strokeDash=[4, 4], color="#999999").encode(x=of_size, y=f"{field}:Q")
        )
        panels.append(
            (linear + base.mark_line() + base.mark_point(filled=True, size=70)).properties(
                width=330, height=260
            )
        )
    chart = alt.hconcat(*panels).properties(
        title=alt.Title(
            "Graph attention from 0.1 to 10 times PrimeKG (8.1 million directed edges)",
            subtitle="128 wide, 4 heads, float32, two threads of a CPU, one run each; grey: linear in edges",
        )
    )
    chart.save(path, scale_factor=2)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--factors", type=float, nargs="*", default=FACTORS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="a file for the JSON")
    parser.add_argument("--picture", type=Path, help="a file for the picture")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    context = multiprocessing.get_context("spawn")
    rows = []
    for what in (WHOLE, NEEDED):
        for factor in options.factors:
            answers = context.Queue()
            process = context.Process(target=measure, args=(answers, factor, what, options))
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(f"{what} at {factor}: ended with {process.exitcode}; is memory enough?")
            rows.append(answers.get())
            print(json.dumps(rows[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps({"threads": options.threads, "sizes": rows}, indent=2) + "\n")
    if options.picture:
        draw(rows, options.picture)


if __name__ == "__main__":
    main()
