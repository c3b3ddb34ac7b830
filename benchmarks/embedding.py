"""Compare the time of embedding node texts with a plain loop, on one device and in one run; print JSON.

The plain loop takes all rows in table order, in batches of 128 padded to the longest, in float32. The model
has BERT-base's shape (or MoLFormer's) and random weights, which take the same time as trained ones.

python benchmarks/embedding.py --texts folder/of/primekgpp --rows 600       # BERT-base; minutes on two cores
python benchmarks/embedding.py --texts folder/of/primekgpp --layers 2 --width 128     # every row
python benchmarks/embedding.py --texts folder/of/primekgpp --model molformer --device cuda
"""

import argparse
import copy
import functools
import json
import re
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertModel

from perturbkg.encoders._language_models import Tokeniser, devices
from perturbkg.encoders._language_models.bert import LastHidden
from perturbkg.encoders._language_models.engine import embed
from perturbkg.encoders._language_models.molformer import MolFormer
from perturbkg.encoders._language_models.smiles import SmilesTokeniser
from perturbkg.encoders._language_models.tokenisers import WordPieces

# Table of PrimeKG++ -> columns of a node's text, the first that is not empty.
TABLES = {
    "drug": ("drug_feature_base.csv", ("description", "generic_name")),
    "disease": ("disease_feature_base.csv", ("mondo_definition", "umls_description", "mondo_name")),
    "gene/protein": ("protein_aminoacid_sequence.csv", ("ncbi_summary", "protein_name")),
}
MAX_LENGTH = 512
BATCH = 128


def read_texts(folder: Path, model: str) -> dict[str, list[str]]:
    """Return the text of each node, by type, in the tables' order; for MoLFormer the SMILES of drugs."""
    tables = {"drug": (TABLES["drug"][0], ("smiles",))} if model == "molformer" else TABLES
    return {
        node_type: pl.read_csv(folder / name, infer_schema=False)
        .select(text=pl.coalesce(columns))
        .drop_nulls()["text"]
        .to_list()
        for node_type, (name, columns) in tables.items()
    }


def draw_texts(rng: np.random.Generator) -> dict[str, list[str]]:
    """Return texts of similar lengths: two thirds of the drugs have a name, other nodes tens of words."""
    words = ["".join(rng.choice(list("aeioubcdlmnprst"), size=rng.integers(2, 11))) for _ in range(4000)]

    def text(words_mean: float, spread: float) -> str:
        count = max(1, round(rng.lognormal(np.log(words_mean), spread)))
        return " ".join(rng.choice(words, size=count))

    return {
        "drug": [text(2, 0.5) if rng.random() < 0.61 else text(40, 0.8) for _ in range(6000)],
        "disease": [text(4, 0.4) if rng.random() < 0.93 else text(22, 0.5) for _ in range(7000)],
        "gene/protein": [text(5, 0.4) for _ in range(19_000)],
    }


