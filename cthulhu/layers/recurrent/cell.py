"""What the cells have in common: weights, and dropout that is drawn once for a sequence."""

import numpy as np

from cthulhu import activations, initializers
from cthulhu import backend as K
from cthulhu.backend import meta
from cthulhu.engine.settings import ConfiguredLayer
from cthulhu.utils.generic_utils import has_arg


class Cell(ConfiguredLayer):
    """One step of a recurrent layer. A subclass names its settings, and its gates in the order of their weights."""

    gates = ('h',)
    implementation = 2

    def _weight(self, name, shape, initializer):
        kind = name.replace('_kernel', '')
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            regularizer=getattr(self, kind + '_regularizer'),
            constraint=getattr(self, kind + '_constraint'),
        )

    def _set_dropout(self, dropout, recurrent_dropout):
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.forget_dropout()

    @property
    def drops(self):
        """Whether there is any dropout."""
        return self.dropout > 0 or self.recurrent_dropout > 0

    def forget_dropout(self):
        """Drop the masks of the last sequence, so that new ones are drawn for the next."""
        self._dropout_mask = self._recurrent_dropout_mask = None

    def _masks(self, kind, x, training):
        """The masks of 'dropout' or 'recurrent_dropout', made like `x` when first asked for; None where nothing is
        dropped.

        Implementation 1 has one for each gate.
        """
        rate, name = getattr(self, kind), f'_{kind}_mask'
        if rate and getattr(self, name) is None:
            count = len(self.gates) if self.implementation == 1 else 1
            setattr(self, name, draw_masks(x, rate, training, count))
        return getattr(self, name)

    def _mark(self, x):
        """`x`, marked as depending on the learning phase if a dropout mask does."""
        masks = (self._dropout_mask or []) + (self._recurrent_dropout_mask or [])
        if any(meta.uses_learning_phase(mask) for mask in masks):
            meta.set_uses_learning_phase(x, True)
        return x


class RecurrentCell(Cell):
    """A cell of two parts: `project` turns the inputs into a share of each gate and needs no state, so that a layer
    does it for all steps at once; `advance` does the rest. A subclass defines `advance(x, states, training)`.
    """

    # -- weights -----------------------------------------------------------------------------------------

    def build(self, input_shape):
        width = self.units * len(self.gates)
        self.kernel = self._weight('kernel', (input_shape[-1], width), self.kernel_initializer)
        initializer = self.recurrent_initializer
        if isinstance(initializer, initializers.Identity) and len(self.gates) > 1:
            initializer = self._identities
        self.recurrent_kernel = self._weight('recurrent_kernel', (self.units, width), initializer)
        self.bias = self._weight('bias', self._bias_shape(), self._bias_initializer()) if self.use_bias else None
        self._split_weights()
        self.built = True

    def _identities(self, shape, dtype=None):
        # One identity matrix a gate, side by side.
        return np.tile(self.recurrent_initializer.gain * np.eye(shape[0]), shape[1] // shape[0]).astype(dtype)

    def _bias_shape(self):
        return (self.units * len(self.gates),)

    def _bias_initializer(self):
        return self.bias_initializer

    def _split_weights(self):
        """Set `input_bias`, and for each gate its share of the kernels, `kernel_i` and so on."""
        self.input_bias = self.bias
        if len(self.gates) > 1:
            for name in ('kernel', 'recurrent_kernel'):
                for gate, share in zip(self.gates, K.split(getattr(self, name), len(self.gates))):
                    setattr(self, f'{name}_{gate}', share)

    # -- one step ----------------------------------------------------------------------------------------

    @property
    def projects(self):
        """Whether `call` is `project` and then `advance`, as it is unless a subclass defines another."""
        return type(self).call is RecurrentCell.call

    def call(self, inputs, states, training=None):
        """One step: inputs (batch, input_dim) and the list of states, each (batch, units), to (output, new states)."""
        return self.advance(self.project(inputs, training), states, training)

    def project(self, inputs, training=None):
        """What inputs (batch, input_dim), or a sequence (batch, time, input_dim), add to each gate: (..., width)."""
        sequence = K.ndim(inputs) == 3
        masks = self._masks('dropout', inputs[:, 0] if sequence else inputs, training)
        if masks is not None and sequence:
            masks = [K.expand_dims(mask, 1) for mask in masks]
        x = self._times(inputs, masks, 'kernel')
        return x if self.input_bias is None else x + self.input_bias

    def _recur(self, state, training):
        """What a state (batch, units) adds to each gate: (batch, width)."""
        return self._times(state, self._masks('recurrent_dropout', state, training), 'recurrent_kernel')

    def _times(self, x, masks, kernel):
        """`x` times a kernel, in one product or in one a gate, each with a dropout mask of its own."""
        if self.implementation != 1 or len(self.gates) == 1:
            return K.dot(x if masks is None else x * masks[0], getattr(self, kernel))
        masks = masks or [None] * len(self.gates)
        kernels = [getattr(self, f'{kernel}_{gate}') for gate in self.gates]
        return K.concatenate([K.dot(x if m is None else x * m, w) for m, w in zip(masks, kernels)])

    def whole(self, inputs, states, training=None):
        """What `K.rnn` is told that all steps compute: see `whole` there; or None."""
        return None

    def _as_kernel(self, kind, inputs, states, training, recurrent_bias=None):
        """`whole`, where the settings are those that frameworks have kernels for."""
        is_usual = self.activation is activations.tanh and self.recurrent_activation is activations.sigmoid
        if not is_usual or self.drops and self.implementation == 1:
            return None
        masks = self._masks('dropout', inputs[:, 0], training)
        recurrent_masks = self._masks('recurrent_dropout', states[0], training)
        return {
            'kind': kind,
            'inputs': inputs if masks is None else self._mark(inputs * K.expand_dims(masks[0], 1)),
            'kernel': self.kernel,
            'recurrent_kernel': self.recurrent_kernel,
            'bias': self.input_bias,
            'recurrent_bias': recurrent_bias,
            'recurrent_mask': recurrent_masks and self._mark(recurrent_masks[0]),
        }

    def advance(self, x, states, training=None):
        """The rest of a step: `x` from `project`, and the list of states, to (output, new states)."""
        raise NotImplementedError(f'{type(self).__name__} must define `advance(self, x, states, training=None)`.')


def draw_masks(x, rate, training, count):
    """`count` dropout masks of the shape of `x`: in training 0 for a part `rate` of it, and the rest scaled up."""
    sizes = K.shape(x)
    # Only the shape of `x` is used, and not `ones_like`, so that no gradient is taken through every step to the mask.
    ones = K.fill([sizes[i] if n is None else n for i, n in enumerate(K.int_shape(x))], 1.0, dtype=K.dtype(x))

    def dropped():
        return K.zeros_like(ones) if rate == 1 else K.dropout(ones, rate)

    return [K.in_train_phase(dropped, ones, training=training) for _ in range(count)]


def with_open_forget_gate(make, units, before=0):
    """The bias initializer `make`, but with 1 for the forget gate: the second one, after `before` other shares."""

    def initialize(shape, dtype=None):
        keywords = {'dtype': dtype} if has_arg(make, 'dtype', accept_all=True) else {}
        first = units * (before + 1)
        ones = K.constant(1, shape=(units,), dtype=dtype)
        return K.concatenate([make((first,), **keywords), ones, make((shape[0] - first - units,), **keywords)])

    return initialize
