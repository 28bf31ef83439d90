"""All there is to say of one output of a model that is conjured."""

from cthulhu import activations, losses, registry
from cthulhu import backend as K
from cthulhu.backend import meta
from cthulhu.callers import warn_once
from cthulhu.engine import call_context


def _for_losses(output):
    """What losses and metrics are computed from: the output of a layer that computes in another type than its weights have in theirs."""
    layer = (meta.get_history(output) or (None,))[0]
    made_by = layer.all_layers() if hasattr(layer, 'is_graph') else [layer]
    policies = [each.mixed_policy for each in made_by if getattr(each, 'mixed_policy', None) is not None]
    return K.widened(output) if any(K.dtype(output) == policy.compute_dtype for policy in policies) else output


class OutputSpec:
    """One output of a model, and what is asked of it.

    Attributes:
        name: string.
        shape: static shape of the output; (None, 1) for a scalar.
        loss: a `Loss`, or None where the output is not trained.
        target_kind: what the loss says of its targets: see `losses.target_kind`.
        loss_weight: float.
        mode: None, or 'temporal' for a weight for each time step.
        loss_metric: the Mean that reports the loss of this output, in models that have several.
        metrics: list of (label, Metric, weighted).
        output, mask, target, sample_weight: tensors.
        fed: whether the target is a placeholder, to be fed with data.
    """

    def __init__(self, name, output, mask, loss, loss_weight, mode):
        self.name = name
        #: For losses and metrics, which are not computed in a type that is shorter than they are.
        self.output = _for_losses(output)
        self.mask = mask
        # An output for the whole batch, such as a loss, has targets of one number a sample.
        self.shape = K.int_shape(output) or (None, 1)
        self.loss = loss
        self.target_kind = None if loss is None else losses.target_kind(loss)
        self.loss_weight = loss_weight
        self.mode = mode
        self.metrics = []
        self.loss_metric = None
        self.target = self.sample_weight = None
        self.fed = False

    def on(self, output, mask):
        """The same settings and metrics, for another output tensor."""
        spec = OutputSpec(self.name, output, mask, self.loss, self.loss_weight, self.mode)
        spec.metrics, spec.loss_metric = self.metrics, self.loss_metric
        return spec

    def make_target(self, given, rank=None):
        """Set the target: `given`, a tensor, or else a placeholder, of the rank of the output if no other is given."""
        self.fed = given is None and self.loss is not None
        if given is not None:
            self.target = given
        elif self.loss is not None:
            self.target = K.placeholder(
                ndim=rank or len(self.shape),
                name=self.name + '_target',
                sparse=K.is_sparse(self.output),
                dtype=self._target_dtype(),
            )

    def _target_dtype(self):
        dtype = K.dtype(self.output)
        return (
            'float32' if dtype == 'float16' and losses.is_sparse(self.loss) else dtype
        )  # for class numbers above 2048

    def make_sample_weight(self):
        """Set the placeholder for sample weights, (batch,) or (batch, steps)."""
        self.sample_weight = K.placeholder(ndim=2 if self.mode == 'temporal' else 1, name=self.name + '_sample_weights')

    def weights(self):
        """Sample weights and mask in one tensor."""
        if self.mask is None:
            return self.sample_weight
        weight = self.sample_weight
        while K.ndim(weight) < K.ndim(self.mask):
            weight = K.expand_dims(weight)
        mask = K.cast(self.mask, 'bool')
        return K.where(
            mask, weight * K.ones_like(mask, dtype=K.dtype(weight)), K.zeros_like(mask, dtype=K.dtype(weight))
        )

    def loss_value(self):
        """The loss of this output: a scalar tensor.

        Losses of samples are multiplied by their weights and averaged over the samples (and time steps) that there are; those that the
        mask takes out do not count.
        """
        tensors = {'targets': [self.target], 'output': [self.output]}
        with call_context.explained(f'The loss "{self.loss.name}" of output "{self.name}"', **tensors):
            try:
                value = self.loss(self.target, self.output, sample_weight=self.weights())
            except ValueError as error:
                if 'does not fit losses of shape ()' not in str(error):
                    raise
                raise ValueError(
                    f'The loss "{self.loss.name}" of output "{self.name}" is one number for the whole batch, and the output has {"a mask" if self.mask is not None else "weights of time steps"}: '
                    'what they leave out is in that number. Return one for each step, such as K.mean(K.square(y_true - y_pred), axis=-1).'
                ) from error
        if self.mask is not None and self.loss.reduction == losses.Reduction.SUM_OVER_BATCH_SIZE:
            share = K.mean(K.cast(self.mask, K.dtype(value)))
            value = value / K.maximum(share, K.epsilon())
        if self.loss.reduction == losses.Reduction.NONE:
            value = K.mean(value)
        return value


def warn_of_constant_output(spec, model):
    """Warn of one unit under a crossentropy of several classes, whose share is 1 whatever comes, and of a softmax over one: nothing can be learnt."""
    of_classes = losses.categorical_crossentropy, losses.sparse_categorical_crossentropy
    function = getattr(spec.loss, 'fn', None)
    if spec.shape[-1:] != (1,) or function not in (losses.binary_crossentropy,) + of_classes:
        return
    if _is_softmax(spec.output):
        found = 'is a softmax over one unit, which is 1 for every input, so that its loss'
    elif function in of_classes and losses.class_axis(spec.loss) == -1:
        found = 'has one unit, and among one class its share is 1 for every input, so that its loss'
    else:
        return
    warn_once(
        model,
        ('one unit', spec.name),
        f'Output "{spec.name}" {found} "{spec.loss.name}" has nothing to learn. For a yes or no take the activation "sigmoid" with '
        '"binary_crossentropy"; for classes, as many units as there are classes.',
    )


def _is_softmax(tensor):
    """Whether a tensor comes of a softmax, in a model or TimeDistributed as well."""
    layer = (meta.get_history(tensor) or (None,))[0]
    while getattr(layer, 'is_graph', False):
        place = [i for node in layer.inbound_nodes for i, x in enumerate(node.output_tensors) if x is tensor]
        tensor = layer.outputs[place[0]] if place else layer.outputs[0]
        layer = meta.get_history(tensor)[0]
    layer = getattr(layer, 'layer', layer)  # in TimeDistributed
    return getattr(layer, 'activation', None) is activations.softmax or type(layer) is registry.layers['Softmax']