def thinned(texts: dict[str, list[str]], rows: int | None) -> dict[str, list[str]]:
    """Return every n-th text, about `rows` of them: as many of each length and type, in their order."""
    step = max(1, sum(map(len, texts.values())) // rows) if rows else 1
    return {node_type: found[::step] for node_type, found in texts.items()}


def bert(texts: list[str], layers: int, width: int) -> tuple[torch.nn.Module, Tokeniser]:
    """Return BERT's architecture, and word pieces learned from the texts: as many as BioBERT has."""
    trained = BertWordPieceTokenizer(lowercase=False)
    trained.train_from_iterator(texts, vocab_size=28_996, min_frequency=1, show_progress=False)
    with tempfile.TemporaryDirectory() as folder:
        trained.save_model(folder)
        tokeniser = WordPieces(Path(folder) / "vocab.txt")
    config = BertConfig(
        vocab_size=28_996,
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=max(1, width // 64),
        intermediate_size=4 * width,
        attn_implementation="sdpa",
    )
    return LastHidden(BertModel(config, add_pooling_layer=False)), tokeniser


def molformer(texts: list[str], layers: int, width: int) -> tuple[torch.nn.Module, Tokeniser]:
    """Return MoLFormer's architecture and a vocabulary of the texts."""
    tokens = sorted({token for text in texts for token in re.findall(r"\[[^]]+]|Br|Cl|.", text)})
    vocabulary = ["<bos>", "<eos>", "<pad>", "<mask>", *tokens, "<unk>"]
    config = {
        "vocab_size": 2362,
        "num_hidden_layers": layers,
        "hidden_size": width,
        "num_attention_heads": max(1, width // 64),
        "intermediate_size": width,
        "num_random_features": 32,
        "layer_norm_eps": 1e-12,
        "linear_attention_eps": 1e-6,
    }
    tokeniser = SmilesTokeniser({token: number for number, token in enumerate(vocabulary)})
    return MolFormer(config), tokeniser


def plain(model: torch.nn.Module, tokeniser: Tokeniser, texts: list[str]) -> np.ndarray:
    """Embed with a plain loop."""
    device = next(model.parameters()).device
    vectors = []
    for start in range(0, len(texts), BATCH):
        rows = tokeniser.encode(texts[start : start + BATCH], MAX_LENGTH)
        longest = max(map(len, rows))
        ids = torch.tensor([[*row, *[tokeniser.pad] * (longest - len(row))] for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
        with torch.inference_mode():
            vectors.append(model(ids.to(device), mask.to(device))[:, 0].float().cpu().numpy())
    return np.concatenate(vectors)


def ours(model: torch.nn.Module, tokeniser: Tokeniser, texts: list[str], tokens_per_batch: int) -> np.ndarray:
    """Embed as the encoders do."""
    parts = list(
        embed(
            model,
            tokeniser,
            texts,
            pooling="cls",
            max_length=MAX_LENGTH,
            tokens_per_batch=tokens_per_batch,
        )
    )
    vectors = np.concatenate([part.vectors for part in parts])
    return vectors[np.argsort(np.concatenate([part.rows for part in parts]))]


def timed(
    run: Callable[[list[str]], np.ndarray], texts: dict[str, list[str]], device: torch.device
) -> tuple[dict[str, Any], np.ndarray]:
    """Run once for each node type; return the total numbers, and all vectors."""
    run(next(iter(texts.values()))[:4])  # so that neither run includes one-time set-up
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    start, busy = time.perf_counter(), time.process_time()
    vectors = np.concatenate([run(found) for found in texts.values()])
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    figures = {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(busy, 2),
        "nodes_per_second": round(len(vectors) / seconds, 1),
        "peak_process_mib_so_far": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    if device.type == "cuda":
        figures["peak_device_mib"] = round(torch.cuda.max_memory_allocated() / 2**20)
    return figures, vectors


def agreement(vectors: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Return the largest difference of an element, and the smallest cosine of two vectors."""
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference, axis=1)
    cosine = (vectors * reference).sum(axis=1) / norms
    return {
        "largest_difference": float(f"{np.abs(vectors - reference).max():.2g}"),
        "smallest_cosine": round(float(cosine.min()), 6),
    }


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--texts", type=Path, help="folder of PrimeKG++ tables; without it, texts are drawn")
    parser.add_argument("--rows", type=int, help="about this many of them, of each length and type")
    parser.add_argument("--model", choices=["bert", "molformer"], default="bert")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--device", default="auto", help="auto, cuda or cpu")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch on the CPU")
    parser.add_argument(
        "--tokens-per-batch", type=int, nargs="*", help="sizes to try; without it, the device's"
    )
    parser.add_argument("--json", type=Path, help="a file for the JSON")
    options = parser.parse_args()
    if options.model == "molformer" and not options.texts:
        parser.error("--model molformer needs the SMILES of --texts")
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = devices.choose(options.device)
    every = (
        read_texts(options.texts, options.model) if options.texts else draw_texts(np.random.default_rng(0))
    )
    texts = thinned(every, options.rows)
    make = molformer if options.model == "molformer" else bert
    model, tokeniser = make(
        [text for found in every.values() for text in found], options.layers, options.width
    )
    model = model.to(device).eval()

    lengths = [[len(ids) for ids in tokeniser.encode(found, MAX_LENGTH)] for found in texts.values()]
    batches = [found[at : at + BATCH] for found in lengths for at in range(0, len(found), BATCH)]
    runs, vectors = {}, {}
    # Ours first: so the peak memory of the process is that of our code.
    for name, precision in {"float32": torch.float32, "bfloat16": torch.bfloat16}.items():
        cast = copy.deepcopy(model).to(precision)
        for size in options.tokens_per_batch or [devices.TOKENS[device.type]]:
            run = functools.partial(ours, cast, tokeniser, tokens_per_batch=size)
            key = f"ours, {name}, {size} tokens"
            runs[key], vectors[key] = timed(run, texts, device)
        del cast
    runs["plain"], reference = timed(functools.partial(plain, model, tokeniser), texts, device)
    for key, found in vectors.items():
        for ratio, of in {"ratio": "seconds", "ratio_cpu_seconds": "cpu_seconds"}.items():
            runs[key][ratio] = round(runs["plain"][of] / runs[key][of], 2)
        runs[key] |= agreement(found, reference)
    report = {
        "device": torch.cuda.get_device_name()
        if device.type == "cuda"
        else torch.cpu.get_capabilities()["cpu_name"],
        "threads": options.threads,
        "torch": torch.__version__,
        "model": f"{options.model}, {options.layers} layers, {options.width} wide",
        "texts": "PrimeKG++" if options.texts else "drawn",
        "rows": {node_type: len(found) for node_type, found in texts.items()},
        "distinct": sum(len(set(found)) for found in texts.values()),
        "tokens": sum(map(sum, lengths)),
        "tokens_of_plain_with_padding": sum(len(batch) * max(batch) for batch in batches),
        "auto": str(devices.precision("auto", device)),
        "runs": runs,
    }
    text = json.dumps(report, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
