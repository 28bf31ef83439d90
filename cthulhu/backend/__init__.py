"""The functions of the active backend, under the names that Keras 2.3 gives them: `from cthulhu import backend as K`.

Which backend is active: `config` says. What each function does: its docstring, from `contract` and `composed`.
Names beyond Keras's are the further primitives (`scan`, `where`, `conv` …) and `Update`.
"""

import sys as _sys
import typing as _typing

from cthulhu import names as _names
from cthulhu.backend import config as _config
from cthulhu.backend.config import (
    backend,
    backend_choice,
    epsilon,
    floatx,
    image_data_format,
    normalize_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from cthulhu.backend.load import load_backend
from cthulhu.backend.meta import Update

__all__ = [
    'Update',
    'backend',
    'backend_choice',
    'epsilon',
    'floatx',
    'image_data_format',
    'load_backend',
    'normalize_data_format',
    'set_epsilon',
    'set_floatx',
    'set_image_data_format',
]

_FUNCTIONS = """
abs all any arange argmax argmin batch_dot batch_flatten batch_get_value batch_normalization batch_set_value bias_add
binary_crossentropy bytes_of_first_rank call_function cast cast_to_floatx categorical_crossentropy chain_updates clear_session clip concatenate constant
control_dependencies conv conv1d conv1d_transpose conv2d conv2d_transpose conv3d conv3d_transpose conv_transpose cos count_params
ctc_batch_cost ctc_decode ctc_label_dense_to_sparse cumprod cumsum dataset_batches depthwise_conv depthwise_conv1d depthwise_conv2d
device_scope devices dot dropout dtype einsum elu equal erf eval exp expand_dims eye fill flatten floor foldl foldr function gather get_session get_uid
get_value gradients graph_definition graph_scope greater greater_equal hard_sigmoid identity in_test_phase in_top_k
in_train_phase int_shape is_cthulhu_tensor is_native_dataset is_placeholder is_sparse is_tensor is_variable
join_ranks l2_normalize layer_normalization learning_phase leave_ranks less less_equal local_conv1d local_conv2d log log_softmax logical_and logical_not
logical_or logsumexp make_learning_phase manual_variable_initialization map_fn matmul max maximum mean min minimum
moving_average_update multiply_no_nan name_scope ndim normalize_batch_in_training normalized_by_phase not_equal one_hot ones ones_like only_where origin pad
permute_dimensions placeholder pool pool2d pool3d pow print_tensor prod provisional random_binomial random_normal
random_normal_variable random_of_ranks random_step random_uniform random_uniform_variable rank_counts rank_group rank_without_samples rehearsal relu repeat repeat_elements reset_uids
reshape resize_images resize_volumes reverse rnn round scan separable_conv1d separable_conv2d set_framework_seed
set_learning_phase set_random_step set_session set_value shape sigmoid sign sin size slice softmax softplus softsign
sparse_categorical_crossentropy spatial_2d_padding spatial_3d_padding split sqrt square squeeze stack static_shape std
standardize_dtype stop_gradient sum sum_arrays_over_ranks sum_over_ranks supports switch tanh temporal_padding tile to_dense top_k transpose truncated_normal update
update_add update_sub var variable where widened with_room write_saved_model zeros zeros_like
""".split()

__all__ += _FUNCTIONS

try:
    active = load_backend(backend())
except (ImportError, TypeError) as _error:
    raise type(_error)(f'{_error}\nWhy {backend()!r}: {_config.chooser()}.') from _error
_sys.stderr.write(_config.announcement())
# Bound methods: they keep their signatures and docstrings.
globals().update({_name: getattr(active, _name) for _name in _FUNCTIONS})
_names.add_aliases(globals())
if _typing.TYPE_CHECKING:  # what the two lines above make
    from cthulhu.backend.functions import *  # noqa: F403
_names.add_doors(
    __name__,
    {
        'common': 'common',
        'numpy_backend': 'numpy_backend',
        'tensorflow_backend': 'tensorflow_backend',
        'eager': 'common',
        'image_dim_ordering': 'common',
        'set_image_dim_ordering': 'common',
        'symbolic': 'common',
    },
)
