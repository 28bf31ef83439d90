"""Which accuracy, and which crossentropy, goes with a loss: what 'accuracy' and 'crossentropy' mean."""

from cthulhu import losses
from cthulhu.metrics import functions

_ACCURACIES = {
    'binary': functions.binary_accuracy,
    'sparse_categorical': functions.sparse_categorical_accuracy,
    'categorical': functions.categorical_accuracy,
}
_CROSSENTROPIES = {
    'binary': losses.binary_crossentropy,
    'sparse_categorical': losses.sparse_categorical_crossentropy,
    'categorical': losses.categorical_crossentropy,
}


def accuracy_for(loss, output_shape):
    """The accuracy that 'accuracy' stands for.

    Arguments:
        loss: name, function or `Loss`, or `None`.
        output_shape: tuple, the shape of the output.

    Returns:
        `(function, name)`: binary accuracy for an output of one unit or a binary loss, sparse categorical accuracy
        for a sparse loss, else categorical accuracy.

    Example:
    ```python
    >>> from cthulhu import metrics
    >>> metrics.accuracy_for('sparse_categorical_crossentropy', (None, 10))[1]
    'sparse_categorical_accuracy'

    ```
    """
    chosen = _ACCURACIES[losses.accuracy_kind(loss, output_shape)]
    return chosen, chosen.__name__


def crossentropy_for(loss, output_shape):
    """The crossentropy that 'crossentropy' stands for, chosen as `accuracy_for` chooses.

    Arguments:
        loss: name, function or `Loss`, or `None`.
        output_shape: tuple, the shape of the output.

    Returns:
        `(function, name)`.
    """
    chosen = _CROSSENTROPIES[losses.accuracy_kind(loss, output_shape)]
    return chosen, chosen.__name__
