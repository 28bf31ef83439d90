"""Models, and what is done with whole models."""

import re
import typing

from cthulhu import backend as K
from cthulhu import names, registry
from cthulhu.backend import meta
from cthulhu.engine.input_layer import Input, InputLayer
from cthulhu.engine.lump import Lump
from cthulhu.engine.pile import Pile
from cthulhu.saving import configuration, files, keras3_config, reading
from cthulhu.saving.files import save_model
from cthulhu.storage import budget, texts
from cthulhu.storage.errors import explained
from cthulhu.utils import hints
from cthulhu.utils.arguments import checked
from cthulhu.utils.generic_utils import to_list

__all__ = [
    'Input',
    'Lump',
    'Pile',
    'clone_model',
    'load_model',
    'model_from_config',
    'model_from_json',
    'model_from_yaml',
    'save_model',
]


_Made = typing.TypeVar('_Made', bound=Lump)
_CustomObjects = typing.Optional[typing.Mapping[str, typing.Any]]


def clone_model(model: _Made, input_tensors: typing.Optional[hints.Tensor] = None) -> _Made:
    """Make a model of the same layers with weights of its own, freshly initialised.

    Arguments:
        model: a Lump or Pile.
        input_tensors: list of tensors to build the clone on (from `Input`, or of the framework); new inputs if left out.

    Returns:
        A model of the same class.

    Raises:
        ValueError: if `model` is not a model, or was made by subclassing, so that only its Python code knows its structure.
    """
    if not isinstance(model, Lump):
        raise ValueError(f'clone_model takes a Lump or a Pile; got {model!r} ({type(model).__name__}).')
    if not isinstance(model, Pile) and not model.is_graph:
        raise ValueError(
            f'Model "{model.name}" was made by subclassing, so it cannot be cloned. Make another instance of {type(model).__name__}.'
        )
    with registry.layers.writing(model), registry.layers.reading():
        return _clone(model, input_tensors)


def _clone(model, input_tensors=None):
    if input_tensors is not None:
        input_tensors = [_as_input(x, index) for index, x in enumerate(to_list(input_tensors, allow_tuple=True))]
    if isinstance(model, Pile):
        return _clone_pile(model, input_tensors)
    if input_tensors is None:
        input_tensors = [
            Input(batch_shape=K.int_shape(x), dtype=K.dtype(x), sparse=K.is_sparse(x), name=meta.get_history(x)[0].name)
            for x in model.inputs
        ]
    if len(input_tensors) != len(model.inputs):
        raise ValueError(f'The model has {len(model.inputs)} input(s), but `input_tensors` has {len(input_tensors)}.')
    clones = {}

    def visit(node, tensors, keywords):
        layer = node.outbound_layer
        if layer not in clones:
            clones[layer] = _clone_layer(layer)
        return to_list(clones[layer](node.as_called(tensors), **node.arguments_with(keywords)))

    outputs = model.layer_graph.run(visit, input_tensors)
    return type(model)(input_tensors, outputs, name=model.name)


def _clone_layer(layer):
    def make():
        configuration.check_settings(layer)
        return clone_model(layer) if isinstance(layer, Lump) else type(layer).from_config(layer.get_config())

    return registry.layers.once(layer, make)


def _clone_pile(model, input_tensors):
    clone = type(model)(name=model.name)
    if input_tensors is not None:
        if len(input_tensors) != 1:
            raise ValueError(f'A Pile has one input, but `input_tensors` has {len(input_tensors)}.')
        clone.add(meta.get_history(input_tensors[0])[0])
    elif model.is_graph and not hasattr(model.layers[0] if model.layers else model, 'batch_input_shape'):
        clone.add(
            InputLayer(
                batch_input_shape=K.int_shape(model.inputs[0]),
                dtype=K.dtype(model.inputs[0]),
                name=model.input_names[0],
            )
        )
    for layer in model.layers:
        clone.add(_clone_layer(layer))
    return clone


def _as_input(x, index):
    """An input tensor of layers, made of `x` if it is a bare tensor of the framework."""
    history = meta.get_history(x)
    if history is not None and isinstance(history[0], InputLayer):
        return x
    return Input(tensor=x, name='input_wrapper_{}'.format(K.get_uid('input_wrapper')))


