"""A cross-encoder of the operator's own: a folder with ``model.onnx`` and ``tokenizer.json``, run in this process.

The usual export of a sequence classifier: ``input_ids`` and ``attention_mask`` (and ``token_type_ids`` where the graph
has it) to ``logits`` of width 1, or of width 2 with "relevant" last.
"""

import importlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from app.adapters.reranker.answers import logistic
from app.kit.errors import DependencyDown

if TYPE_CHECKING:  # numpy costs 0.1 s and 15 MB; whoever only routes a call does not need it.
    import numpy as np
    from numpy.typing import NDArray

MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
MAX_TOKENS = 512
BATCH = 8
THREADS = 2


class RerankerUnusable(DependencyDown):
    """The folder holds no cross-encoder that can be run."""

    code = "reranker_unusable"
    title = "The reranker cannot be used"


class CrossEncoder:
    """A loaded model. Blocks while it reads: call it in a thread, a batch at a time."""

    def __init__(self, tokenizer: Any, session: Any) -> None:
        self._tokenizer = tokenizer
        self._session = session
        self._inputs = {str(wanted.name) for wanted in session.get_inputs()}

    def scores(self, query: str, texts: Sequence[str]) -> tuple[list[float], int]:
        """Scores between 0 and 1 for one batch, and how many tokens were read. Raises RerankerUnusable."""
        import numpy as np  # noqa: PLC0415  Late, for the cold start.

        encodings = self._tokenizer.encode_batch([(query, text) for text in texts])
        rows = {
            "input_ids": [encoding.ids for encoding in encodings],
            "attention_mask": [encoding.attention_mask for encoding in encodings],
            "token_type_ids": [encoding.type_ids for encoding in encodings],
        }
        fed = {name: np.asarray(values, dtype=np.int64) for name, values in rows.items() if name in self._inputs}
        try:
            found = cast("NDArray[np.float32]", self._session.run(None, fed)[0])
        except Exception as error:  # onnxruntime raises bare exceptions.
            raise RerankerUnusable(f"The cross-encoder could not be run: {type(error).__name__}.") from error
        return [_relevance(row, len(texts)) for row in _rows(found, len(texts))], int(fed["attention_mask"].sum())


def load_cross_encoder(folder: Path) -> CrossEncoder:
    """Load the folder's model, which may take seconds: call it in a thread. Raises RerankerUnusable."""
    try:
        return CrossEncoder(_tokenizer(folder / TOKENIZER), _session(folder / MODEL))
    except Exception as error:  # Both libraries raise bare exceptions, and whatever a file system has to say.
        raise RerankerUnusable(
            f"No cross-encoder could be loaded from '{folder.name}': it needs {MODEL} and {TOKENIZER}."
        ) from error


def batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """Positions of texts of like length, so that little is padded."""
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    for start in range(0, len(order), BATCH):
        yield order[start : start + BATCH]


def _rows(found: "NDArray[np.float32]", count: int) -> list[list[float]]:
    if found.shape[0] != count:
        raise RerankerUnusable("The cross-encoder's output is not one row for each text.")
    return found.reshape(count, -1).tolist()


def _relevance(row: Sequence[float], count: int) -> float:
    """One logit goes through the logistic function; of two, the softmax's share of the last is the same thing."""
    match row:
        case [logit]:
            return logistic(logit)
        case [against, logit]:
            return logistic(logit - against)
        case _:
            raise RerankerUnusable(f"The cross-encoder's output has {len(row) * count} values for {count} texts.")


def _tokenizer(file: Path) -> Any:
    from tokenizers import Tokenizer  # noqa: PLC0415  Late, for the cold start: only the loading thread waits.

    tokenizer: Any = Tokenizer.from_file(str(file))
    tokenizer.enable_truncation(MAX_TOKENS, strategy="longest_first")
    tokenizer.enable_padding(**(tokenizer.padding or {}) | {"length": None})
    return tokenizer


def _session(file: Path) -> Any:
    # Imported by name for two reasons: late, for the cold start (20 MB, 0.1 s), and untyped, for it has no stubs.
    onnxruntime: Any = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = min(THREADS, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # The arena keeps the largest batch's memory for ever.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # Spinning takes the event loop's core.
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
