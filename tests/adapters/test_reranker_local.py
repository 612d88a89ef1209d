"""A cross-encoder of the operator's own: what it says, where it may lie, and how it fails."""

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from app.adapters.litellm_gate import LiteLLMGate
from app.adapters.provider_http import ProviderHttp
from app.adapters.reranker.cross_encoder import RerankerUnusable
from app.adapters.reranker.dispatch import RoutedReranker
from app.adapters.reranker.local import LocalRerankers
from app.adapters.reranker.port import Ranking
from app.kit.errors import ProviderRefused, ProviderTimeout
from app.kit.models import ModelEndpoint

WORDS = ("[PAD]", "[UNK]", "a", "new", "road", "old", "stone", "bridge")


def varint(value: int) -> Iterator[int]:
    while value > 127:
        yield value & 127 | 128
        value >>= 7
    yield value


def field(number: int, value: int | str | bytes) -> bytes:
    """One field of a protocol buffer, the format an ONNX file is written in."""
    if isinstance(value, int):
        return bytes(varint(number << 3)) + bytes(varint(value))
    data = value.encode() if isinstance(value, str) else value
    return bytes(varint(number << 3 | 2)) + bytes(varint(len(data))) + data


def node(kind: str, inputs: tuple[str, ...], output: str, *attributes: bytes) -> bytes:
    named = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind)
    return field(1, named + b"".join(field(5, attribute) for attribute in attributes))


def tensor(number: int, name: str, kind: int, *dimensions: str | int) -> bytes:
    shape = b"".join(field(1, field(1 if isinstance(size, int) else 2, size)) for size in dimensions)
    return field(number, field(1, name) + field(2, field(1, field(1, kind) + field(2, shape))))


def largest_token_model() -> bytes:
    """A classifier whose logit is the largest token id that is not masked: FLOAT = 1, INT64 = 7."""
    graph = (
        node("Mul", ("input_ids", "attention_mask"), "seen")
        + node("Cast", ("seen",), "numbers", field(1, "to") + field(3, 1) + field(20, 2))
        + node("ReduceMax", ("numbers",), "logits", field(1, "axes") + field(8, 1) + field(20, 7))
        + field(2, "largest_token")
        + tensor(11, "input_ids", 7, "texts", "tokens")
        + tensor(11, "attention_mask", 7, "texts", "tokens")
        + tensor(12, "logits", 1, "texts", 1)
    )
    return field(1, 8) + field(8, field(1, "") + field(2, 13)) + field(7, graph)


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "model.onnx").write_bytes(largest_token_model())
    return folder.parent


@pytest.fixture
async def reranker(models_dir: Path) -> AsyncGenerator[RoutedReranker]:
    local = LocalRerankers(models_dir)
    async with ProviderHttp() as http:
        yield RoutedReranker(local, http, LiteLLMGate())
    await local.aclose()


async def ask(reranker: RoutedReranker, path: Path | str, *texts: str, timeout_s: float = 10) -> Ranking:
    return await reranker.rerank(ModelEndpoint(f"onnx:{path}"), "a road", texts or ("a bridge",), timeout_s)


async def test_scores_stand_in_the_order_of_the_texts_whatever_the_batches(
    reranker: RoutedReranker, models_dir: Path
) -> None:
    texts = [text for _ in range(7) for text in ("a new road", "an old stone bridge", "a stone")]
    found = await ask(reranker, models_dir / "tiny", *texts)
    one, two, three = found.scores[:3]
    assert found.scores == (one, two, three) * 7
    assert one < three < two < 1
    assert (found.tokens, found.estimated) == (7 * (5 + 6 + 4), False)


async def test_only_the_operators_folder_is_opened(reranker: RoutedReranker, models_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (models_dir / "way-out").symlink_to(tmp_path / "elsewhere")
    refused = [
        tmp_path / "elsewhere",
        tmp_path / "not-there",
        models_dir / ".." / "elsewhere",
        models_dir / "way-out",
        models_dir,
        "models/tiny",
        "",
    ]
    for path in refused:
        with pytest.raises(ProviderRefused) as caught:
            await ask(reranker, path)
        assert str(tmp_path) not in caught.value.detail


async def test_without_a_folder_there_is_nothing_to_open(models_dir: Path) -> None:
    local = LocalRerankers(None)
    with pytest.raises(ProviderRefused, match="MINIRAG_MODELS_DIR"):
        await local.rerank(f"onnx:{models_dir / 'tiny'}", "a road", ["a bridge"])
    await local.aclose()


@pytest.mark.parametrize("damage", ["model.onnx", "tokenizer.json", "all"])
async def test_a_folder_without_a_model_says_what_it_needs(
    reranker: RoutedReranker, models_dir: Path, damage: str
) -> None:
    if damage == "all":
        with pytest.raises(RerankerUnusable):
            await ask(reranker, models_dir / "missing")
        return
    (models_dir / "tiny" / damage).write_bytes(b"not a model")
    with pytest.raises(RerankerUnusable, match=r"model\.onnx and tokenizer\.json"):
        await ask(reranker, models_dir / "tiny")


async def test_a_caller_does_not_wait_longer_than_asked(reranker: RoutedReranker, models_dir: Path) -> None:
    with pytest.raises(ProviderTimeout):
        await ask(reranker, models_dir / "tiny", timeout_s=0)
