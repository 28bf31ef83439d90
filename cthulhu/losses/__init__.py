"""Losses: how far predictions are from targets.

A loss function takes `y_true` and `y_pred` of shape `(batch, ..., n)` and gives the loss of each sample, of shape
`(batch, ...)`. A `Loss` object adds weights and a reduction. A function says what its targets are by an attribute
`target_kind`: 'sparse' for integer class indices, 'binary' for independent yes-or-no values, 'same' for other targets that must have
the shape of the predictions, as those of all losses here but the sparse one must; without one, whatever the function makes of them. `is_sparse` and `accuracy_kind` read it, for names, functions and objects alike, so a function of a
user's own may carry it too.
"""

from cthulhu import registry
from cthulhu.losses.base import Loss, LossFunctionWrapper, kind_said
from cthulhu.losses.functions import *  # noqa: F403
from cthulhu.losses.functions import (
    cosine_proximity,
    kullback_leibler_divergence,
    logcosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from cthulhu.losses.later import *  # noqa: F403
from cthulhu.losses.objects import *  # noqa: F403
from cthulhu.utils.arguments import require_call
from cthulhu.utils.losses_utils import Reduction as Reduction

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence
cosine = cosine_similarity = cosine_proximity
log_cosh = logcosh
kl_divergence = kullback_leibler_divergence

registry.losses.register(
    {
        name: thing
        for name, thing in globals().items()
        if (getattr(thing, '__module__', None) or '').startswith(__name__ + '.')
        and not name.startswith('_')
        # The loss functions are those that `in_graph` made.
        and (hasattr(thing, '__wrapped__') or isinstance(thing, type) and thing not in (Loss, LossFunctionWrapper))
    }
)


def serialize(loss):
    """Describe a loss object by its class name and configuration, a loss function by its name."""
    return registry.losses.serialize(loss)


def deserialize(name, custom_objects=None):
    """Find the loss that a name or a configuration describes.

    Arguments:
        name: str, or `{'class_name': ..., 'config': {...}}`.
        custom_objects: dict of the caller's own, name -> class or function.

    Raises:
        ValueError: the name is unknown.
    """
    found = registry.losses.deserialize(name, custom_objects)
    return found() if isinstance(found, type) and issubclass(found, Loss) else found


def get(identifier):
    """Find a loss by None (gives None), a name, a configuration, a class, an object or a function.

    Raises:
        ValueError: the name is unknown, or the identifier is none of these.

    >>> get('mse') is mean_squared_error, get('Huber').get_config()['delta']
    (True, 1.0)
    """
    if identifier is None or isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if isinstance(identifier, Loss):
        return identifier
    if callable(identifier):
        name = getattr(identifier, '__name__', type(identifier).__name__)
        require_call(identifier, ['y_true', 'y_pred'], f'The loss "{name}"')
        return identifier
    raise ValueError(
        'Could not interpret loss function identifier: expected a name, a configuration dict, '
        f'a `Loss` object or a function of (y_true, y_pred), got {identifier!r}.'
    )


def target_kind(loss):
    """What the targets of a loss (name, function or object) are: 'sparse', 'binary', 'same', or None where the loss does not say."""
    loss = loss if callable(loss) and not isinstance(loss, type) else get(loss)
    return kind_said(loss)


def is_sparse(loss):
    """Whether the targets of a loss (name, function or object) are class indices, with a last axis of one.

    >>> is_sparse('sparse_categorical_crossentropy'), is_sparse(MeanSquaredError())
    (True, False)
    """
    return target_kind(loss) == 'sparse'


def is_categorical_crossentropy(loss):
    """Whether a loss (name, function or object) is the one of one-hot classes.

    >>> is_categorical_crossentropy('categorical_crossentropy'), is_categorical_crossentropy(Huber())
    (True, False)
    """
    names = getattr(getattr(loss, 'fn', None), '__name__', None), getattr(loss, '__name__', None), loss
    return 'categorical_crossentropy' in names


def class_axis(loss):
    """The axis of the classes in the predictions that a sparse loss (object or function) takes."""
    return getattr(loss, '_fn_kwargs', {}).get('axis', -1)


def checks_target_shape(loss):
    """Whether a loss (name, function or object) goes with targets of one shape only."""
    return target_kind(loss) is not None


def accuracy_kind(loss, output_shape):
    """Which accuracy (or crossentropy) goes with a loss, for metrics that are given as 'accuracy' or 'crossentropy'.

    Arguments:
        loss: name, function, object or None.
        output_shape: tuple, the static shape of the output.

    Returns:
        'binary', 'sparse_categorical' or 'categorical'.
    """
    if output_shape[-1] == 1 or target_kind(loss) == 'binary':
        return 'binary'
    return 'sparse_categorical' if is_sparse(loss) else 'categorical'
