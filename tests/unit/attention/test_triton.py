"""Triton's kernels against plain torch in double precision: on a GPU if there is one, else interpreted."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbkg import attention
from perturbkg.attention import Edges, choose
from perturbkg.attention.backend import Scores
from perturbkg.attention.torch_ import Torch
from perturbkg.errors import InputError

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
INTERPRET = str(int(DEVICE == "cpu"))
with pytest.MonkeyPatch.context() as patch:
    # Triton reads these when it is imported, when a kernel is declared, and at the first call.
    patch.setenv("TRITON_INTERPRET", INTERPRET)
    pytest.importorskip("triton")
    from perturbkg.attention import triton_

RELATIONS, SEGMENT = 3, triton_.SEGMENT
TRITON, TORCH = triton_.Triton(), Torch()


@pytest.fixture(autouse=True, scope="module")
def _short_segments():
    """Split rows of more than 16 edges, so that a small graph has hubs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", INTERPRET)
        patch.setattr(triton_, "SEGMENT", 16)
        yield


def make(src, dst, sources, targets, kind=torch.int64):
    src, dst = (torch.as_tensor(ends, dtype=kind, device=DEVICE) for ends in (src, dst))
    return Edges(src, dst, sources, targets)


@st.composite
def blocks(draw):
    """Draw a block with multi-edges, self-loops, nodes without edges, one node, no edge, or a split hub."""
    generator = np.random.default_rng(draw(st.integers(0, 2**16)))
    sources, targets = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    count = draw(st.sampled_from([0, 1, 7, 60]))
    src, dst = generator.integers(sources, size=count), generator.integers(targets, size=count)
    hub = draw(st.sampled_from(["none", "target", "source"]))
    if hub == "target":
        src, dst = np.append(src, np.arange(40) % sources), np.append(dst, np.zeros(40, int))
    if hub == "source":
        src, dst = np.append(src, np.zeros(40, int)), np.append(dst, np.arange(40) % targets)
    return make(src, dst, sources, targets, draw(st.sampled_from([torch.int32, torch.int64])))


def draws(seed, *shapes):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator).to(DEVICE).requires_grad_() for shape in shapes]


def gradients(compute, backend, inputs, seed=1):
    """Return the result and its gradients of a random projection."""
    result = compute(backend, *inputs)
    along = torch.randn(result.shape, generator=torch.Generator().manual_seed(seed)).to(result)
    return [result.detach(), *torch.autograd.grad((result * along).sum(), inputs)]


def assert_agree(compute, inputs, tolerance=1e-5):
    """Compare result and gradients, in the type of the inputs, with torch in double precision."""
    found = gradients(compute, TRITON, inputs)
    double = [tensor.detach().double().requires_grad_() for tensor in inputs]
    wanted = gradients(compute, TORCH, double)
    scale = max([1.0, *(float(tensor.abs().max()) for tensor in wanted if tensor.numel())])
    for one, other, given_ in zip(found[1:], wanted[1:], inputs, strict=True):
        assert one.dtype == given_.dtype
        assert one.shape == other.shape
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one.double(), other, rtol=0, atol=tolerance * scale)
    return found


def scores(edges, relation=None):
    """Return a GAT's convolution over edges, as a function of the backend and its inputs."""

    def compute(backend, source, target, values, bias=None):
        return backend.convolve(edges, Scores(source, target, relation, bias, slope=0.2), values)

    return compute


def keys_and_queries(edges):
    def compute(backend, keys, queries, values):
        return backend.attend(edges, backend.dot(edges, keys, queries), values)

    return compute


def shapes(edges, heads, width):
    return (edges.sources, heads), (edges.targets, heads), (edges.sources, heads, width), (RELATIONS, heads)


@settings(max_examples=20)
@given(blocks(), st.integers(1, 3), st.sampled_from([1, 5, 32, 33]), st.booleans(), st.integers(0, 2**16))
def test_the_scores_of_a_gat(edges, heads, width, biased, seed):
    relation = None
    if biased:
        relation = torch.randint(RELATIONS, (len(edges),), generator=torch.Generator().manual_seed(seed))
        relation = relation.short().to(DEVICE)
    assert_agree(scores(edges, relation), draws(seed, *shapes(edges, heads, width)[: 3 + biased]))


