"""What TensorBoard looks at inside a model: weights, outputs of layers, gradients, embeddings."""

import numpy as np

from cthulhu import backend as K
from cthulhu import names
from cthulhu.callbacks.event_files import Histogram


def _outputs(model, layer):
    """The (label, tensor) of the outputs that a layer has in a model; none where the model calls it several times, or never.

    A model in the model is a layer: what it makes of its own inputs, which nobody feeds, is not looked at.
    """
    if model.is_graph:
        nodes = [node for node in model.own_nodes if node.outbound_layer is layer]
    else:
        nodes = [
            node
            for node in layer.inbound_nodes
            if not any(x is y for x in node.input_tensors for y in getattr(layer, 'inputs', None) or ())
        ]
    if len(nodes) != 1:
        return []
    tensors = nodes[0].output_tensors
    if len(tensors) > 1:
        return [(f'{layer.name}_out_{i}', tensor) for i, tensor in enumerate(tensors)]
    return [(f'{layer.name}_out', tensors[0])]


class Watched:
    """The weights, outputs and gradients of a conjured model's layers.

    Arguments:
        model: the model.
        gradients: whether the gradients of the loss are computed as well.
    """

    def __init__(self, model, gradients):
        self._weights = []
        for layer in model.layers:
            self._weights.extend(
                weight for weight in layer.weights if not any(weight is known for known in self._weights)
            )
        found = [pair for layer in model.layers for pair in _outputs(model, layer) if not K.is_sparse(pair[1])]
        self._labels = [label for label, _ in found]
        tensors = [tensor for _, tensor in found]
        self._gradient_labels = []
        if gradients:
            trained = list(model.trainable_weights)
            for weight, gradient in zip(trained, K.gradients(model.total_loss, trained)):
                if gradient is not None:
                    self._gradient_labels.append(_label(weight) + '_grad')
                    tensors.append(gradient)
        self._step = model.probe('tensorboard', tensors, with_targets=True)

    def weights(self):
        """List of (label, array) of all weights."""
        return list(zip(map(_label, self._weights), K.batch_get_value(self._weights)))

    def compute(self, arrays, batch_size):
        """List of (label, Histogram): the outputs of layers for all samples, and the gradients of the loss averaged over them.

        Arguments:
            arrays: list of arrays in the order of the model's feeds; None for weights that are all one.
            batch_size: samples a batch.
        """
        total = next(a.shape[0] for a in arrays if a is not None)
        histograms = [Histogram() for _ in self._labels]
        sums = [0.0] * len(self._gradient_labels)
        for start in range(0, total, batch_size):
            stop = min(start + batch_size, total)
            values = self._step([None if a is None else a[start:stop] for a in arrays])
            for histogram, value in zip(histograms, values):
                histogram.add(value)
            sums = [s + value * (stop - start) for s, value in zip(sums, values[len(histograms) :])]
        gradients = [(label, Histogram().add(s / total)) for label, s in zip(self._gradient_labels, sums)]
        return list(zip(self._labels, histograms)) + gradients


def _label(weight):
    return weight.name.replace(':', '_')


class Embedded:
    """The outputs of some layers for given data.

    Arguments:
        model: the model.
        layer_names: names of the layers; None for all embedding layers.
        data: array or list of arrays, one for each input of the model.

    Raises:
        ValueError: if there is no such layer, or none at all.
    """

    def __init__(self, model, layer_names, data):
        layers = {layer.name: layer for layer in model.layers}
        if not layer_names:
            layer_names = [layer.name for layer in model.layers if names.keras_name(type(layer)) == 'Embedding']
        unknown = [name for name in layer_names if name not in layers]
        if unknown or not layer_names:
            raise ValueError(
                f'TensorBoard: `embeddings_layer_names`: the model has no {"layer " + repr(unknown[0]) if unknown else "embedding layer"}; '
                f'its layers are {", ".join(layers)}.'
            )
        self.names = list(layer_names)
        self._arrays = model.input_arrays(data, 'embeddings_data')
        found = [_outputs(model, layers[name]) for name in self.names]
        for name, pairs in zip(self.names, found):
            if len(pairs) != 1:
                raise ValueError(
                    f'TensorBoard: `embeddings_layer_names`: layer "{name}" must be called once in the model and have one output.'
                )
        self._step = model.probe('embeddings', [pairs[0][1] for pairs in found])

    def compute(self, batch_size):
        """Dict, name of layer -> array (samples, features)."""
        total = self._arrays[0].shape[0]
        parts = [self._step([a[i : i + batch_size] for a in self._arrays]) for i in range(0, total, batch_size)]
        return {name: np.concatenate(values).reshape((total, -1)) for name, values in zip(self.names, zip(*parts))}
