"""Attention over incoming edges: by hand, and every backend against PyG and DGL in value and gradient."""

import copy
import importlib.util
import os
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pyg
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbkg import attention
from perturbkg.attention import Edges, attend, choose, convolve, dot
from perturbkg.errors import InputError

HAS_DGL = importlib.util.find_spec("dgl") is not None  # it has no wheel past Python 3.11
BACKENDS = [*(["dgl"] if HAS_DGL else []), "fused", "torch"]
REFERENCES = [*(["dgl"] if HAS_DGL else []), "pyg"]
RELATIONS = 3


def make(src, dst, sources, targets):
    return Edges(torch.tensor(src, dtype=torch.int64), torch.tensor(dst, dtype=torch.int64), sources, targets)


@pytest.mark.parametrize("backend", BACKENDS)
def test_by_hand(backend):
    """Target 0 weights sources 0 and 1 by 1:3, target 1 has source 1 alone, target 2 has no source."""
    edges = make([0, 1, 1], [0, 0, 1], 2, 3)
    logits = torch.tensor([[0.0], [np.log(3)], [-7.0]], dtype=torch.float32)
    values = torch.tensor([[4.0, 0.0], [0.0, 8.0]])
    wanted = torch.tensor([[1.0, 6.0], [0.0, 8.0], [0.0, 0.0]])
    assert torch.allclose(attend(edges, logits, values, backend)[:, 0], wanted)
    assert torch.allclose(attend(edges, logits, values.unsqueeze(1), backend)[:, 0], wanted)


@pytest.mark.parametrize("backend", BACKENDS)
def test_dot_by_hand(backend):
    edges = make([1, 0], [0, 1], 2, 2)
    keys = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]])
    queries = torch.tensor([[[1.0, 1.0]], [[0.0, 10.0]]])
    assert torch.allclose(dot(edges, keys, queries, backend), torch.tensor([[7.0], [20.0]]))


@pytest.mark.parametrize("kind", [torch.int16, torch.int64])
@pytest.mark.parametrize("backend", BACKENDS)
def test_convolve_by_hand(backend, kind):
    """Target 0 attends to sources 0 and 1; their scores are 1 + 2 = 3 and 2 + 2 - 6 = -2, leaky -1."""
    edges = make([0, 1, 1], [0, 0, 1], 2, 3)
    source, target = torch.tensor([[1.0], [2.0]]), torch.tensor([[2.0], [7.0], [0.0]])
    relation, bias = torch.tensor([1, 0, 1], dtype=kind), torch.tensor([[-6.0], [0.0]])
    values = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    found = convolve(edges, source, target, values, relation=relation, bias=bias, slope=0.5, backend=backend)
    share = 1 / (1 + np.exp(-4.0))
    wanted = torch.tensor([[share, 1 - share], [0.0, 1.0], [0.0, 0.0]], dtype=torch.float32)
    assert torch.allclose(found[:, 0], wanted)
    found = convolve(edges, source, target, values, slope=0.5, backend=backend)
    share = 1 / (1 + np.exp(1.0))  # scores 3 and 4
    assert found[0, 0, 0].item() == pytest.approx(share)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_block_without_edges_gives_zeros(backend):
    edges = make([], [], 2, 3)
    assert dot(edges, torch.ones(2, 4, 5), torch.ones(3, 4, 5), backend).shape == (0, 4)
    empty = convolve(edges, torch.ones(2, 4), torch.ones(3, 4), torch.ones(2, 4, 5), backend=backend)
    assert empty.shape == (3, 4, 5)
    assert not empty.any()
    values = torch.ones(2, 6, requires_grad=True)
    found = attend(edges, torch.zeros(0, 4), values, backend)
    assert found.shape == (3, 4, 6)
    assert not found.any()
    found.sum().backward()
    assert not values.grad.any()
    without_sources = make([], [], 0, 3)
    assert attend(without_sources, torch.zeros(0, 4), torch.ones(0, 0), backend).shape == (3, 4, 0)


