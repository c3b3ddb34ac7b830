"""Time a layer of graph attention, forward and backward, with every backend and other libraries; write JSON.

One graph, degree-skewed like PrimeKG and sorted by target, is drawn once. Each contestant reads it in a
separate process, one after another, and maps 128 features to 4 heads of 32 with the same weights.

python benchmarks/attention.py --nodes 129375 --edges 8100498 --json OUT    # minutes, up to 20 GB (torch)
python benchmarks/attention.py --nodes 20000 --edges 500000 --only fused DGL
python benchmarks/attention.py --device cuda --json OUT    # triton, torch and PyG
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HEADS, PER_HEAD, SLOPE = 128, 4, 32, 0.2
FLOAT = 4
DGL, PYG = "DGL GATConv", "PyG GATConv"
# The results of the others are compared with the first.
CONTESTANTS = {"cpu": (DGL, "fused", "dgl", "torch", PYG), "cuda": ("torch", "triton", PYG)}


def draw_edges(nodes: int, edges: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw edges in both directions; with 8.1 M edges the largest of 129,375 nodes has about 18,000."""
    generator = np.random.default_rng(seed)
    share = generator.permutation(np.arange(1, nodes + 1) ** -0.55)
    one, other = (generator.choice(nodes, edges // 2, p=share / share.sum()) for _ in range(2))
    src, dst = np.concatenate([one, other]), np.concatenate([other, one])
    order = np.lexsort((src, dst))
    return src[order], dst[order]


def weights(nodes: int, device: str) -> dict[str, Any]:
    """Return features, the layer's weights and the gradient of its result, the same for every contestant."""
    import torch  # noqa: PLC0415 - after the number of threads is set

    generator = torch.Generator().manual_seed(0)
    drawn = {
        "x": torch.randn(nodes, WIDTH, generator=generator),
        "linear": torch.randn(HEADS * PER_HEAD, WIDTH, generator=generator) / WIDTH**0.5,
        "source": torch.randn(1, HEADS, PER_HEAD, generator=generator) / PER_HEAD**0.5,
        "target": torch.randn(1, HEADS, PER_HEAD, generator=generator) / PER_HEAD**0.5,
        "grad": torch.randn(nodes, HEADS, PER_HEAD, generator=generator),
    }
    return {name: tensor.to(device) for name, tensor in drawn.items()}


def ours(backend: str, src: Any, dst: Any, given: dict[str, Any]) -> tuple[Callable[[], Any], list[Any]]:
    """Return the layer on a backend, and the tensors that get gradients."""
    from torch.nn.functional import linear  # noqa: PLC0415

    from perturbkg.attention import Edges, convolve  # noqa: PLC0415

    nodes = len(given["x"])
    edges = Edges(src, dst, nodes, nodes)
    learned = [given[name].clone().requires_grad_() for name in ("x", "linear", "source", "target")]
    x, matrix, source, target = learned

    def forward() -> Any:
        values = linear(x, matrix).view(nodes, HEADS, PER_HEAD)
        of_source, of_target = (values * source).sum(dim=-1), (values * target).sum(dim=-1)
        return convolve(edges, of_source, of_target, values, slope=SLOPE, backend=backend)

    return forward, learned


def dgl_layer(src: Any, dst: Any, given: dict[str, Any]) -> tuple[Callable[[], Any], list[Any]]:
    """Return DGL's layer, and the tensors that get gradients."""
    import torch  # noqa: PLC0415

    from perturbkg.attention.dgl_ import dgl  # noqa: PLC0415

    nodes = len(given["x"])
    graph = dgl.graph((src, dst), num_nodes=nodes)
    layer = dgl.nn.GATConv(
        WIDTH, PER_HEAD, HEADS, negative_slope=SLOPE, bias=False, allow_zero_in_degree=True
    )
    learned = [given["x"].clone().requires_grad_(), layer.fc.weight, layer.attn_l, layer.attn_r]
    with torch.no_grad():
        for parameter, name in zip(learned[1:], ("linear", "source", "target"), strict=True):
            parameter.copy_(given[name])
    return lambda: layer(graph, learned[0]), learned


def pyg_layer(src: Any, dst: Any, given: dict[str, Any]) -> tuple[Callable[[], Any], list[Any]]:
    """Return PyG's layer, and the tensors that get gradients."""
    import torch  # noqa: PLC0415
    from torch_geometric.nn import GATConv  # noqa: PLC0415

    nodes = len(given["x"])
    ends = torch.stack([src, dst])
    layer = GATConv(WIDTH, PER_HEAD, HEADS, negative_slope=SLOPE, bias=False, add_self_loops=False)
    layer = layer.to(src.device)
    learned = [given["x"].clone().requires_grad_(), layer.lin.weight, layer.att_src, layer.att_dst]
    with torch.no_grad():
        for parameter, name in zip(learned[1:], ("linear", "source", "target"), strict=True):
            parameter.copy_(given[name])
    return lambda: layer(learned[0], ends).view(nodes, HEADS, PER_HEAD), learned


def status(key: str) -> float:
    """Return a line of /proc/self/status in MB."""
    line = next(
        line for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines() if key in line
    )
    return int(line.split()[1]) / 1024


def megabytes(device: str, *, peak: bool) -> float:
    """Return the memory of this process, or of its tensors on a GPU, in MB: current, or the peak."""
    import torch  # noqa: PLC0415

    if device == "cuda":
        return (torch.cuda.max_memory_allocated() if peak else torch.cuda.memory_allocated()) / 2**20
    return status("VmHWM" if peak else "VmRSS")


def clock(device: str) -> float:
    """Return the time in seconds, once the device has finished all work."""
    import torch  # noqa: PLC0415

    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def run(answers: Any, name: str, folder: str, device: str, *, threads: int, repeats: int, limit: int) -> None:
    """Measure one contestant; its result and gradients go to a file."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(threads)
    if device == "cpu":
        # If a contestant does not fit into memory, only it fails.
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    src, dst = (torch.from_numpy(np.load(f"{folder}/{end}.npy")).to(device) for end in ("src", "dst"))
    given = weights(int(np.load(f"{folder}/nodes.npy")), device)
    make = {DGL: dgl_layer, PYG: pyg_layer}.get(name)
    # Imports and compilation at the first call are not counted.
    one, tiny = torch.zeros(1, dtype=torch.int64, device=device), weights(1, device)
    forward, learned = make(one, one, tiny) if make else ours(name, one, one, tiny)
    forward().sum().backward()
    forward, learned = make(src, dst, given) if make else ours(name, src, dst, given)
    before = megabytes(device, peak=False)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    try:
        seconds, busy = [], []
        for _ in range(repeats + 1):
            start, start_busy = clock(device), time.process_time()
            found = forward()
            grads = torch.autograd.grad(found, learned, given["grad"])
            seconds.append(clock(device) - start)
            busy.append(time.process_time() - start_busy)
            if len(seconds) == 1:
                tensors = enumerate([found.detach(), *grads])
                arrays = {str(place): tensor.cpu().numpy() for place, tensor in tensors}
                np.savez(f"{folder}/{name}.npz", **arrays)
            tensors = arrays = found = grads = None  # as after a training step
    except (MemoryError, RuntimeError) as error:
        answers.put({"failed": str(error).splitlines()[0]})
        return
    answers.put(
        {
            "first_seconds": round(seconds[0], 3),
            "seconds": round(statistics.median(seconds[1:]), 3),
            "cpu_seconds": round(statistics.median(busy[1:]), 3),
            "peak_mb_above_inputs": round(megabytes(device, peak=True) - before),
        }
    )


def copy_bandwidth(device: str, threads: int) -> float:
    """Return the bytes per second, read and written, of a large plain copy on the device."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(threads)
    source = torch.ones(2**28, device=device)
    target = torch.empty_like(source)
    fastest = np.inf
    for _ in range(6):
        start = clock(device)
        target.copy_(source)
        fastest = min(fastest, clock(device) - start)
    return 2 * source.numel() * FLOAT / fastest


def bytes_of_fused(nodes: int, edges: int) -> int:
    """Return the bytes that `fused` moves to and from memory if caches help within a row only.

    Each edge: far rows of values and of gradients; its weight five times (written and read forward, read,
    replaced and read backward); node and place in three passes, place in one. Far scores fit a cache.
    Each node: its rows, read or written, and `x`.
    """
    row = HEADS * PER_HEAD * FLOAT
    return edges * (2 * row + 5 * HEADS * FLOAT + 3 * 8 + 4) + nodes * 10 * row


def bytes_of_triton(nodes: int, edges: int) -> int:
    """Return the bytes that `triton` moves to and from memory if caches help only for one number per head.

    Each edge: far rows of values and of gradients; its score's gradient, written and read; node and place in
    two passes, place in one, int32 each. Each node: as of `fused`.
    """
    row = HEADS * PER_HEAD * FLOAT
    return edges * (2 * row + 2 * HEADS * FLOAT + 5 * 4) + nodes * 10 * row


def largest_difference(folder: str, name: str, reference: str) -> float:
    """Return the largest difference from a reference, relative to the largest element of each array."""
    with np.load(f"{folder}/{name}.npz") as found, np.load(f"{folder}/{reference}.npz") as wanted:
        return max(
            float(np.abs(found[key] - wanted[key]).max() / np.abs(wanted[key]).max()) for key in wanted
        )


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--nodes", type=int, default=129_375)
    parser.add_argument("--edges", type=int, default=8_100_498)
    parser.add_argument("--device", choices=list(CONTESTANTS), default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="some of them: DGL PyG fused dgl torch triton")
    parser.add_argument(
        "--memory-gb", type=float, help="most that one may take (default: 0.95 of what is free)"
    )
    parser.add_argument("--json", type=Path, help="a file for the JSON")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    import torch  # noqa: PLC0415

    from perturbkg.io.memory import available_bytes  # noqa: PLC0415

    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch sees no GPU")
    limit = int(options.memory_gb * 1e9) if options.memory_gb else int(0.95 * available_bytes())
    short = {"DGL": DGL, "PyG": PYG}
    reference, *_ = contestants = CONTESTANTS[options.device]
    only = {reference, *(short.get(name, name) for name in options.only or [])}
    wanted = [name for name in contestants if name in only or not options.only]
    context = multiprocessing.get_context("spawn")
    layers: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        src, dst = draw_edges(options.nodes, options.edges, seed=0)
        hub = int(np.bincount(dst).max())
        for name, array in {"src": src, "dst": dst, "nodes": np.array(options.nodes)}.items():
            np.save(f"{folder}/{name}.npy", array)
        del src, dst
        for name in wanted:
            if name == PYG and importlib.util.find_spec("torch_geometric") is None:
                layers[name] = {"skipped": "torch-geometric is not installed"}
                continue
            answers = context.SimpleQueue()
            process = context.Process(
                target=run,
                args=(answers, name, folder, options.device),
                kwargs={"threads": options.threads, "repeats": options.repeats, "limit": limit},
            )
            process.start()
            process.join()
            layers[name] = {"failed": f"ended with {process.exitcode}"} if answers.empty() else answers.get()
            if "seconds" in layers[name] and "seconds" in layers[reference]:
                difference = largest_difference(folder, name, reference)
                layers[name][f"largest_difference_from {reference}"] = float(f"{difference:.2g}")
            print(name, layers[name], flush=True)
        for name, figures in layers.items():
            for peer in (reference, PYG):
                if "seconds" in figures and "seconds" in layers.get(peer, {}) and name != peer:
                    figures[f"of {peer}"] = {
                        key: round(figures[key] / layers[peer][key], 3)
                        for key in ("seconds", "cpu_seconds", "peak_mb_above_inputs")
                    }
        bandwidth = copy_bandwidth(options.device, options.threads)
    backend, count = {"cpu": ("fused", bytes_of_fused), "cuda": ("triton", bytes_of_triton)}[options.device]
    moved = count(options.nodes, options.edges)
    report = {
        "nodes": options.nodes,
        "edges": options.edges // 2 * 2,
        "most_edges_of_a_node": hub,
        "layer": f"{WIDTH} -> {HEADS} heads x {PER_HEAD}, float32, forward and backward",
        "device": options.device,
        "threads": options.threads,
        "repeats": options.repeats,
        "load_average": round(os.getloadavg()[0], 2),
        "copy_gb_per_second": round(bandwidth / 1e9, 1),
        f"{backend}_gb_moved": round(moved / 1e9, 2),
        "seconds_of_those_bytes_at_copy_bandwidth": round(moved / bandwidth, 3),
        "layers": layers,
    }
    text = json.dumps(report, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
