"""SavedModel: the folders of TensorFlow."""

import os

from cthulhu import backend as K
from cthulhu.export.checks import check_model, check_place
from cthulhu.storage import atomic
from cthulhu.utils.arguments import checked
from cthulhu.utils.generic_utils import to_list, unpack_singleton


@checked
def export_saved_model(model, path, overwrite=False):
    """Write what a model predicts as a TensorFlow SavedModel, for TensorFlow Serving or `tf.saved_model.load`.

    The folder has one signature, 'serving_default', whose inputs and outputs have the names `model.input_names` and `model.output_names`, and
    the shapes of the model's: a batch size that is open stays open. Nothing of training is in it. It is written beside its place and then
    renamed, so that a half-written one is never found there.

    Arguments:
        model: a built model.
        path: path of the folder; those above it that are missing are made.
        overwrite: whether to replace a SavedModel that is there.

    Raises:
        NotImplementedError: on another backend than TensorFlow's; the message says how to get there.
        FileExistsError: if something is there and `overwrite` is False, or it is not a SavedModel.
        ValueError: for a model that is not built, is stateful, or runs Python code when it predicts.

    Source: https://www.tensorflow.org/guide/saved_model
    """
    check_model(model)
    path = check_place(path, overwrite)
    if os.path.lexists(path) and not _is_saved_model(path):
        raise FileExistsError(f'"{path}" is not a SavedModel, so it is not replaced. Give another path.')

    def call(tensors):
        outputs, _, _ = model.apply_to(unpack_singleton(tensors), [None] * len(tensors), {})
        return dict(zip(model.output_names, to_list(outputs, allow_tuple=True)))

    # A version's folder lies in the model's, as TensorFlow Serving wants it.
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with atomic.replacing_folder(path) as temporary:
        K.write_saved_model(temporary, dict(zip(model.input_names, model.inputs)), call)


def _is_saved_model(path):
    return os.path.isdir(path) and (not os.listdir(path) or os.path.isfile(os.path.join(path, 'saved_model.pb')))
