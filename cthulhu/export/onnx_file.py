"""ONNX: models as files for runtimes of many kinds."""

from cthulhu import backend as K
from cthulhu.export.checks import ExportError, check_model, check_place
from cthulhu.storage import atomic
from cthulhu.utils.arguments import checked
from cthulhu.version import __version__

_OLDEST = 13  # of the operations as they are written here
_MOST_BYTES = 2**31 - 2**20  # a file holds less than 2 GB; some of it is not weights


@checked
def export_onnx(model, path, opset=17, overwrite=False):
    """Write what a model predicts as an ONNX file.

    The inputs and outputs of the graph have the names `model.input_names` and `model.output_names` and the shapes of the model's; sizes that are
    open stay open. Layers are written one by one, from their settings and weights, so any backend will do. The file is replaced whole or not at
    all.

    Arguments:
        model: a built model of layers that `docs/export.md` lists.
        path: path of the file.
        opset: int, 13 or more, the version of ONNX's operations; a runtime must be new enough for it.
        overwrite: whether to replace a file that is there.

    Raises:
        ImportError: if the package onnx is not installed.
        FileExistsError: if something is there and `overwrite` is False.
        ValueError: for a model that is not built, was not made of inputs and outputs, is stateful, has more than 2 GB of weights, or has a layer
            that ONNX has no operations for, or none that are written here; the message names it.

    Source: https://onnx.ai/onnx/operators
    """
    try:
        import onnx
    except ImportError:
        raise ImportError(
            'export_onnx needs the package onnx, which is not installed. Install it: pip install onnx onnxruntime (on Python 3.11 or newer).'
        ) from None
    newest = onnx.defs.onnx_opset_version()
    if isinstance(opset, bool) or not isinstance(opset, int) or not _OLDEST <= opset <= newest:
        raise ValueError(
            f'opset: expected a number from {_OLDEST} to {newest}, the newest that the package onnx {onnx.__version__} knows, got {opset!r}.'
        )
    check_model(model)
    path = check_place(path, overwrite)
    content = _made(model, opset)
    onnx.checker.check_model(content)
    atomic.write(path, content.SerializeToString())


def _made(model, opset):
    """The `ModelProto` of a model."""
    from onnx import helper

    from cthulhu.export.onnx_graph import Value, Writer
    from cthulhu.export.onnx_layers import convert

    variables = {id(w): w for layer in model.all_layers() for w in layer.weights}
    values = dict(zip(variables, K.batch_get_value(list(variables.values()))))
    if sum(value.nbytes for value in values.values()) > _MOST_BYTES:
        raise ExportError(
            f'Model "{model.name}" has more than 2 GB of weights, the most that an ONNX file can hold. Export parts of it, or use '
            'export_saved_model.'
        )
    writer = Writer(opset, values)
    inputs = [
        Value(writer.unique(name), K.int_shape(x), K.dtype(x)) for name, x in zip(model.input_names, model.inputs)
    ]
    names = [writer.unique(name) for name in model.output_names]
    outputs = convert(writer, model, inputs)
    graph = writer.finish(model.name, inputs, list(zip(names, outputs)))
    versions = [helper.make_operatorsetid('', opset)]
    return helper.make_model(
        graph,
        opset_imports=versions,
        ir_version=helper.find_min_ir_version_for(versions),  # the newest would shut out older runtimes
        producer_name='cthulhu',
        producer_version=__version__,
    )