@settings(max_examples=12)
@given(blocks(), st.integers(1, 3), st.sampled_from([1, 5, 32, 33]), st.booleans(), st.integers(0, 2**16))
def test_keys_and_queries(edges, heads, width, shared, seed):
    ends = (edges.sources, heads, 3), (edges.targets, heads, 3)
    values = (edges.sources, width) if shared else (edges.sources, heads, width)
    assert_agree(keys_and_queries(edges), draws(seed, *ends, values))


@pytest.fixture
def small():
    """Return a block with a hub of 40 edges at either end, in any order; source 8 and target 6 have none."""
    generator = np.random.default_rng(0)
    src, dst = generator.integers(8, size=100), generator.integers(6, size=100)
    src[10:50], dst[50:90] = 5, 2
    return make(src, dst, 9, 7)


@pytest.mark.parametrize(("heads", "width"), [(20, 65), (2, 1030)])
def test_rows_wider_than_a_program_reads_at_once(heads, width):
    edges = make([0, 1, 1, 0], [0, 0, 1, 1], 2, 2)
    assert_agree(scores(edges), draws(0, *shapes(edges, heads, width)[:3]))
    assert_agree(keys_and_queries(edges), draws(0, *[(2, heads, width)] * 3))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_single_precision(small, kind):
    relation = torch.arange(len(small), device=DEVICE) % RELATIONS
    half = [tensor.detach().to(kind).requires_grad_() for tensor in draws(0, *shapes(small, 2, 5))]
    found = assert_agree(scores(small, relation), half, 2e-2)
    assert found[0].dtype == kind
    half = [tensor.detach().to(kind).requires_grad_() for tensor in draws(0, (9, 2, 5), (7, 2, 5), (9, 2, 5))]
    assert assert_agree(keys_and_queries(small), half, 2e-2)[0].dtype == kind


def test_double_precision_stays_double(small):
    inputs = [tensor.detach().double().requires_grad_() for tensor in draws(0, *shapes(small, 2, 5)[:3])]
    assert assert_agree(scores(small), inputs, 1e-12)[0].dtype == torch.float64


def test_extreme_and_infinite_logits(small):
    """Some edges have logits far above or below the others, and some minus infinity."""
    (logits,) = draws(0, (100, 2))
    with torch.no_grad():
        logits[::5] += 1e4
        logits[1::5] -= 1e4
        logits[2::5] = -torch.inf

    def compute(backend, logits, values):
        return backend.attend(small, logits, values)

    found = assert_agree(compute, [logits, *draws(1, (9, 2, 5))])
    assert not found[1][2::5].any()


def test_nan_stays_nan(small):
    source, target, values = draws(0, *shapes(small, 1, 5)[:3])
    with torch.no_grad():
        target[2] = torch.nan
    found = scores(small)(TRITON, source, target, values)
    assert torch.isnan(found).all(dim=(1, 2)).tolist() == [False, False, True, False, False, False, False]


def test_views_that_are_not_contiguous(small):
    source, target, values = draws(0, (2, 9), (2, 7), (5, 2, 9))

    def compute(backend, source, target, values):
        return scores(small)(backend, source.T, target.T, values.permute(2, 1, 0))

    assert_agree(compute, [source, target, values])


def test_no_sources_or_edges_give_zeros():
    edges = make([], [], 0, 3)
    found = keys_and_queries(edges)(TRITON, *draws(0, (0, 4, 2), (3, 4, 2), (0, 4, 0)))
    assert found.shape == (3, 4, 0)
    edges = make([], [], 2, 3)
    found = assert_agree(scores(edges), draws(0, *shapes(edges, 4, 5)[:3]))
    assert found[0].shape == (3, 4, 5)
    assert not any(tensor.any() for tensor in found)


def test_another_tensor_of_relations_on_the_same_edges(small):
    inputs = draws(0, *shapes(small, 2, 5))
    for start in (0, 1):
        relation = (torch.arange(len(small), device=DEVICE) + start) % RELATIONS
        assert_agree(scores(small, relation), inputs)


def test_no_tensor_per_edge_is_kept(small):
    kept = []
    inputs = draws(0, *shapes(small, 2, 5)[:3])
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor.numel()), lambda _: None):
        scores(small)(TRITON, *inputs)
    assert max(kept) < len(small)


def test_results_are_reproducible_to_the_bit(small):
    inputs = draws(0, *shapes(small, 2, 5)[:3])
    once, again = (gradients(scores(small), TRITON, inputs) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(once, again, strict=True))


