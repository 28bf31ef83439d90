"""What other people's code reads of layers and models of Keras 2 under names that are not public, told from what is.

`of(layer, name)` gives it. Lists are of the moment: changing one would change nothing and is refused, as is setting what would not be heard.
"""

from cthulhu import backend as K
from cthulhu.backend import meta
from cthulhu.utils.generic_utils import unique, unpack_singleton


class Told(list):
    """A list that is made when it is asked for. It does not take changes, which the model would not hear of; copies of it do."""

    def _refuse(self, *args, **kwargs):
        raise TypeError(
            'This list is made when it is asked for, so that changing it changes nothing. Give `conjure` the metric or `add_metric` the tensor that shall be '
            'reported; make a K.function for other inputs and outputs; take list(...) for a list of your own.'
        )

    def __reduce__(self):
        return list, (list(self),)

    append = extend = insert = remove = pop = clear = reverse = sort = __setitem__ = __delitem__ = __iadd__ = (
        __imul__
    ) = _refuse


def _conjured(model, name):
    if not model.is_conjured:
        raise AttributeError(
            f'Model "{model.name}" has no {name} before it is conjured: model.conjure(optimizer, loss).'
        )
    return model.conjuring


def _needs(name, read):
    """A door to something of the model's Conjuring."""
    return name, lambda model: read(_conjured(model, name))


def _fed(name, kind, read=lambda feed: feed.tensor):
    """A door to what a step of training is fed."""
    return name, lambda model: Told(read(feed) for feed in _conjured(model, name).program.feeds if feed.kind == kind)


def _inputs(model):
    return [(name, x) for name, x in zip(model.input_names or (), model.inputs or ()) if K.is_placeholder(x)]


def _makers(tensors):
    return Told(meta.get_history(x)[0] for x in tensors or () if meta.get_history(x) is not None)


def _by_depth(depths):
    found = {}
    for item, depth in depths.items():
        found.setdefault(depth, []).append(item)
    return found


def _nodes_by_depth(model):
    return _by_depth({} if model.layer_graph is None else model.layer_graph.depth)


def _layers_by_depth(model):
    return _by_depth({} if model.layer_graph is None else model.layer_graph.layer_depth)


def _layers(model):
    """The layers, that of the input too, which a Pile does not count among its own."""
    return Told(unique([*_makers(model.inputs if model.layer_graph else ()), *model.layers]))


def _per_inputs(read):
    """Key of the inputs of each call, as Keras makes it, -> what belongs to that call; None -> what belongs to none."""

    def found(layer):
        calls = {
            ', '.join(str(abs(id(x))) for x in node.input_tensors): node.input_tensors for node in layer.inbound_nodes
        }
        made = {key: read(layer, tensors) for key, tensors in calls.items()}
        made[None] = read(layer, None)
        return {key: items for key, items in made.items() if items}

    return found


def _standardize_user_data(model):
    def standardize(x, y=None, sample_weight=None, class_weight=None, check_array_lengths=True, batch_size=None):
        """(inputs, targets, weights): lists of the arrays that a step is fed."""
        if y is None:
            return model.input_arrays(x), [], []
        pairs = model.batch_arrays(x, y, sample_weight, class_weight)
        lists = tuple([array for feed, array in pairs if feed.kind == kind] for kind in ('input', 'target', 'weights'))
        samples = lists[0][0].shape[0] if lists[0] else 0
        if model.stateful and batch_size and samples % batch_size:
            raise ValueError(
                f'A stateful model needs a number of samples that is a multiple of the batch size: got {samples} samples in batches of {batch_size}.'
            )
        return lists

    return standardize


def _shape_of(layer):
    return lambda tensors: unpack_singleton(
        [K.int_shape(x) for x in (tensors if isinstance(tensors, (list, tuple)) else [tensors])]
    )


def _setting(name, setting):
    return name, lambda model: (_conjured(model, name), model.settings[setting])[1]


#: name -> function of the layer or model.
DOORS = dict(
    [
        _fed('_feed_sample_weights', 'weights'),
        _fed('_feed_targets', 'target'),
        _fed('_feed_outputs', 'target', lambda feed: feed.spec.output),
        _fed('_feed_output_names', 'target', lambda feed: feed.name),
        _needs('_collected_trainable_weights', lambda conjuring: Told(conjuring.trained_weights)),
        _needs('loss_functions', lambda conjuring: Told(spec.loss for spec in conjuring.specs)),
        _needs('metrics_tensors', lambda conjuring: Told(conjuring.program.metric_results)),
        _needs('metrics_updates', lambda conjuring: Told(conjuring.program.metric_updates)),
        _needs('stateful_metric_functions', lambda conjuring: Told(conjuring.metrics)),
        _setting('_compile_metrics', 'metrics'),
        _setting('_compile_weighted_metrics', 'weighted_metrics'),
        _setting('_function_kwargs', 'kwargs'),
    ],
    _collect_input_shape=_shape_of,
    _feed_input_names=lambda model: Told(name for name, _ in _inputs(model)),
    _feed_input_shapes=lambda model: Told(K.int_shape(x) for _, x in _inputs(model)),
    _feed_inputs=lambda model: Told(x for _, x in _inputs(model)),
    _input_layers=lambda model: _makers(model.inputs),
    _is_compiled=lambda model: model.is_conjured,
    _is_graph_network=lambda model: model.is_graph,
    _layers=_layers,
    _layers_by_depth=_layers_by_depth,
    _make_predict_function=lambda model: lambda: (model.predict_function, None)[1],
    _make_test_function=lambda model: lambda: (model.test_function, None)[1],
    _make_train_function=lambda model: lambda: (model.train_function, None)[1],
    _nodes_by_depth=_nodes_by_depth,
    _output_layers=lambda model: _makers(model.outputs),
    _per_input_losses=_per_inputs(lambda layer, inputs: layer.get_losses_for(inputs)),
    _per_input_updates=_per_inputs(lambda layer, inputs: layer.get_updates_for(inputs)),
    _standardize_user_data=_standardize_user_data,
    _uses_dynamic_learning_phase=lambda model: (
        lambda: model.uses_learning_phase and not isinstance(K.learning_phase(), int)
    ),
    input_layers=lambda model: _makers(model.inputs),
    internal_input_shapes=lambda model: Told(K.int_shape(x) for x in model.inputs or ()),
    internal_output_shapes=lambda model: Told(K.int_shape(x) for x in model.outputs or ()),
    layers_by_depth=_layers_by_depth,
    nodes_by_depth=_nodes_by_depth,
    output_layers=lambda model: _makers(model.outputs),
)

#: Those that layers have too; the others belong to models.
OF_LAYERS = ('_collect_input_shape', '_per_input_losses', '_per_input_updates')


def of(layer, name):
    """What the name stands for.

    Raises:
        AttributeError: a layer that is no model does not have it, or a model not yet.
    """
    if name not in OF_LAYERS and not hasattr(layer, 'is_graph'):
        raise AttributeError(f'{type(layer).__name__!r} object has no attribute {name!r}')
    return DOORS[name](layer)
