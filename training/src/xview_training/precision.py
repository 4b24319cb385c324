"""The same bundle in fewer bits: fp16 for GPUs, int8 for processors, by ONNX Runtime's own tools.

fp16: both graphs, with norms, softmax and unit vectors kept in fp32. Inputs, outputs and with them the memory stay
fp32, so every precision has one contract. int8: the step graph's products with weights, the weights quantised once
a column, the activations as they come; convolutions are left, they became slower. The goal graph stays fp32: it runs
once a goal, and its error would last as long. Knows no policy; whether the result is good enough is parity.py's word.

    bundle = in_precision(bundle, "int8")
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel
from xview_deploy.bundle import Bundle
from xview_deploy.spec import PRECISIONS

from xview_training.naming import named

# Exponentials and sums of squares exceed what fp16 holds; all after the norms and softmax is how unit vectors are made.
KEPT_IN_FP32 = ("LayerNormalization", "Softmax", "ReduceMean", "ReduceSum", "Pow", "Sqrt", "Clip", "Div")
LARGEST_HALF = 1e4  # constants beyond, which mask attention, are cut to this: sums with them stay finite


def in_precision(bundle: Bundle, precision: str) -> Bundle:
    """That fp32 bundle in the precision of that name; ValueError names the nearest one."""
    convert = named(dict(zip(PRECISIONS, (_as_it_is, _half, _eight_bits), strict=True)), precision, "precision")
    changed = convert(bundle)
    return dataclasses.replace(changed, metadata=dataclasses.replace(bundle.metadata, precision=precision))


def _as_it_is(bundle: Bundle) -> Bundle:
    return bundle


def _half(bundle: Bundle) -> Bundle:
    return dataclasses.replace(bundle, goal=half(bundle.goal), step=half(bundle.step))


def _eight_bits(bundle: Bundle) -> Bundle:
    return dataclasses.replace(bundle, step=eight_bits(bundle.step))


def half(model: bytes) -> bytes:
    """The ONNX model in fp16 with fp32 inputs and outputs."""
    converted = convert_float_to_float16(
        onnx.load_model_from_string(model),
        max_finite_val=LARGEST_HALF,
        keep_io_types=True,
        op_block_list=[*DEFAULT_OP_BLOCK_LIST, *KEPT_IN_FP32],
    )
    del converted.graph.value_info[:]  # it still tells of types that are no more
    _drop_repeated_nodes(converted)
    OnnxModel(converted).topological_sort()
    return bytes(converted.SerializeToString())


def _drop_repeated_nodes(model: onnx.ModelProto) -> None:
    """The converter casts a tensor anew for each reader, under one name, which ONNX Runtime refuses."""
    unique = {tuple(node.output): node for node in reversed(model.graph.node)}
    nodes = list(reversed(unique.values()))
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def eight_bits(model: bytes) -> bytes:
    """The ONNX model with products with weights in int8."""
    proto = onnx.load_model_from_string(model)
    del proto.graph.value_info[:]  # the tool transposes weights and stumbles over their written shapes
    with tempfile.TemporaryDirectory() as folder, _silence():
        path = Path(folder) / "int8.onnx"
        # Seven bits a weight: with eight, processors without VNNI saturate, and no report made here holds there.
        quantize_dynamic(proto, path, ["MatMul"], per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
        return path.read_bytes()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The tool recommends a preparation by which these graphs do not gain."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