@pytest.mark.skipif(DEVICE == "cpu", reason="needs a GPU")
def test_at_the_size_of_primekg(monkeypatch):
    """129,375 nodes, 8.1 M edges, hubs of about 18,000: agrees with torch, and gives the same bits again."""
    monkeypatch.setattr(triton_, "SEGMENT", SEGMENT)
    nodes, count = 129_375, 8_100_498
    generator = np.random.default_rng(0)
    share = generator.permutation(np.arange(1, nodes + 1) ** -0.55)
    src, dst = (generator.choice(nodes, count, p=share / share.sum()) for _ in range(2))
    edges = make(src, dst, nodes, nodes)
    relation = torch.arange(count, device=DEVICE) % RELATIONS
    inputs = draws(0, *shapes(edges, 2, 16))
    once = assert_agree(scores(edges, relation), inputs)
    again = gradients(scores(edges, relation), TRITON, inputs)
    assert all(torch.equal(one, other) for one, other in zip(once, again, strict=True))
    assert_agree(keys_and_queries(edges), draws(0, *[(nodes, 2, 16)] * 3))


COMPILE = """
from types import SimpleNamespace
import torch
from triton.backends.compiler import GPUTarget
from triton.runtime.driver import driver
from perturbkg.attention import triton_

card = {"device": 0, "stream": 0, "target": GPUTarget("cuda", 80, 32)}
driver.set_active(SimpleNamespace(**{
    f"get_current_{name}": lambda *_, answer=answer: answer for name, answer in card.items()
}))

def compile_only(kernel, programs, across, *arguments, tile):
    compiled = kernel.warmup(*arguments, **tile, num_warps=1, grid=(programs, across))
    assert not {"atom", "red"} & set(compiled.asm["ptx"].replace(".", " ").split()), kernel
    print(kernel.__name__)

triton_._run = compile_only
ends = torch.zeros(triton_.SEGMENT + 1, dtype=torch.int64)
edges = triton_.Edges(ends, ends, 1, 1)
backend = triton_.Triton()
row = torch.zeros(1, 4, 32, dtype=torch.bfloat16, requires_grad=True)
score = torch.zeros(1, 4, requires_grad=True)
scored = backend.convolve(edges, triton_.Scores(score, score, ends.short(), score, 0.2), row)
(scored + backend.attend(edges, backend.dot(edges, row, row), row)).sum().backward()
"""


def test_every_kernel_compiles_and_none_adds_atomically(tmp_path):
    """For a GPU of compute capability 8.0, which need not be present, with rows in bfloat16."""
    env = {**os.environ, "TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    # Triton's own compiler uses what Python 3.13 deprecates.
    ignored = "ignore:AnnAssign.__init__ missing:DeprecationWarning"
    command = [sys.executable, "-W", "error", "-W", ignored, "-c", COMPILE]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    kernels = {"attend_rows", "attend_backward", "weigh_rows", "sum_rows", "dot_edges"}
    assert set(done.stdout.split()) == kernels


@pytest.fixture
def compiler(monkeypatch):
    """Return a function that makes the compiler succeed, or fail with an error."""

    def let(error=None):
        attention._missing.cache_clear()

        def check(_, device):
            if error is not None:
                raise error

        monkeypatch.setattr(triton_.Triton, "check", check)

    yield let
    attention._missing.cache_clear()


def test_the_trial_runs_every_operation_while_predicting_too():
    TRITON.check(DEVICE)
    with torch.no_grad():
        TRITON.check(DEVICE)


@pytest.mark.parametrize(
    ("owner", "name", "what"), [(triton_, "_join", "gradient"), (triton_.Triton, "attend", "mean")]
)
def test_the_trial_sees_a_wrong_result(monkeypatch, owner, name, what):
    right = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *arguments: 1.5 * right(*arguments))
    with pytest.raises(ArithmeticError, match=f"a {what} of ones is off"):
        TRITON.check(DEVICE)


def test_on_a_gpu_auto_chooses_triton_if_it_compiles(compiler):
    compiler()
    assert choose("auto", "cuda") == choose("triton", "cuda") == "triton"
    assert choose("auto", "cpu") != "triton"
    compiler(RuntimeError("no C compiler\nand a trace"))
    assert choose("auto", "cuda") == "torch"
    with pytest.raises(
        InputError, match="does not work on cuda with the triton that is installed: no C compiler; or use"
    ) as error:
        choose("triton", "cuda")
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="'triton' runs on cuda, and the computation is on cpu"):
        choose("triton", "cpu")
