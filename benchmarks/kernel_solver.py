"""Time the kernel solver up to LINCS2020's size, against Nystrom and scikit-learn's KernelRidge; write JSON.

Each method runs in a process of its own, on functions drawn from a Gaussian process over random pairs, and
predicts pairs held out. Differences are from the exact solution, or the iterative one where exact did not
run.

python benchmarks/kernel_solver.py --signatures 3000 10000 --json OUT    # some minutes, 2 GB
python benchmarks/kernel_solver.py --signatures 80000 --methods iterative_std nystrom_500 nystrom_2000
"""

import argparse
import json
import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

HELD, COLUMNS = 2000, 120
METHODS = ("exact", "exact_std", "iterative", "iterative_std", "nystrom_500", "nystrom_2000", "kernel_ridge")


def make(folder: Path, signatures: int) -> None:
    """Draw a world and keep it in a folder."""
    import numpy as np  # noqa: PLC0415 - after the number of threads is set
    import scipy.sparse as sp  # noqa: PLC0415

    import kernel_world  # noqa: PLC0415

    kernel, pairs, functions = kernel_world.draw(signatures, HELD, COLUMNS)
    for number, term in enumerate(kernel.terms):
        np.save(folder / f"cell{number}.npy", term.cell)
    np.save(folder / "drug0.npy", kernel.terms[0].drug)
    sp.save_npz(folder / "drug1.npz", kernel.terms[1].drug)
    noise = np.random.default_rng(1).standard_normal(functions.shape, dtype=np.float32)
    np.savez(
        folder / "pairs.npz",
        drug=pairs.drug,
        cell=pairs.cell,
        functions=functions,
        targets=functions + np.float32(kernel_world.NOISE**0.5) * noise,
    )


def run(folder: Path, method: str) -> dict[str, Any]:
    """Solve and predict by one method; keep weights and predictions in the folder."""
    import numpy as np  # noqa: PLC0415
    import scipy.sparse as sp  # noqa: PLC0415

    import kernel_world  # noqa: PLC0415
    from perturbkg.data import Pairs  # noqa: PLC0415
    from perturbkg.kernels.pairs import PairKernel, Term  # noqa: PLC0415
    from perturbkg.kernels.solve import solve  # noqa: PLC0415

    drugs = (np.load(folder / "drug0.npy"), sp.csr_array(sp.load_npz(folder / "drug1.npz")))
    kernel = PairKernel(
        tuple(Term(drug, np.load(folder / f"cell{number}.npy")) for number, drug in enumerate(drugs))
    )
    with np.load(folder / "pairs.npz") as file:
        drug, cell, functions, targets = (file[name] for name in ("drug", "cell", "functions", "targets"))
    train, held = Pairs(drug[:-HELD], cell[:-HELD]), Pairs(drug[-HELD:], cell[-HELD:])
    targets, noise = targets[:-HELD], np.full(len(train), kernel_world.NOISE, np.float32)
    report: dict[str, Any] = {}
    start = time.perf_counter()
    if method.startswith("nystrom"):
        predicted = nystrom(kernel, train, held, targets, int(method.split("_")[1]))
    elif method == "kernel_ridge":
        from sklearn.kernel_ridge import KernelRidge  # noqa: PLC0415

        ridge = KernelRidge(alpha=kernel_world.NOISE, kernel="precomputed")
        weights = ridge.fit(kernel.between(train, train), targets).dual_coef_
        predicted = kernel.times(held, train, weights)
    else:
        name, _, with_std = method.partition("_")
        solution = solve(kernel, train, noise, targets, method=name, exact_limit=len(train))
        weights = solution.weights
        predicted = kernel.times(held, train, weights)
        report["products"] = solution.iterations
        if with_std:
            before = time.perf_counter()
            np.save(folder / f"{method}.std.npy", solution.std(kernel, train, held))
            report["seconds_of_std"] = round(time.perf_counter() - before, 1)
    report["seconds"] = round(time.perf_counter() - start, 1)
    report["peak_gb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    if not method.startswith("nystrom"):
        np.save(folder / f"{method}.weights.npy", weights)
    np.save(folder / f"{method}.predicted.npy", predicted)
    correlation = [np.corrcoef(a, b)[0, 1] for a, b in zip(predicted.T, functions[-HELD:].T, strict=True)]
    return report | {"pearson": round(float(np.mean(correlation)), 4)}


def nystrom(kernel: Any, train: Any, held: Any, targets: Any, centres: int) -> Any:
    """Predict by a regression on the kernel with some training pairs, in float64 where it is small."""
    import numpy as np  # noqa: PLC0415
    from scipy.linalg import solve as solve_system  # noqa: PLC0415

    import kernel_world  # noqa: PLC0415
    from perturbkg.data import Pairs  # noqa: PLC0415

    some = np.sort(np.random.default_rng(2).permutation(len(train))[:centres])
    few = Pairs(train.drug[some], train.cell[some])
    design = kernel.between(train, few)
    inner = (design.T @ design).astype(np.float64) + kernel_world.NOISE * kernel.between(few, few)
    inner[np.diag_indices(centres)] += 1e-6 * inner.diagonal().mean()
    weights = solve_system(inner, (design.T @ targets).astype(np.float64), assume_a="pos")
    return kernel.between(held, few) @ weights.astype(np.float32)


def compare(folder: Path, method: str, with_method: str) -> dict[str, float]:
    """Return the relative differences of what two methods left in the folder."""
    import numpy as np  # noqa: PLC0415

    found = {}
    for what in ("weights", "predicted", "std"):
        files = [folder / f"{name}.{what}.npy" for name in (method, with_method)]
        if method != with_method and all(file.exists() for file in files):
            ours, theirs = (np.load(file).astype(np.float64) for file in files)
            difference = np.linalg.norm(ours - theirs, axis=0) / np.linalg.norm(theirs, axis=0)
            found[f"difference_of_{what}"] = float(f"{difference.max():.2g}")
    return found


def in_process(function: Any, *arguments: Any) -> Any:
    """Call a function in a new process, so that its peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--signatures", type=int, nargs="+", default=[3000, 10_000])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="a file for the JSON")
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    report = []
    for signatures in options.signatures:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            in_process(make, folder, signatures)
            for method in options.methods:
                row = {"signatures": signatures, "method": method, "threads": options.threads}
                row |= in_process(run, folder, method)
                reference = next((one for one in METHODS if one in options.methods), "exact")
                row |= compare(folder, method, reference)
                if method == "iterative_std":
                    row |= compare(folder, method, "exact_std")
                report.append(row)
                print(json.dumps(row), flush=True)
                if options.json:
                    options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