@st.composite
def blocks(draw):
    """Draw a block with multi-edges, self-loops, nodes without edges, one node, or one giant hub."""
    generator = np.random.default_rng(draw(st.integers(0, 2**16)))
    sources, targets = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    count = draw(st.integers(0, 80))
    src, dst = generator.integers(sources, size=count), generator.integers(targets, size=count)
    hub = draw(st.sampled_from(["none", "target", "source"]))
    rays = np.arange(5000)  # enough for several threads, too
    if hub == "target":
        src, dst, sources = np.concatenate([src, rays]), np.concatenate([dst, 0 * rays]), 5000
    if hub == "source":
        src, dst, targets = np.concatenate([src, 0 * rays]), np.concatenate([dst, rays]), 5000
    if draw(st.booleans()):
        order = np.argsort(dst, kind="stable")
        src, dst = src[order], dst[order]
    return Edges(torch.from_numpy(src), torch.from_numpy(dst), sources, targets)


def draws(seed, *shapes):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator).requires_grad_() for shape in shapes]


def gradients(result, inputs, seed):
    """Return the result and its gradients of a random projection."""
    along = torch.randn(result.shape, generator=torch.Generator().manual_seed(seed)).to(result.dtype)
    return [result.detach(), *torch.autograd.grad((result * along).sum(), inputs, materialize_grads=True)]


def assert_same(found, wanted, backend, edges):
    """Check that a result and its gradients agree with a reference to 1e-5 of the largest element.

    The reference is in double precision. If the 5,000 edges of a hub nearly cancel, rounding each of them
    leaves an error of up to 1.5e-5 (1,600 draws); DGL and plain torch add in float32 and have 1.5e-4.
    """
    longest = max(int(torch.bincount(ends).max()) for ends in (edges.src, edges.dst)) if len(edges) else 0
    tolerance = max(1e-5, longest**0.5 * 2**-21 if backend == "fused" else longest * 2**-24)
    # Gradients of logits are sums of differences that cancel, so their own size does not bound the rounding.
    scale = max([1.0, *(float(tensor.abs().max()) for tensor in wanted if tensor.numel())])
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == torch.float32
        assert one.shape == other.shape
        assert torch.isfinite(one).all()
        assert torch.allclose(one.double(), other, rtol=0, atol=tolerance * scale)


def of(name):
    """Return the operations of a backend or of a reference."""
    if name == "pyg":
        return pyg
    operations = (attend, convolve, dot)
    return SimpleNamespace(**{each.__name__: partial(each, backend=name) for each in operations})


def compare(edges, compute, inputs, seed):
    """Compare every backend in float32 with the references in double precision; return the results of each.

    `compute` takes the three operations, of a backend or of a reference, and the inputs.
    """
    results = {name: gradients(compute(of(name), *inputs), inputs, seed) for name in BACKENDS}
    for reference in REFERENCES:
        wanted = [tensor.detach().double().requires_grad_() for tensor in inputs]
        wanted = gradients(compute(of(reference), *wanted), wanted, seed)
        for name, found in results.items():
            assert_same(found, wanted, name, edges)
    return results


@settings(max_examples=60)
@given(blocks(), st.integers(1, 3), st.sampled_from([1, 3, 16, 20]), st.booleans(), st.integers(0, 2**16))
def test_backends_agree_with_the_references_over_keys_and_queries(edges, heads, width, shared, seed):
    def compute(by, keys, queries, values):
        return by.attend(edges, by.dot(edges, keys, queries), values)

    ends = (edges.sources, heads, 3), (edges.targets, heads, 3)
    values = (edges.sources, width) if shared else (edges.sources, heads, width)
    compare(edges, compute, draws(seed, *ends, values), seed)