@checked
def load_model(
    filepath: hints.Place, custom_objects: _CustomObjects = None, compile: bool = True, safe_mode: bool = True
) -> Lump:
    """Load a model that was saved by this library, by Keras 1 to 3, or by tf.keras.

    Nothing in the file is run: classes and functions are only those of the library and of `custom_objects`. Code of functions (in LuKthu layers) is loaded with
    `safe_mode=False` only; do that with files that you made yourself.

    Arguments:
        filepath: path; or an open `h5py.File` or `h5py.Group`, a dict, or a stream with `read` for bytes.
        custom_objects: dict, name -> class or function that is not the library's own.
        compile: whether the model is conjured as the file says, and its optimizer goes on from its state.
        safe_mode: False lets code in the file run.

    Returns:
        A Lump or Pile.

    Raises:
        FileNotFoundError: if there is no such file.
        cthulhu.saving.UnsafeFileError: if the file would run code, reach outside of itself, or declares more than it holds.
        cthulhu.saving.ModelFileError: if it is damaged, or has classes that are not known. Both are ValueErrors.
        ImportError: if h5py is not installed.
    """
    return files.load_model(filepath, custom_objects, compile, safe_mode)


@checked
def model_from_config(
    config: typing.Mapping[str, typing.Any], custom_objects: _CustomObjects = None, safe_mode: bool = True
) -> Lump:
    """Make a model from a configuration: `{'class_name': 'Model' or 'Sequential', 'config': model.get_config()}`.

    Arguments:
        config: dict, written by this library, by Keras or by tf.keras.
        custom_objects: dict, name -> class or function that is not the library's own.
        safe_mode: False lets code of functions in it run, where it is not that of a function of this program.

    Raises:
        TypeError: for a bare list, the configuration of a Pile without its class name.
        ValueError: if it is no configuration of a model, or has classes that are not known.
    """
    if isinstance(config, list):
        raise TypeError(
            '`model_from_config` takes a dict with "class_name" and "config", not a list. For the configuration of a Pile use `Pile.from_config(config)`.'
        )
    with explained('The configuration'):
        texts.check_size(config, 'The configuration')

        def make(config):
            return configuration.layer_from(config, custom_objects)

        if safe_mode is False:
            return reading.file(make, config, False, None, custom_objects)
        return reading.configuration(make, config)


@checked
def model_from_json(json_string: str, custom_objects: _CustomObjects = None, safe_mode: bool = True) -> Lump:
    """Make a model, with new weights, from what `Lump.to_json` gave.

    Arguments:
        json_string: text.
        custom_objects: dict, name -> class or function that is not the library's own.
        safe_mode: False lets code of functions in it run.

    Raises:
        ValueError: if it is no configuration of a model, has classes that are not known, or code that may not run.
    """
    return _model_from_text('json', json_string, custom_objects, safe_mode)


@checked
def model_from_yaml(yaml_string: str, custom_objects: _CustomObjects = None, safe_mode: bool = True) -> Lump:
    """Make a model, with new weights, from what `Lump.to_yaml` gave. Arguments and errors as for `model_from_json`. Needs PyYAML."""
    return _model_from_text('yaml', yaml_string, custom_objects, safe_mode)


def _model_from_text(kind, text, custom_objects, safe_mode):
    if isinstance(text, str) and re.match(r'[^\n{}\[\]]*\.(json|ya?ml|h5|hdf5|keras)$', text):
        raise ValueError(
            f'{kind}_string: expected the text that `to_{kind}()` gave; got {text!r}, which looks like the name of a file: '
            f'`model_from_{kind}(open({text!r}).read())`, or `load_model` for a whole model.'
        )
    parse = texts.parse_json if kind == 'json' else texts.parse_yaml
    length = len(text) if isinstance(text, (str, bytes)) else 0

    def make(text):
        config = parse(text)
        if isinstance(config, dict) and 'registered_name' in config and 'keras_version' not in config:
            config = keras3_config.in_our_words(config)  # Keras 3 alone does not say which version it is
        return configuration.layer_from(config, custom_objects)

    with explained('The configuration'), budget.opened(text=length):
        return reading.file(make, text, safe_mode, None, custom_objects)


names.add_aliases(globals())
if typing.TYPE_CHECKING:  # what `add_aliases` makes
    Model, Sequential = Lump, Pile
