import ast
import doctest
import inspect
import os
import re
import sys

import pytest

from cthulhu import backend as K
from cthulhu.backend import load, meta
from cthulhu.backend.base import Backend
from tests.backend.helpers import backends

# The public functions of Keras 2.3.1's backend, in Cthulhu's names.
KERAS = """
abs all any arange argmax argmin backend batch_dot batch_flatten batch_get_value batch_normalization batch_set_value
bias_add binary_crossentropy cast cast_to_floatx categorical_crossentropy clear_session clip concatenate constant
control_dependencies conv1d conv2d conv2d_transpose conv3d conv3d_transpose cos count_params ctc_batch_cost ctc_decode
ctc_label_dense_to_sparse cumprod cumsum depthwise_conv2d dot dropout dtype elu epsilon equal eval exp expand_dims eye
flatten floatx foldl foldr function gather get_session get_uid get_value gradients greater greater_equal hard_sigmoid
identity image_data_format in_test_phase in_top_k in_train_phase int_shape is_cthulhu_tensor is_keras_tensor
is_placeholder is_sparse is_tensor is_variable l2_normalize learning_phase less less_equal local_conv1d local_conv2d
log logsumexp manual_variable_initialization map_fn max maximum mean min minimum moving_average_update ndim
normalize_batch_in_training normalize_data_format not_equal one_hot ones ones_like permute_dimensions placeholder
pool2d pool3d pow print_tensor prod random_binomial random_normal random_normal_variable random_uniform
random_uniform_variable relu repeat repeat_elements reset_uids reshape resize_images resize_volumes reverse rnn round
separable_conv1d separable_conv2d set_epsilon set_floatx set_image_data_format set_learning_phase set_session set_value
shape sigmoid sign sin size slice softmax softplus softsign sparse_categorical_crossentropy spatial_2d_padding
spatial_3d_padding sqrt square squeeze stack std stop_gradient sum switch tanh temporal_padding tile to_dense transpose
truncated_normal update update_add update_sub var variable zeros zeros_like
""".split()

# What Cthulhu has beside them.
FURTHER = """
Update backend_choice bytes_of_first_rank call_function chain_updates conv conv1d_transpose conv_transpose dataset_batches device_scope devices depthwise_conv depthwise_conv1d einsum erf fill floor graph_definition graph_scope
is_native_dataset join_ranks layer_normalization leave_ranks load_backend
log_softmax logical_and logical_not logical_or make_learning_phase matmul multiply_no_nan name_scope normalized_by_phase only_where origin pad pool provisional random_of_ranks random_step rank_counts rank_group rank_without_samples rehearsal scan
set_framework_seed set_random_step split standardize_dtype static_shape sum_arrays_over_ranks sum_over_ranks supports top_k where widened with_room
write_saved_model
""".split()

PRIMITIVES = [name for name in dir(Backend) if getattr(getattr(Backend, name), '__isabstractmethod__', False)]
PUBLIC = [name for name in dir(Backend) if not name.startswith('_') and callable(getattr(Backend, name))]


def test_the_names_are_the_public_ones():
    assert sorted(K.__all__) == sorted(KERAS + FURTHER)
    assert [name for name in K.__all__ if not callable(getattr(K, name))] == []
    assert set(PUBLIC) <= set(K.__all__)


def test_functions_are_the_active_backends():
    for name in PUBLIC:
        assert getattr(K, name).__self__ is K.active, name
    assert K.is_keras_tensor == K.is_cthulhu_tensor


@pytest.mark.parametrize('backend', backends(), ids=lambda backend: backend.name)
def test_signatures_agree_with_the_contract(backend):
    for name in PUBLIC:
        wanted = list(inspect.signature(getattr(Backend, name)).parameters.values())[1:]
        found = list(inspect.signature(getattr(backend, name)).parameters.values())
        assert [(p.name, p.kind, p.default) for p in found] == [(p.name, p.kind, p.default) for p in wanted], name


@pytest.mark.parametrize('backend', backends(), ids=lambda backend: backend.name)
def test_everything_public_has_a_docstring(backend):
    assert [name for name in PUBLIC if not (getattr(backend, name).__doc__ or '').strip()] == []
    assert backend.argmax.__doc__ == Backend.argmax.__doc__