@settings(max_examples=60)
@given(blocks(), st.integers(1, 3), st.sampled_from([1, 3, 16, 20]), st.booleans(), st.integers(0, 2**16))
def test_backends_agree_with_the_references_over_the_scores_of_a_gat(edges, heads, width, biased, seed):
    relation = torch.randint(RELATIONS, (len(edges),), generator=torch.Generator().manual_seed(seed))

    def compute(by, source, target, values, *bias):
        of_relation = {"relation": relation, "bias": bias[0]} if bias else {}
        return by.convolve(edges, source, target, values, **of_relation)

    ends = (edges.sources, heads), (edges.targets, heads)
    shapes = [*ends, (edges.sources, heads, width), (RELATIONS, heads)]
    compare(edges, compute, draws(seed, *shapes[: 3 + biased]), seed)


# PyG calls a private function of `typing` in a way that Python 3.13 deprecates.
@pytest.mark.filterwarnings("ignore:Failing to pass a value to the 'type_params':DeprecationWarning")
@settings(max_examples=30)
@given(blocks(), st.integers(1, 3), st.integers(0, 2**16))
def test_backends_agree_with_the_layer_of_pyg(edges, heads, seed):
    """`convolve` of the layer's terms equals PyG's GATConv with the same parameters."""
    torch.manual_seed(seed)
    layer = pyg.GATConv(
        (4, 3), 5, heads, add_self_loops=False, bias=False, edge_dim=RELATIONS, negative_slope=0.3
    )
    sources, targets = draws(seed, (edges.sources, 4), (edges.targets, 3))
    relation = torch.randint(RELATIONS, (len(edges),), generator=torch.Generator().manual_seed(seed))

    def ours(backend, x, y, *parameters):
        def terms(values, attention):
            return (values.view(-1, heads, 5) * attention).sum(-1)

        attention_source, attention_target, attention_edge, of_source, of_target, of_edge = parameters
        values = x @ of_source.T
        return convolve(
            edges, terms(values, attention_source), terms(y @ of_target.T, attention_target),
            values.view(-1, heads, 5), relation=relation, bias=terms(of_edge.T, attention_edge), slope=0.3,
            backend=backend,
        )  # fmt: skip

    names = ["att_src", "att_dst", "att_edge", "lin_src.weight", "lin_dst.weight", "lin_edge.weight"]
    inputs = [sources, targets, *(dict(layer.named_parameters())[name] for name in names)]
    exact = copy.deepcopy(layer).double()
    given = [tensor.detach().double().requires_grad_() for tensor in inputs[:2]]
    ends, kinds = torch.stack([edges.src.long(), edges.dst.long()]), torch.eye(RELATIONS).double()[relation]
    wanted = exact((given[0], given[1]), ends, kinds, size=(edges.sources, edges.targets))
    given += [dict(exact.named_parameters())[name] for name in names]
    wanted = gradients(wanted.view(edges.targets, heads, 5), given, seed)
    for backend in BACKENDS:
        assert_same(gradients(ours(backend, *inputs), inputs, seed), wanted, backend, edges)


@settings(max_examples=30)
@given(blocks(), st.sampled_from([-1e4, 1e4]), st.integers(0, 2**16))
def test_extreme_and_infinite_logits(edges, extreme, seed):
    """Some edges have logits far above or below the others, and some minus infinity."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(len(edges), 2, generator=generator)
    logits[torch.rand(logits.shape, generator=generator) < 0.3] += extreme
    silent = torch.rand(logits.shape, generator=generator) < 0.2
    # Softmax over minus infinities alone is undefined: each target keeps its first edge.
    silent[np.unique(edges.dst.numpy(), return_index=True)[1]] = False
    logits[silent] = -torch.inf
    inputs = [logits.requires_grad_(), *draws(seed, (edges.sources, 2, 5))]
    results = compare(edges, lambda by, *given: by.attend(edges, *given), inputs, seed)
    for found in results.values():
        assert not found[1][silent].any()


@pytest.fixture
def big():
    """Return a block large enough for several threads, in any order."""
    generator = np.random.default_rng(0)
    src, dst = (torch.from_numpy(generator.integers(300, size=20_000)) for _ in range(2))
    return Edges(src, dst, 300, 300)


def layer(edges, backend, threads=1):
    """Return value and gradients of both kinds of logits on a number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        inputs = draws(0, (300, 4, 8), (300, 4, 8), (300, 4), (300, 4), (300, 4, 16), (RELATIONS, 4))
        relation = torch.arange(len(edges)) % RELATIONS
        found = attend(edges, dot(edges, *inputs[:2], backend), inputs[4], backend)
        found = found + convolve(edges, *inputs[2:5], relation=relation, bias=inputs[5], backend=backend)
        return gradients(found, inputs, 1)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("backend", ["fused", "torch"])
