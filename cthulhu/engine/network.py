"""Network: a graph of layers that is a layer itself. Structure, weights and configuration; `lump` adds how it learns."""

import typing

import numpy as np

from cthulhu import backend as K
from cthulhu.backend import meta
from cthulhu.callers import warn, warn_once
from cthulhu.engine import connections
from cthulhu.engine.base_layer import Layer
from cthulhu.engine.call_context import Record
from cthulhu.engine.ends import Ends
from cthulhu.engine.graph import Graph, history_of
from cthulhu.engine.input_layer import Input, InputLayer
from cthulhu.engine.layer_list import LayerList
from cthulhu.engine.node import Node, mask_of
from cthulhu.engine.operations import become_layers
from cthulhu.pictures.graph import model_html
from cthulhu.pictures.table import show_summary
from cthulhu.saving import configuration, files, pickling, reading
from cthulhu.storage import budget
from cthulhu.utils import hints
from cthulhu.utils.arguments import checked
from cthulhu.utils.generic_utils import DistinctNames, to_list, unique, unpack_singleton
from cthulhu.utils.layer_utils import all_layers, print_summary
from cthulhu.utils.notebook import in_notebook


class Network(Ends, Layer):
    """A directed acyclic graph of layers, made from its inputs and outputs; or, in a subclass, whatever its `call` does.

    Arguments:
        inputs: tensor or list of tensors from `Input`.
        outputs: tensor or list of tensors, computed from the inputs by layers.
        name: string.
    """

    untracked = ('_graph', '_last_run', '_inputs', '_outputs')
    _inputs = _outputs = None

    @checked
    def __init__(self, inputs=None, outputs=None, name=None, trainable=True, dtype=None):
        if (inputs is None) != (outputs is None):
            raise TypeError(
                '{} needs both `inputs` and `outputs`; got only {}.'.format(
                    type(self).__name__, 'outputs' if inputs is None else 'inputs'
                )
            )
        super().__init__(name=name, dtype=dtype)
        self._graph = None
        self.supports_masking = True
        if inputs is not None:
            self._set_graph(inputs, outputs)
        else:
            self._clear_graph()
        if not trainable:
            self.trainable = False

    def _clear_graph(self):
        self._graph = None
        self._inputs = self._outputs = None
        self.input_names = self.output_names = None
        self.built = False

    def _set_graph(self, inputs, outputs):
        """Become the graph between these tensors."""
        self._inputs = to_list(inputs, allow_tuple=True)
        self._outputs = to_list(outputs, allow_tuple=True)
        # The graph's draws depend on the random steps since they were made: a resumed run counts on from here.
        self.random_origin = K.random_step()
        if len({id(x) for x in self.inputs}) != len(self.inputs):
            raise ValueError(
                f'Every input of a model must be a tensor of its own, but one occurs twice in {self.inputs}.'
            )
        become_layers(self.inputs, self.outputs)
        sources = history_of(self.inputs, 'inputs')
        results = history_of(self.outputs, 'outputs')
        for x, (layer, _, _) in zip(self.inputs, sources):
            if not isinstance(layer, InputLayer):
                warn(
                    f'The inputs of model "{self.name}" should come from Input(...), but {x} is the output of layer "{layer.name}" ({type(layer).__name__}). The model starts at '
                    'that tensor; it cannot be saved as a configuration.'
                )
        self._graph = Graph(self.inputs, self.outputs)
        self._sublayers = list(self._graph.layers)
        self.input_names = [layer.name for layer, _, _ in sources]
        self.output_names = _output_names([layer.name for layer, _, _ in results])
        if len(self._inbound_nodes) == 0:
            Node(
                self,
                input_tensors=self.inputs,
                output_tensors=self.outputs,
                input_masks=[None] * len(self.inputs),
                output_masks=[mask_of(x) for x in self.outputs],
                input_shapes=[K.int_shape(x) for x in self.inputs],
                output_shapes=[K.int_shape(x) for x in self.outputs],
                arguments={},
                record=Record(),
                history=False,
            )
        self.built = True

    # -- what it is made of ------------------------------------------------------------------------------

    @property
    def is_graph(self):
        """Whether the model was made from inputs and outputs (and not by the `call` of a subclass)."""
        return self._graph is not None

    @property
    def layers(self) -> typing.List[Layer]:
        """The layers, in the order of horizontal traversal, bottom-up: a list, off which layers can be taken."""
        return LayerList(self, self.sublayers)

    def take_off(self, layer):
        """Take a layer off `layers`. What the model computes stays as it is until its `outputs` are set."""
        if not self.is_graph:
            raise TypeError(
                f'The layers of model "{self.name}" are attributes of it: delete or set those, and not items of the list `layers`.'
            )
        self._sublayers[:] = [each for each in self._sublayers if each is not layer]
        warn_once(
            self,
            'taken off',
            f'A layer was taken off the list of the layers of model "{self.name}"; what the model computes stays as it is. To end at another layer set '
            '`model.outputs = [model.layers[-1].output]`, or make another model: Lump(model.input, model.layers[-1].output).',
        )

    def get_layer(self, name: typing.Optional[str] = None, index: typing.Optional[int] = None) -> Layer:
        """Find a layer by its name or its index.

        Arguments:
            name: string, name of the layer.
            index: integer, index in the order of horizontal traversal (bottom-up); takes precedence over `name`.

        Returns:
            The layer.

        Raises:
            ValueError: if there is no such layer.
        """
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f'The model has {len(layers)} layers, so there is no layer with index {index!r}. Valid are 0 to {len(layers) - 1}.'
                )
            return layers[index]
        if name is None:
            raise ValueError('get_layer needs the `name` or the `index` of a layer.')
        for layer in layers:
            if layer.name == name:
                return layer
        by_index = f' By its place it is get_layer(index={name!r}).' if isinstance(name, int) else ''
        raise ValueError(
            f'There is no layer named {name!r}. The layers are: {", ".join(layer.name for layer in layers)}.{by_index}'
        )

    @property
    def uses_learning_phase(self):
        """Whether an output differs between training and testing."""
        return any(meta.uses_learning_phase(x) for x in self.outputs or [])

    @property
    def stateful(self):
        """Whether a layer keeps states from batch to batch."""
        return any(getattr(layer, 'stateful', False) for layer in self.sublayers)

    @stateful.setter
    def stateful(self, value):
        """A model is stateful when a layer of it is."""

    def reset_states(self):
        """Forget the states of all stateful layers."""
        for layer in self.sublayers:
            if hasattr(layer, 'reset_states') and getattr(layer, 'stateful', False):
                layer.reset_states()

    @property
    def state_updates(self):
        """The updates that the stateful layers make in predictions too."""
        owners = [pair for node in self.own_nodes for pair in node.record.updates]
        return unique([update for layer, update in owners if layer.stateful and not layer._is_metric])

    # -- weights -----------------------------------------------------------------------------------------

    def get_weights(self) -> typing.List[np.ndarray]:
        """The values of the weights, layer by layer: a list of NumPy arrays."""
        return K.batch_get_value(self._weights_by_layer())

    def _weights_by_layer(self):
        return unique(self.own_weights + [w for layer in self.layers for w in layer.weights])

    def set_weights(self, weights: typing.Iterable[hints.Data]) -> None:
        """Set the weights from a list of arrays, in the order and with the shapes of `get_weights()`.

        Raises:
            ValueError: if the number of arrays or a shape is not right; then nothing is set.
        """
        variables = self._weights_by_layer()
        weights = list(weights)
        if len(weights) != len(variables):
            raise ValueError(
                f'Model "{self.name}" has {len(variables)} weight array(s), but set_weights was given {len(weights)}. Expected the shapes {[K.int_shape(v) for v in variables]}.'
            )
        places = {id(v): i for i, v in enumerate(variables)}
        for layer in self.layers:
            for variable in layer.weights:
                value = weights[places[id(variable)]]
                if tuple(K.int_shape(variable)) != np.shape(value):
                    raise ValueError(
                        f'Layer "{layer.name}", weight "{variable.name}": expected an array of shape {tuple(K.int_shape(variable))}, but set_weights was given one of shape {np.shape(value)}.'
                    )
        K.batch_set_value(list(zip(variables, weights)))

    # -- files: what these do is in `saving` ---------------------------------------------------------------

    @checked
    def save(self, filepath: hints.Place, overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Save the model: configuration, weights and, if it is conjured, how it is trained and the state of the optimizer.

        Arguments:
            filepath: path of an HDF5 file in the layout of Keras 2.3 ('.keras' at its end: an archive of Keras 3); or an open `h5py.File` or
                `h5py.Group`, or a stream with `write` for bytes. A file is replaced whole, or left as it was.
            overwrite: whether a file that is there is replaced; if not, the user is asked.
            include_optimizer: whether to save how the model is trained, too.

        Raises:
            NotImplementedError: for a model made by subclassing; save its weights instead.
            FileExistsError: if the user should be asked, and there is no terminal.
        """
        files.save_model(self, filepath, overwrite, include_optimizer)

    @checked
    def save_weights(self, filepath: hints.Place, overwrite: bool = True) -> None:
        """Save the weights alone.

        Arguments:
            filepath: as for `save`; with '.weights.h5' at its end the layout is that of Keras 3, with '.safetensors' it is such a file.
            overwrite: whether a file that is there is replaced; if not, the user is asked.
        """
        self._require_weights('saved')
        files.save_weights(self, filepath, overwrite)

    @checked
    def load_weights(
        self, filepath: hints.Place, by_name: bool = False, skip_mismatch: bool = False, reshape: bool = False
    ) -> hints.Loaded:
        """Load weights from a file of weights, or of a model.

        Arguments:
            filepath: path; or an open `h5py.File` or `h5py.Group`, or a stream with `read` for bytes.
            by_name: whether weights go to the layers of the same names; else to the layers in their order, leaving out those without weights.
            skip_mismatch: whether layers that do not fit are left as they are, with a warning.
            reshape: whether an array with the right number of elements may be reshaped to fit.

        Returns:
            A pair: the list of the names of the layers that were loaded, and a dict with the names of those that were not and why.

        Raises:
            ValueError: if the weights do not fit, or the file is damaged or not to be trusted; no weight is changed then.
        """
        self._require_weights('loaded')
        return files.load_weights(self, filepath, by_name, skip_mismatch, reshape)

    def _require_weights(self, what):
        if not self.built:
            raise ValueError(
                f'The weights of model "{self.name}" cannot be {what} before they are made: call `build(input_shape)`, or let it see data, first.'
            )

    def to_json(self, **kwargs: typing.Any) -> str:
        """The configuration as JSON text, for `model_from_json`. Arguments are those of `json.dumps`."""
        return configuration.to_json(self, **kwargs)

    def to_yaml(self, **kwargs: typing.Any) -> str:
        """The configuration as YAML text, for `model_from_yaml`. Arguments are those of `yaml.dump`. Needs PyYAML."""
        return configuration.to_yaml(self, **kwargs)

    def __getstate__(self):
        return pickling.state_of(self)

    def __setstate__(self, state):
        pickling.restore(self, state)

    # -- losses and updates: those of the calls that make up this graph -------------------------------------

    @property
    def layer_graph(self):
        """The `Graph` of the layers; None for a model whose `call` was written in a subclass."""
        return self._graph

    @property
    def own_nodes(self):
        """The nodes whose losses, updates and metrics are those of this model, applied to its own inputs."""
        return self._graph.nodes if self.is_graph else self._inbound_nodes[-1:]

    @property
    def losses(self):
        """The scalar tensors that layers add to what is minimised."""
        return self._all('losses', self.own_nodes)

    @property
    def updates(self):
        """The updates that layers make at each step of training."""
        return self._all('updates', self.own_nodes)

    def metric_pairs(self):
        """(metric, result tensor) of what layers report, for this model's own inputs."""
        found = [(metric, result) for layer in self.all_layers() for _, metric, result in layer._metric_results]
        for node in self.own_nodes:
            found.extend((metric, result) for _, metric, result in node.record.metrics)
        seen = set()
        return [pair for pair in found if not (id(pair[1]) in seen or seen.add(id(pair[1])))]

    def metric_updates(self):
        """The updates behind those results."""
        inside = [update for node in self.own_nodes for owner, update in node.record.updates if owner._is_metric]
        added = [
            update for layer in self.all_layers() for _, metric, _ in layer._metric_results for update in metric.updates
        ]
        return unique(inside + added)

    def all_layers(self):
        """This model and all the layers in it, at any depth: list, each once."""
        return all_layers(self)

    # -- the model as a layer ------------------------------------------------------------------------------

    def build(self, input_shape=None):
        """Make the weights of a model whose `call` was written in a subclass, for inputs of the given shape (or list of shapes)."""
        if self.is_graph or self.inputs is not None:
            return
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        if input_shape is None or any(shape is None for shape in shapes):
            raise ValueError(
                f'Model "{self.name}" cannot be built without the shape of its inputs: build(input_shape=(None, ...)).'
            )
        self.build_on([Input(batch_shape=tuple(shape)) for shape in shapes])

    def build_on(self, inputs):
        """Run a subclass's `call` on input tensors, once, and keep what comes out as the outputs."""
        self.built = True
        outputs = to_list(self(unpack_singleton(inputs)), allow_tuple=True)
        self._inputs = list(inputs)
        self._outputs = outputs
        self.input_names = [f'input_{i + 1}' for i in range(len(inputs))]
        self.output_names = [f'output_{i + 1}' for i in range(len(outputs))]

    def _maybe_build(self, inputs):
        self.built = self.built or not self.is_graph  # the layers of a subclass build themselves as `call` reaches them
        super()._maybe_build(inputs)

    def call(self, inputs, mask=None):
        """Apply the layers to new inputs; `mask` is the mask, or list of masks, of the inputs."""
        if not self.is_graph:
            raise NotImplementedError(
                f'Model "{self.name}" ({type(self).__name__}) was made without inputs and outputs, so it needs a `call(self, inputs)` method that computes its outputs.'
            )
        return unpack_singleton([x for x, _ in self._run_layers(inputs, mask)])

    def compute_mask(self, inputs, mask=None):
        if not self.is_graph:
            return None
        masks = [found for _, found in self._run_layers(inputs, mask, masks_only=True)]
        return unpack_singleton(masks)

    def _run_layers(self, inputs, mask, masks_only=False):
        """The (tensor, mask) of each output for new inputs. What `call` computed is kept for the `compute_mask` that follows it."""
        inputs = to_list(inputs)
        masks = to_list(mask) if mask is not None else [None] * len(inputs)
        key = [id(x) for x in inputs + masks]
        last = self.__dict__.get('_last_run')
        if masks_only and last is not None and last[0] == key:
            return last[1]
        if len(inputs) != len(self.inputs):
            raise ValueError(f'Model "{self.name}" takes {len(self.inputs)} input(s), but was called on {len(inputs)}.')
        results = self._graph.run(_apply_layer, list(zip(inputs, masks)))
        self._last_run = (key, results, inputs, masks)  # the tensors are kept alive so that an id stays theirs
        return results

    def compute_output_shape(self, input_shape):
        if not self.is_graph:
            shape = unpack_singleton([K.int_shape(x) for x in self.outputs]) if self.outputs else None
            return shape

        def visit(node, shapes, _):
            budget.draw('calls', 1, 'A shape in a model in a model')
            return _shape_list(node.outbound_layer.compute_output_shape(unpack_singleton(shapes)))

        return unpack_singleton(self._graph.run(visit, _shape_list(input_shape)))

    # -- configuration -------------------------------------------------------------------------------------

    def get_config(self) -> typing.Dict[str, typing.Any]:
        """The layers, their settings and connections: a dict that `from_config` takes and that can be written as JSON."""
        if not self.is_graph:
            raise NotImplementedError(
                f'Model "{self.name}" was made by subclassing, so its structure is in its Python code and there is no configuration of it. Save '
                'its weights, or define `get_config` and `from_config` in the class.'
            )
        kept = {id(each) for each in self._sublayers}
        gone = [each.name for each in self._graph.layers if id(each) not in kept]
        if gone:
            raise ValueError(
                f'The outputs of model "{self.name}" still need what was taken off its list of layers ({", ".join(gone)}), so that it cannot be described '
                'without them. Set `model.outputs`, or make another model: Lump(model.input, model.layers[-1].output).'
            )
        return connections.settings_of(self)

    def node_numbers(self):
        """Node -> its number among the nodes of its layer that are in this graph. A model's own node, its first, counts."""
        wanted = set(self.own_nodes)
        numbers = {}
        for layer in self.layers:
            own = [node for node in layer.inbound_nodes if node in wanted]
            numbers.update(zip(own, range(1 if isinstance(layer, Network) else 0, len(own) + 1)))
        return numbers

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make a model from the result of `get_config`.

        Arguments:
            config: dict.
            custom_objects: dict, name -> class or function that is not the library's own.

        Raises:
            ValueError: if a layer is not known, or the connections lead nowhere.
        """
        if not isinstance(config, dict):
            raise TypeError(f'config: expected the dict that `get_config()` gives; got {config!r}.')
        inputs, outputs = reading.configuration(lambda config: connections.tensors_of(config, custom_objects), config)
        return cls(inputs=inputs, outputs=outputs, name=config.get('name'))

    def summary(
        self,
        line_length: typing.Optional[int] = None,
        positions: typing.Optional[typing.Sequence[float]] = None,
        print_fn: typing.Optional[typing.Callable[[str], typing.Any]] = None,
        expand_nested: bool = False,
    ) -> None:
        """Print a table of the layers, the shapes of their outputs and the numbers of their parameters.

        Arguments:
            line_length: width of the table in characters; wide enough for the longest name if left out.
            positions: where the columns end: fractions of the width, or characters.
            print_fn: function that gets each line; `print` if left out.
            expand_nested: whether the layers of models inside the model are listed too.

        In a notebook, where none of these is given, it is shown as a table of the page.
        """
        if not self.built:
            raise ValueError(
                f'Model "{self.name}" has no layers to show yet: it is not built. Call `build(input_shape)`, summon it on data, or give the first layer `input_shape`.'
            )
        if line_length is None and positions is None and print_fn is None and in_notebook():
            show_summary(self, expand_nested)
        else:
            print_summary(self, line_length, positions, print_fn, expand_nested)

    def _repr_html_(self):
        """The picture of the graph that a notebook shows."""
        return model_html(self)


def _output_names(layer_names):
    """The name of each output: that of its layer, numbered where a layer has several outputs."""
    found = DistinctNames()
    for name in layer_names:
        found.add(name)
    return list(found)


def _apply_layer(node, values, keywords):
    """Apply the layer of `node` to (tensor, mask) values, without leaving a node in the layer."""
    inputs = [x for x, _ in values]
    masks = [mask for _, mask in values]
    arguments = node.arguments_with([x for x, _ in keywords])
    layer = node.outbound_layer
    # Tensors of other shapes than the model's inputs may come.
    if layer.input_spec and len(to_list(layer.input_spec)) == len(inputs):
        layer.assert_input_compatibility(node.as_called(inputs))
    outputs, output_masks, _ = layer.apply_to(node.as_called(inputs), masks, arguments)
    return list(zip(to_list(outputs), output_masks))


def _shape_list(shapes):
    """A list of shapes from one shape or a list of them."""
    return list(shapes) if isinstance(shapes, list) else [shapes]
