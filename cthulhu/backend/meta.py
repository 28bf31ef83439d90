"""The only reader and writer of what hangs on a tensor, and the `Update` pair.

Layers of other people read `_keras_shape`, `_keras_history` and `_uses_learning_phase`, so those attribute names are
kept.
"""

_SHAPE = '_keras_shape'
_HISTORY = '_keras_history'
_PHASE = '_uses_learning_phase'


def _write(x, name, value):
    try:
        setattr(x, name, value)
    except (AttributeError, TypeError):
        raise TypeError(
            f'{type(x).__name__} cannot carry {name}: a symbolic tensor of the backend is needed. '
            'Make one with Input() or K.placeholder(), or compute it from one.'
        ) from None


def get_shape(x):
    """The static shape recorded on `x`: a tuple of int or None, or None where nothing was recorded."""
    return getattr(x, _SHAPE, None)


def set_shape(x, shape):
    """Record the static shape of `x`, a tuple of int or None. Raises TypeError if `x` takes no attributes."""
    _write(x, _SHAPE, None if shape is None else tuple(shape))


def begin(x, shape=None):
    """`x`, a new placeholder or variable, with what layers look for on it; `shape`, if one is given, is its static shape."""
    if shape is not None:
        set_shape(x, shape)
    set_uses_learning_phase(x, False)
    return x


def get_history(x):
    """The (layer, node_index, tensor_index) that made `x`, or None."""
    return getattr(x, _HISTORY, None)


def set_history(x, history):
    """Record the (layer, node_index, tensor_index) that made `x`. Raises TypeError if `x` takes no attributes."""
    _write(x, _HISTORY, history)


def uses_learning_phase(x):
    """Whether the value of `x` depends on the symbolic learning phase, as recorded."""
    return bool(getattr(x, _PHASE, False))


def set_uses_learning_phase(x, value):
    """Record whether `x` depends on the symbolic learning phase. Raises TypeError if `x` takes no attributes."""
    _write(x, _PHASE, bool(value))


def get_constraint(x):
    """The constraint of a variable (a function of its new value), or None."""
    return getattr(x, 'constraint', None)


def set_constraint(x, constraint):
    """Record the constraint of a variable."""
    try:
        x.constraint = constraint
    except AttributeError:
        # TensorFlow's variables show it as a property without a setter.
        _write(x, '_constraint', constraint)


def get_start(x):
    """The tensor from which a step of training changes a variable, where that is not its value, or None."""
    return getattr(x, '_cthulhu_start', None)


def set_start(x, start):
    """Record the tensor from which a step of training changes a variable."""
    _write(x, '_cthulhu_start', start)


def get_product(x):
    """The `Product` of which a variable is a factor, or None."""
    return getattr(x, '_cthulhu_product', None)


def set_product(x, product):
    """Record that a variable is a factor of a `Product`."""
    _write(x, '_cthulhu_product', product)


def is_of_samples(x):
    """Whether a loss is recorded as a sum over the samples of a batch, to which each adds, and not a mean or none of theirs."""
    return getattr(x, '_cthulhu_of_samples', False)


def set_of_samples(x):
    """Record that a loss is a sum over the samples of a batch."""
    _write(x, '_cthulhu_of_samples', True)


class Product:
    """A variable to which the product of two others, of low rank, is added, times a number: what is trained are these two.

    Attributes:
        whole: the variable (rows, columns), in which the product is already.
        first, second: the factors, variables (rows, rank) and (rank, columns).
        scale: float.
    """

    def __init__(self, whole, first, second, scale):
        self.whole, self.first, self.second, self.scale = whole, first, second, scale


def get_metric(x):
    """The metric whose result `x` is, or None."""
    return getattr(x, '_metric', None)


def set_metric(x, metric):
    """Record that `x` is the result of `metric`. Raises TypeError if `x` takes no attributes."""
    _write(x, '_metric', metric)


class Update:
    """A new value for a variable, to be assigned by the function that is given it.

    It iterates as the pair (variable, value). Nothing happens until `K.function(..., updates=[update])` is called.
    """

    #: function of a value of the variable that makes the new one, for updates that can follow another (None: they cannot).
    rule = None

    #: whether it adds to the variable what does not depend on it.
    adds = False

    #: whether what it adds is one number for a whole batch, a mean or a count of 1, and not a sum over its samples.
    counts_batches = False

    def __init__(self, variable, value):
        self.variable = variable
        self.value = value

    def __iter__(self):
        return iter((self.variable, self.value))

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return (self.variable, self.value)[index]

    def __repr__(self):
        return f'{type(self).__name__}({self.variable!r}, {self.value!r})'