@pytest.mark.parametrize("threads", [1, 2])
def test_results_are_reproducible_to_the_bit(big, backend, threads):
    once = layer(big, backend, threads)
    for _ in range(3):
        for one, other in zip(layer(big, backend, threads), once, strict=True):
            assert torch.equal(one, other)


def test_fused_gives_the_same_bits_on_any_number_of_threads(big):
    for one, other in zip(layer(big, "fused", 1), layer(big, "fused", 3), strict=True):
        assert torch.equal(one, other)


def test_fused_stores_nothing_of_the_size_of_messages(big):
    kept = []
    inputs = draws(0, (300, 4), (300, 4), (300, 4, 16))
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor.numel()), lambda _: None):
        convolve(big, *inputs, backend="fused")
    assert max(kept) == len(big) * 4
    assert sum(size >= len(big) for size in kept) == 1  # the other tensors have one row per node


def test_fused_refuses_a_second_backward_after_its_weights_were_freed(big):
    inputs = draws(0, (300, 4), (300, 4), (300, 4, 16))
    result = convolve(big, *inputs, backend="fused").sum()
    result.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.backward()


def test_int32_ends_and_int64_ends_are_the_same_edges(big):
    small = Edges(big.src.int(), big.dst.int(), 300, 300)
    for backend in BACKENDS:
        for one, other in zip(layer(small, backend), layer(big, backend), strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("backend", BACKENDS)
def test_half_precision_is_summed_in_single_precision(big, backend):
    """As under autocast: the result has the type of the values, and the error of rounding to that type."""
    inputs = draws(0, (300, 4), (300, 4), (300, 4, 16))
    half = [tensor.detach().bfloat16().requires_grad_() for tensor in inputs]
    same = [tensor.detach().float().requires_grad_() for tensor in half]
    found = gradients(convolve(big, *half, backend=backend), half, 1)
    wanted = gradients(convolve(big, *same, backend=backend), same, 1)
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == torch.bfloat16
        scale = float(other.abs().max())
        assert torch.allclose(one.float(), other, rtol=0, atol=2e-2 * scale)


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "fused"])
def test_gradients_agree_with_finite_differences(backend):
    edges = make([0, 1, 1, 2, 0, 0], [0, 0, 1, 1, 2, 2], 3, 4)
    inputs = [
        tensor.detach().double().requires_grad_() for tensor in draws(3, (3, 2), (4, 2), (3, 2, 2), (2, 2))
    ]
    relation = torch.tensor([0, 1, 0, 1, 1, 1])

    def compute(source, target, values, bias):
        return convolve(edges, source, target, values, relation=relation, bias=bias, backend=backend)

    assert torch.autograd.gradcheck(compute, inputs)


@pytest.mark.parametrize("backend", BACKENDS)
def test_views_that_are_not_contiguous(backend):
    edges = make([0, 1, 1], [0, 0, 1], 2, 2)
    keys, values = torch.randn(3, 2, 2).transpose(0, 1), torch.randn(5, 2).T
    logits = dot(edges, keys, keys, backend)
    assert torch.equal(logits, dot(edges, keys.contiguous(), keys.contiguous(), backend))
    found = attend(edges, logits, values, backend)
    assert torch.equal(found, attend(edges, logits, values.contiguous(), backend))


