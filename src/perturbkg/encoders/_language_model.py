"""What the language-model encoders share: options, the files of the model, vectors computed only once."""

import logging
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge

from perturbkg.encoders import Encoder
from perturbkg.encoders._language_models.pooling import Pooling
from perturbkg.errors import InputError
from perturbkg.io.files import sha256
from perturbkg.io.scripting import progress
from perturbkg.options import require_valid

# PyTorch is imported where it is used: encoders without a language model must not wait for it.
if TYPE_CHECKING:
    import torch
    from torch import nn

    from perturbkg.encoders._language_models import Tokeniser
    from perturbkg.encoders._language_models.engine import Embedded

_LOG = logging.getLogger(__name__)
_CODE = 1  # of tokenisers, architectures and pooling: one more whenever a change of theirs changes vectors


@dataclass
class Counts:
    """Counts of the inputs so far; each distinct input counts once per call of `encode`."""

    inputs: int = 0
    cut: int = 0  # longer than the maximum length
    is_cut: list[np.ndarray] = field(default_factory=list)  # (inputs,) bool of each call, repeats included
    remembered: int = 0  # read from the cache
    corrupt: int = 0  # damaged in the cache, and computed again


@dataclass(frozen=True)
class LanguageModel(Encoder):
    """Vectors of a language model; those of one input depend by rounding on the other inputs of its batch."""

    #: Files of the model; a tuple names those of which one will do.
    files: ClassVar[tuple[str | tuple[str, ...], ...]]
    #: (model, revision) -> file -> SHA-256, for the files whose checksums are published.
    digests: ClassVar[dict[tuple[str, str], dict[str, str]]] = {}
    instead: ClassVar[str]  # an encoder of the same inputs that needs no weights
    #: Several windows of the engine, so that one is tokenised while the device works on another.
    block: ClassVar[int] = 65_536

    model: str = ""
    """repository of the Hugging Face hub, <organisation>/<name>"""
    revision: str = "main"
    """commit of the repository"""
    pooling: Pooling = "cls"
    """cls: the first token; mean: all tokens"""
    max_length: Annotated[int, Ge(3)] = 512
    """tokens, special ones included; longer inputs are cut"""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """number format; auto: bfloat16 on a device that has instructions for it, else float32"""
    device: Literal["auto", "cuda", "cpu"] = "auto"
    """auto: CUDA where there is one, else the CPU"""
    tokens_per_batch: Annotated[int, Ge(0)] = 0
    """padding included; 0: 65,536 on CUDA, 2,048 on a CPU"""

    # Not options: where this machine keeps things.
    weights_folder: Path | None = field(default=None, metadata={"option": False})  # None: the hub's own cache
    vectors_folder: Path | None = field(
        default=None, metadata={"option": False}
    )  # None: vectors are not kept
    threads: int | None = field(
        default=None, metadata={"option": False}
    )  # of PyTorch on a CPU; None: as it likes
    counts: Counts = field(default_factory=Counts, init=False, compare=False)

    def __post_init__(self) -> None:
        """Raise InputError for options that are invalid for every model."""
        require_valid(self)

    @abstractmethod
    def architecture(self, files: dict[str, Path]) -> tuple["nn.Module", "Tokeniser"]:
        """Return the model in float32, its weights loaded, and its tokeniser.

        The model maps ids and mask, (batch, tokens) each, to last hidden states, (batch, tokens, width).
        """

    def cast(self, model: "nn.Module", precision: "torch.dtype") -> "nn.Module":
        """Return the model in another number format."""
        return model.to(precision)

    def encode(self, inputs: Sequence[str]) -> np.ndarray:
        """Encode inputs into (n, width): read cached vectors, compute and cache the rest."""
        texts = list(dict.fromkeys(inputs))
        vectors: dict[int, np.ndarray] = {}
        is_cut = np.zeros(len(texts), dtype=bool)
        with self._kept() as kept:
            for place, entry in (kept.get(texts) if kept else {}).items():
                vectors[place] = entry.vector
                is_cut[place] = entry.tokens > self.max_length
            self.counts.remembered += len(vectors)
            missing = [place for place in range(len(texts)) if place not in vectors]
            # Cached vectors count as done, but not towards the speed: the time left is that of the others.
            with progress(total=len(texts), initial=len(vectors), unit=" nodes", leave=False) as bar:
                for made in self._embedded([texts[place] for place in missing]):
                    places = [missing[row] for row in made.rows]
                    vectors.update(zip(places, made.vectors, strict=True))
                    is_cut[places] = made.tokens > self.max_length
                    if kept:
                        kept.put([texts[place] for place in places], made.vectors, made.tokens.tolist())
                    bar.update(len(places))
            if kept:
                self.counts.corrupt += kept.corrupt
        self.counts.inputs += len(texts)
        self.counts.cut += int(is_cut.sum())
        _LOG.info(
            "%s: %d distinct inputs so far, %d of them kept from before, %d cut at %d tokens",
            self.model,
            self.counts.inputs,
            self.counts.remembered,
            self.counts.cut,
            self.max_length,
        )
        place_of = {text: place for place, text in enumerate(texts)}
        places = [place_of[text] for text in inputs]
        self.counts.is_cut.append(is_cut[places])
        return np.array([vectors[place] for place in places], dtype=np.float32)

    def remarks(self) -> dict[str, np.ndarray]:
        """Return which inputs were cut."""
        return {f"cut at {self.max_length} tokens": np.concatenate([np.zeros(0, bool), *self.counts.is_cut])}

    def _embedded(self, texts: Sequence[str]) -> "Iterator[Embedded]":
        """Yield the vectors of texts that are not cached; the model is loaded for the first of them."""
        if not texts:
            return
        from perturbkg.encoders._language_models import devices  # noqa: PLC0415
        from perturbkg.encoders._language_models.engine import embed  # noqa: PLC0415

        model, tokeniser = self._loaded
        at_once = self.tokens_per_batch or devices.TOKENS[self._device.type]
        for made in embed(
            model,
            tokeniser,
            texts,
            pooling=self.pooling,
            max_length=self.max_length,
            tokens_per_batch=at_once,
        ):
            if not np.isfinite(made.vectors).all():
                row = made.rows[~np.isfinite(made.vectors).all(axis=1)][0]
                raise InputError(
                    f"{self.model}: the vector of {texts[row][:40]!r} is not finite in {self._precision}; "
                    "set dtype: float32, or fetch the weights again"
                )
            yield made

    def _kept(self) -> Any:
        """Open the cache of vectors, if there is one."""
        if self.vectors_folder is None:
            return nullcontext()
        from perturbkg.encoders._language_models.cache import VectorCache  # noqa: PLC0415

        return VectorCache(self.vectors_folder / f"{self.model.replace('/', '--')}.sqlite", self._made_by)

    @cached_property
    def _made_by(self) -> dict[str, Any]:
        """Return everything but the input that a vector depends on."""
        return {
            "code": _CODE,
            "model": self.model,
            "revision": self.revision,
            "files": {name: sha256(path) for name, path in self._paths.items()},
            "pooling": self.pooling,
            "max_length": self.max_length,
            "dtype": str(self._precision),
        }

    @cached_property
    def _paths(self) -> dict[str, Path]:
        """Return the paths of the model's files."""
        from perturbkg.encoders._language_models import weights  # noqa: PLC0415

        digests = self.digests.get((self.model, self.revision), {})
        return weights.find(
            self.model, self.revision, self.files, self.weights_folder, digests=digests, instead=self.instead
        )

    @cached_property
    def _device(self) -> "torch.device":
        from perturbkg.encoders._language_models import devices  # noqa: PLC0415

        return devices.choose(self.device)

    @cached_property
    def _precision(self) -> "torch.dtype":
        from perturbkg.encoders._language_models import devices  # noqa: PLC0415

        return devices.precision(self.dtype, self._device)

    @cached_property
    def _loaded(self) -> "tuple[nn.Module, Tokeniser]":
        """Return the model where it runs and in its number format, and its tokeniser."""
        import torch  # noqa: PLC0415

        device, precision = self._device, self._precision
        if self.threads is not None:  # a limit that was set before PyTorch was imported does not reach it
            torch.set_num_threads(self.threads)
        model, tokeniser = self.architecture(self._paths)
        _LOG.info("%s: on %s in %s", self.model, device, precision)
        return self.cast(model, precision).to(device), tokeniser
