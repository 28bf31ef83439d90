"""What a layer adds to training: losses, updates and metrics, those of its calls and those of none."""

import numbers

from cthulhu import backend as K
from cthulhu import registry
from cthulhu.backend import meta
from cthulhu.engine import call_context
from cthulhu.utils.generic_utils import to_list, unique


class Additions:
    """The part of Layer that keeps and finds what was added to training."""

    def add_loss(self, losses, inputs=None):
        """Add scalar tensors to what is minimised.

        Arguments:
            losses: tensor, or list of tensors.
            inputs: the tensors that the loss depends on, where it was made outside of `call`; None for one that depends on none.
        """
        self._add('losses', self._losses, losses, inputs)

    def add_update(self, updates, inputs=None):
        """Add updates (from `backend.update` and its like) to be made at each step of training. Arguments as for `add_loss`."""
        self._add('updates', self._updates, updates, inputs)

    def _add(self, kind, unconditional, items, inputs):
        for item in to_list(items, allow_tuple=kind == 'losses'):
            if item is None or (isinstance(item, list) and not item):
                continue
            if isinstance(item, numbers.Number):  # each counts, also one that is equal to another
                item = K.constant(item) if kind == 'losses' else call_context.NoUpdate(item)
            if not call_context.note(kind, self, item):
                nodes = self._nodes_with_inputs(inputs) if inputs is not None else []
                if nodes:
                    getattr(nodes[-1].record, kind).append((self, item))
                    continue
                unconditional.append((self, item))
                if inputs is not None:  # of a layer that others call, such as a cell
                    self._dependent.append((kind, to_list(inputs, allow_tuple=True), item))

    def add_metric(self, value, name=None):
        """Report the mean of a tensor over each epoch, under a name.

        Arguments:
            value: tensor, or the result of calling a metric.
            name: string; may be left out for the result of a metric, which has one.
        """
        metric = meta.get_metric(value)
        if metric is None:
            if name is None:
                raise ValueError(
                    "add_metric needs a `name` for a plain tensor: layer.add_metric(tensor, name='...', or pass the result of a "
                    'metric, such as metrics.Mean()(tensor)).'
                )
            metric = next((m for m in self.own_metrics if m.name == name), None)
            if metric is None:
                metric = registry.metrics['Mean'](name=name)
            result = metric(value)
        else:
            result = value
        if not any(metric is m for m in self.own_metrics):
            self._metrics.append(metric)
        if not call_context.note('metrics', self, metric, result):
            self._metric_results.append((self, metric, result))

    def _nodes_with_inputs(self, inputs):
        wanted = [id(x) for x in to_list(inputs, allow_tuple=True)]
        return [node for node in self.inbound_nodes if [id(x) for x in node.input_tensors] == wanted]

    def _unconditional(self, kind):
        """(layer, item) pairs of losses or updates that belong to no call, here and in the layers inside."""
        found = list(self._losses if kind == 'losses' else self._updates)
        for layer in self.sublayers:
            found.extend(layer._unconditional(kind))
        return found

    def _all(self, kind, nodes):
        """The losses or updates that belong to no call and those of the given nodes, each once."""
        pairs = self._unconditional(kind) + [pair for node in nodes for pair in getattr(node.record, kind)]
        return _active(pairs, kind)

    @property
    def losses(self):
        """The scalar tensors that the layer adds to what is minimised."""
        return self._all('losses', self.inbound_nodes)

    @property
    def updates(self):
        """The updates that the layer makes at each step of training; none where it is frozen."""
        return self._all('updates', self.inbound_nodes)

    @property
    def metrics(self):
        """The metrics that the layer, or a layer inside, was given with `add_metric` or as attributes."""
        found = list(self.own_metrics)
        for layer in self.sublayers:
            found.extend(layer.metrics)
        return unique(found) if found else found

    def get_losses_for(self, inputs=None):
        """The losses of the calls on `inputs`; with None, those that belong to no call."""
        return self._for('losses', inputs)

    def get_updates_for(self, inputs=None):
        """The updates of the calls on `inputs`; with None, those that belong to no call."""
        return self._for('updates', inputs)

    def _for(self, kind, inputs):
        dependent = self._all_dependent(kind)
        if inputs is None:
            held = {id(item) for _, (_, item) in dependent}
            return _active([pair for pair in self._unconditional(kind) if id(pair[1]) not in held], kind)
        wanted = [id(x) for x in to_list(inputs, allow_tuple=True)]
        found = [pair for tensors, pair in dependent if [id(x) for x in tensors] == wanted]
        found += [pair for node in self._nodes_with_inputs(inputs) for pair in getattr(node.record, kind)]
        return _active(found, kind)

    def _all_dependent(self, kind):
        """(tensors, (layer, item)) of the losses or updates that were added for tensors which this layer was not called on, or a layer inside."""
        found = [(tensors, (self, item)) for which, tensors, item in self._dependent if which == kind]
        for layer in self.sublayers:
            found.extend(layer._all_dependent(kind))
        return found


def _active(pairs, kind):
    """The items of (layer, item) pairs, each once; without the updates of frozen layers, unless those keep states."""
    if kind == 'updates':
        pairs = [(layer, item) for layer, item in pairs if layer.trainable or layer.stateful]
    return unique([item for _, item in pairs])