@pytest.fixture
def absent(monkeypatch):
    """Return a function that hides packages."""
    installed = importlib.util.find_spec

    def hide(*packages):
        attention._missing.cache_clear()
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: None if name in packages else installed(name)
        )

    yield hide
    attention._missing.cache_clear()


def test_auto_chooses_the_fastest_that_works(absent):
    assert choose("auto", "cpu") == "fused"
    absent("numba")
    assert choose("auto", "cpu") == ("dgl" if HAS_DGL else "torch")
    absent("numba", "dgl")
    assert choose("auto", "cpu") == "torch"
    assert choose("torch", "cpu") == "torch"
    with pytest.raises(InputError, match="'fused' needs the package numba, which is not installed") as error:
        choose("fused", "cpu")
    assert "\n" not in str(error.value)


def test_auto_skips_a_package_that_is_installed_but_does_not_work(absent, monkeypatch):
    absent()  # clear the cached choice
    attention._load.cache_clear()
    monkeypatch.delattr("perturbkg.attention.fused")
    monkeypatch.setitem(sys.modules, "perturbkg.attention.fused", None)
    assert choose("auto", "cpu") == ("dgl" if HAS_DGL else "torch")
    with pytest.raises(
        InputError, match="'fused' does not work on cpu with the numba that is installed"
    ) as error:
        choose("fused", "cpu")
    assert "\n" not in str(error.value)


def test_on_a_gpu_without_triton_auto_chooses_torch(absent):
    absent("triton")
    assert choose("auto", "cuda") == "torch"


@pytest.mark.parametrize(
    ("backend", "device", "parts"),
    [
        ("cuda", "cpu", ["unknown attention backend 'cuda'", "auto, fused, dgl"]),
        ("dgl", "cuda", ["'dgl' runs on cpu, and the computation is on cuda", "or use 'auto'"]),
        ("fused", "cuda", ["'fused' runs on cpu"]),
    ],
)
def test_a_backend_that_cannot_run_is_one_line(backend, device, parts):
    with pytest.raises(InputError) as error:
        choose(backend, device)
    for part in parts:
        assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_wrong_shapes_and_ends_are_refused_before_a_kernel_reads_them():
    edges = make([0, 1], [0, 1], 2, 2)
    with pytest.raises(ValueError, match=r"logits: shape \(3, 1\) instead of \(2, 1\)"):
        attend(edges, torch.zeros(3, 1), torch.zeros(2, 1))
    with pytest.raises(ValueError, match="keys: shape"):
        dot(edges, torch.zeros(3, 1, 1), torch.zeros(2, 1, 1))
    nothing = torch.zeros(2, 1), torch.zeros(2, 1), torch.zeros(2, 1, 1)
    with pytest.raises(ValueError, match="come together"):
        convolve(edges, *nothing, bias=torch.zeros(1, 1))
    for codes in ([0, 1], [-1, 0]):
        with pytest.raises(ValueError, match="a relation lies outside 0 to 0"):
            convolve(edges, *nothing, relation=torch.tensor(codes), bias=torch.zeros(1, 1))
    with pytest.raises(ValueError, match="a target lies outside its 2 nodes"):
        make([0], [2], 2, 2)
    with pytest.raises(ValueError, match="a source lies outside"):
        make([-1], [0], 2, 2)


def test_an_unwritable_cache_costs_only_the_compilation(tmp_path):
    """As in a read-only installation, for a user without a home folder."""
    code = (
        "import numba.core.caching as caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "from perturbkg.attention import kernels\n"
        "import numpy as np\n"
        "found = np.ones((1, 1), np.float32)\n"
        "start, place = np.zeros(2, np.int64), np.zeros(0, np.int32)\n"
        "none = np.zeros((0, 1), np.float32)\n"
        "kernels.sum_rows(0, 0, 1, start, place, place, none, place, found, np.zeros((1, 0, 1)))\n"
        "assert not found.any()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ,
        check=False,
    )
    assert done.returncode == 0, done.stderr