@pytest.mark.parametrize('backend', backends(), ids=lambda backend: backend.name)
def test_the_examples_run(backend):
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    for name in PUBLIC:
        for example in finder.find(getattr(backend, name), name, globs={'K': backend}):
            runner.run(example)
    assert runner.tries > 20 and runner.failures == 0


def test_a_missing_primitive_fails_when_the_class_is_made():
    found = {name: lambda self, *args: None for name in PRIMITIVES if name not in ('dot', 'tile')}
    with pytest.raises(
        TypeError, match=r'Lacking \(a framework\) is not a complete backend\. It lacks 2.*: dot, tile\.'
    ):
        type('Lacking', (Backend,), dict(found, name='a framework'))
    found.update(dot=lambda self, x, y: (x, y), tile=lambda self, x, n: x * n)
    assert type('Complete', (Backend,), found)().dot(1, 2) == (1, 2)


def test_a_backend_may_be_completed_later():
    class Half(Backend, partial=True):
        def dot(self, x, y):
            return x * y

    rest = {name: lambda self, *args: None for name in PRIMITIVES if name != 'dot'}
    assert type('Whole', (Half,), rest)().dot(2, 3) == 6
    with pytest.raises(TypeError, match='abstract'):
        Half()


def test_an_own_docstring_is_kept_and_another_inherited():
    class Documented(Backend, partial=True):
        def dot(self, x, y):
            """Mine."""

        def tile(self, x, n):
            return x * n

    assert Documented.dot.__doc__ == 'Mine.'
    assert Documented.tile.__doc__ == Backend.tile.__doc__


def test_update_is_a_pair():
    update = K.Update('variable', 'value')
    variable, value = update
    assert (variable, value) == (update[0], update[1]) == ('variable', 'value')
    assert len(update) == 2 and update.variable == 'variable' and update.value == 'value'
    assert repr(update) == "Update('variable', 'value')"


def test_meta_keeps_the_attributes_that_others_read():
    x = K.placeholder((None, 3))
    assert meta.get_history(x) is None and not meta.uses_learning_phase(x)
    meta.set_shape(x, [2, 3])
    meta.set_history(x, ('layer', 0, 1))
    meta.set_uses_learning_phase(x, True)
    assert x._keras_shape == (2, 3) and x._keras_history == ('layer', 0, 1) and x._uses_learning_phase is True
    assert meta.get_shape(x) == (2, 3) and meta.get_history(x) == ('layer', 0, 1) and meta.uses_learning_phase(x)
    with pytest.raises(TypeError, match='float cannot carry _keras_history'):
        meta.set_history(1.0, ('layer', 0, 0))


def test_meta_constraint():
    constraint = abs
    x = K.variable([1.0], constraint=constraint)
    assert meta.get_constraint(x) is constraint
    assert meta.get_constraint(K.variable([1.0])) is None
    y = K.variable([1.0])
    meta.set_constraint(y, constraint)
    assert meta.get_constraint(y) is constraint


def test_python_3_6_can_read_every_file():
    """Nothing newer than 3.6 in the package: the ast of each file is made with that version's grammar."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(load.__file__)))
    for folder, _, files in os.walk(os.path.join(package, 'backend')):
        for file in files:
            if file.endswith('.py'):
                with open(os.path.join(folder, file), encoding='utf-8') as source:
                    if sys.version_info >= (3, 8):
                        ast.parse(source.read(), feature_version=(3, 6))


def test_only_its_own_folder_imports_tensorflow():
    package = os.path.dirname(os.path.dirname(os.path.abspath(load.__file__)))
    own = os.path.join(package, 'backend', 'tensorflow')
    found = []
    for folder, _, files in os.walk(package):
        for path in (os.path.join(folder, file) for file in files if file.endswith('.py')):
            with open(path, encoding='utf-8') as source:
                if re.search(r'^\s*(import|from) tensorflow\b', source.read(), re.MULTILINE):
                    found.append(path)
    assert any(path.startswith(own) for path in found)
    assert [path for path in found if not path.startswith(own)] == []


def test_every_function_goes_by_its_name():
    for backend in backends():
        for name in ('abs', 'softplus', 'maximum', 'dropout'):
            assert getattr(backend, name).__name__ == name
