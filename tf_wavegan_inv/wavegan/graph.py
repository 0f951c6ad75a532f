"""What can be read off TensorFlow 1 graph files without running them: `infer.meta`, a frozen `.pb`."""

import pathlib
import re

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.wavegan.config import SLICE_LENS


def read_graph(path):
    """The GraphDef of a `.meta` or `.pb` file.

    Raises:
        UserError: if the file is neither, or has no nodes.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

    path = pathlib.Path(path)
    is_meta = path.suffix == ".meta"
    message = MetaGraphDef() if is_meta else GraphDef()
    try:
        message.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise UserError(f"{path} is not a TensorFlow {'MetaGraphDef' if is_meta else 'GraphDef'}, or is cut short: {error}") from None
    graph = message.graph_def if is_meta else message
    if not graph.node:
        raise UserError(f"{path} holds no graph nodes: a frozen WaveGAN graph (.pb), or infer.meta, is needed.")
    return graph


def constants(graph):
    """Floating-point constants of a frozen graph, undecoded: dict of name to TensorProto."""
    from tensorflow.core.framework import types_pb2

    floats = (types_pb2.DT_FLOAT, types_pb2.DT_HALF, types_pb2.DT_BFLOAT16, types_pb2.DT_DOUBLE)
    return {node.name: node.attr["value"].tensor for node in graph.node if node.op == "Const" and node.attr["value"].tensor.dtype in floats}


def slice_len_of(graph):
    """Samples that the generator in a graph makes, or None if the graph does not show it.

    They are the static shape of `G_z`, or follow from the factor of the last of six upsampling layers: 2 or 4.
    """
    return _from_output_shape(graph) or _from_last_layer(graph)


def _from_output_shape(graph):
    for node in graph.node:
        if node.name == "G_z" and node.attr["_output_shapes"].list.shape:
            sizes = [dim.size for dim in node.attr["_output_shapes"].list.shape[0].dim]
            if len(sizes) == 3 and sizes[1] in SLICE_LENS:
                return sizes[1]
    return None


def _from_last_layer(graph):
    import tensorflow as tf

    nodes = {node.name: node for node in graph.node}
    for node in graph.node:
        layer = re.match(r"(?:.*/)?G(?:_\d+)?/upconv_5/", node.name)
        if layer and node.op == "Conv2DBackpropInput":
            return {2: 32768, 4: 65536}.get(max(node.attr["strides"].list.i))
        if layer and node.op == "ResizeNearestNeighbor":
            size = nodes.get(node.input[1])
            if size is not None and size.op == "Const":
                samples = int(tf.make_ndarray(size.attr["value"].tensor)[-1])
                return samples if samples in SLICE_LENS else None
    return None
