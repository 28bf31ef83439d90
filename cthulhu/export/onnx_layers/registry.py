"""Which function writes which layer, and how a layer or a model is written."""

from cthulhu import backend as K
from cthulhu import names
from cthulhu.engine.network import Network
from cthulhu.export.checks import ExportError
from cthulhu.export.onnx_graph import Value
from cthulhu.utils.generic_utils import to_list, unpack_singleton

#: Class of a layer -> function (writer, layer, list of Values) -> Value or list of them.
CONVERTERS = {}
#: Class -> function (writer, layer, list of Values, node of the call, dict of its arguments, with Values among them) -> the same.
WITH_ARGUMENTS = {}
_MASKS = {}


def converts(*classes):
    """Decorator for the function that writes layers of these classes; of these alone, as subclasses may compute something else."""

    def register(function):
        CONVERTERS.update((cls, function) for cls in classes)
        return function

    return register


def with_arguments(*classes):
    """Decorator for the function that writes layers of these classes with the arguments that they are called with."""

    def register(function):
        WITH_ARGUMENTS.update((cls, function) for cls in classes)
        return function

    return register


def masks(*classes):
    """Decorator for a function (writer, layer, list of Values, list of the Values made of them) -> the mask of each output: None, or a function
    that makes it.

    Other layers hand the mask of their input on.
    """

    def register(function):
        _MASKS.update((cls, function) for cls in classes)
        return function

    return register


def convert(writer, layer, inputs, arguments=None, node=None):
    """Write a layer, or a model, on a list of Values; returns the list of Values that it makes.

    Raises:
        ExportError: for what cannot be written.
    """
    if type(layer) in WITH_ARGUMENTS and node is not None:
        with writer.scope(layer.name):
            made = WITH_ARGUMENTS[type(layer)](writer, layer, inputs, node, dict(arguments or {}))
        shapes = [K.int_shape(x) for x in node.output_tensors]
        return _with_masks(writer, layer, inputs, to_list(made, allow_tuple=True), shapes)
    _check_arguments(layer, arguments or {})
    if isinstance(layer, Network):
        return _convert_model(writer, layer, inputs)
    converter = CONVERTERS.get(type(layer))
    if converter is None:
        raise ExportError(
            f'Layer "{layer.name}" ({names.keras_name(type(layer))}) cannot be written as ONNX. Replace it by layers that can be (docs/export.md lists them), end the model '
            'before it, or use export_saved_model, which writes every layer.'
        )
    with writer.scope(layer.name):
        made = to_list(converter(writer, layer, inputs), allow_tuple=True)
    shapes = layer.compute_output_shape(unpack_singleton([x.shape for x in inputs]))
    return _with_masks(writer, layer, inputs, made, shapes if isinstance(shapes, list) else [shapes])


def _with_masks(writer, layer, inputs, made, shapes):
    """What a layer made, in shapes that are known, with its masks."""
    given = _MASKS.get(type(layer), _passed_on)(writer, layer, inputs, made)
    given = list(given) if isinstance(given, (list, tuple)) else [given]
    given += [None] * (len(made) - len(given))
    return [Value(x.name, shape, x.dtype, mask) for x, shape, mask in zip(made, shapes, given)]


def _convert_model(writer, model, inputs):
    if not model.is_graph or type(model).call is not Network.call:
        raise ExportError(
            f'Model "{model.name}" computes in its own `call`, which cannot be read layer by layer. Make it of inputs and outputs, or use '
            'export_saved_model.'
        )

    def visit(node, values, keywords):
        return convert(writer, node.outbound_layer, values, node.arguments_with(keywords), node)

    return model.layer_graph.run(visit, inputs)


def _check_arguments(layer, arguments):
    for name, value in arguments.items():
        if value is None or name == 'training' and not hasattr(value, 'dtype') and not value:
            continue
        raise ExportError(
            f'Layer "{layer.name}" was called with {name}={value!r}, which cannot be written as ONNX. Call it without, or use export_saved_model.'
        )


def _passed_on(writer, layer, inputs, made):
    return [inputs[0].mask] if layer.supports_masking else [None]


def once(make):
    """`make`, run when it is first called; its result is kept."""
    kept = []

    def made():
        if not kept:
            kept.append(make())
        return kept[0]

    return made
