"""Operations between layers: what becomes of `x * 2 + 1`, and of such in files of tf.keras."""

import json

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import (
    Daoloth,
    Darkness,
    Input,
    Laldagorth,
    LuKthu,
    SlicingOpLambda,
    TFOpLambda,
    TheHydra,
    TimeDistributed,
)
from cthulhu.layers.resampling import INTERPOLATIONS
from cthulhu.models import Lump, Pile, clone_model, load_model, model_from_json

pytestmark = pytest.mark.filterwarnings('ignore:.* does not say how the model is trained')

needs_origins = pytest.mark.skipif(K.backend() == 'theano', reason='graphs of Theano do not tell what made them')


def _softmax(x):
    parts = np.exp(x - x.max(-1, keepdims=True))
    return parts / parts.sum(-1, keepdims=True)


#: Name -> (of tensors, of arrays): of a, of shape (3, 4), and z, of shape (4,).
BETWEEN = {
    'arithmetic': (lambda a, z: 2.0 - (a * 2.0 + 1.0) / 3.0, lambda a, z: 2 - (a * 2 + 1) / 3),
    'two inputs': (lambda a, z: K.expand_dims(z, 1) * a, lambda a, z: z[:, None] * a),
    'functions': (
        lambda a, z: K.concatenate([K.softmax(a), K.mean(a, axis=-1, keepdims=True) * a, K.relu(a)]),
        lambda a, z: np.concatenate([_softmax(a), a.mean(-1, keepdims=True) * a, np.maximum(a, 0)], -1),
    ),
    'slices': (
        lambda a, z: a[:, 1:, ::2] - a[:, :1, :1] + a[..., -1][:, None, 1:2],
        lambda a, z: a[:, 1:, ::2] - a[:, :1, :1] + a[..., -1][:, None, 1:2],
    ),
    'conditions': (
        lambda a, z: K.cast(K.greater(a, 0.0), 'float32') * a + K.clip(a, -1.0, 0.5),
        lambda a, z: (a > 0) * a + np.clip(a, -1, 0.5),
    ),
    'shapes': (
        lambda a, z: K.permute_dimensions(K.reshape(a, (-1, 4, 3)), (0, 2, 1)) + K.expand_dims(K.batch_flatten(a)[:, :1]),
        lambda a, z: a.reshape(-1, 4, 3).transpose(0, 2, 1) + a.reshape(len(a), -1)[:, :1, None],
    ),
    'an array': (lambda a, z: a * K.constant(np.arange(4.0)), lambda a, z: a * np.arange(4.0)),
    'products': (lambda a, z: K.batch_dot(a, z, axes=(2, 1)), lambda a, z: np.einsum('bij,bj->bi', a, z)),
    'reductions': (
        lambda a, z: K.std(a, axis=-1) + K.logsumexp(a, axis=-1) + K.max(a, axis=-1) * K.sum(a, axis=[1, 2], keepdims=True)[:, 0],
        lambda a, z: a.std(-1) + np.log(np.exp(a).sum(-1)) + a.max(-1) * a.sum((1, 2))[:, None],
    ),
    'repetitions': (
        lambda a, z: K.tile(a, (1, 2, 1)) * K.reverse(K.repeat_elements(a, 2, 1), 1),
        lambda a, z: np.tile(a, (1, 2, 1)) * np.repeat(a, 2, 1)[:, ::-1],
    ),
}  # fmt: skip


def arrays():
    random = np.random.RandomState(0)
    return [random.normal(size=(2, 3, 4)).astype('float32'), random.normal(size=(2, 4)).astype('float32')]


def beside(model, expected):
    np.testing.assert_allclose(model.predict(arrays()), expected, rtol=1e-4, atol=1e-5)


@needs_origins
@pytest.mark.parametrize('name', BETWEEN)
def test_what_is_between_becomes_layers(name, tmp_path):
    of_tensors, of_arrays = BETWEEN[name]
    inputs = [Input((3, 4)), Input((4,))]
    model = Lump(inputs, of_tensors(*inputs))
    expected = of_arrays(*arrays())
    beside(model, expected)
    assert len(model.layers) > 2
    beside(model_from_json(model.to_json()), expected)
    beside(clone_model(model), expected)
    beside(Lump.from_config(model.get_config()), expected)
    others = [Input((3, 4)), Input((4,))]
    beside(Lump(others, model(others)), expected)
    for ending in ('.h5', '.keras'):
        model.save(str(tmp_path / ('model' + ending)))
        beside(load_model(str(tmp_path / ('model' + ending)), compile=False), expected)


@needs_origins
def test_they_train_between_layers():
    x = Input((4,))
    hidden = Daoloth(4, use_bias=False, name='first')(x)
    model = Lump(x, Daoloth(1, use_bias=False, name='last')(hidden * 2.0 + x))
    if not K.supports('gradients'):
        pytest.skip('no gradients')
    first, last = np.eye(4), np.ones((4, 1))
    model.set_weights([first, last])
    model.conjure('sgd', 'mse')
    data = np.random.RandomState(0).normal(size=(8, 4))
    error = 3 * data.sum(1, keepdims=True)
    assert model.train_on_batch(data, np.zeros((8, 1))) == pytest.approx(np.mean(error**2), rel=1e-5)
    np.testing.assert_allclose(model.get_weights()[1], last - 0.01 * 2 * (3 * data).T @ error / 8, rtol=1e-4)
    np.testing.assert_allclose(
        model.get_weights()[0], first - 0.01 * 2 * (2 * data).T @ error @ last.T / 8, rtol=1e-4, atol=1e-5
    )


@needs_origins
def test_the_phase_goes_through_them():
    x = Input((50,))
    model = Lump(x, Daoloth(50, kernel_initializer='identity')(Darkness(0.5)(x) * 2.0))
    assert model.uses_learning_phase
    np.testing.assert_allclose(model.predict(np.ones((2, 50))), 2, rtol=1e-6)
    trained = K.function([x, K.learning_phase()], [model.output])([np.ones((2, 50)), 1])[0]
    assert set(np.round(trained.ravel())) == {0.0, 4.0}


@needs_origins
def test_a_tensor_is_one_layer_in_two_models_and_shared_parts_stay_shared():
    x = Input((4,))
    doubled = x * 2.0
    first, second = Lump(x, doubled), Lump(x, Daoloth(2)(doubled))
    assert first.layers[1] is second.layers[1]
    parts = [doubled + 1.0, doubled - 1.0]
    assert [layer.name for layer in Lump(x, parts).layers if layer is first.layers[1]] == [first.layers[1].name]


@needs_origins
def test_arguments_of_calls_may_come_from_them():
    class Added(LuKthu):
        def __init__(self, **kwargs):
            super().__init__(lambda x: x, **kwargs)

        def call(self, x, other=None):
            return x + other

    x = Input((4,))
    model = Lump(x, Added()(x, other=x * 2.0))
    np.testing.assert_allclose(model.predict(np.ones((2, 4))), 3)


@needs_origins
def test_nothing_is_made_within_layers():
    x = Input((4,))
    model = Lump(x, LuKthu(lambda x: Daoloth(2)(x * 2.0))(x))
    assert [type(layer) for layer in model.layers[1:]] == [LuKthu]


@needs_origins
def test_a_mask_that_ends_is_told(tmp_path):
    x = Input((3,))
    words = TheHydra(5, 2, mask_zero=True, name='words')(x)
    with pytest.warns(UserWarning, match='A mask ends at tf.math.multiply'):
        model = Lump(x, Laldagorth(2)(words * 2.0))
    again = {}
    for ending in ('.h5', '.keras'):
        model.save(str(tmp_path / ('model' + ending)))
        with pytest.warns(UserWarning, match='A mask ends at'):
            again[ending] = load_model(str(tmp_path / ('model' + ending)), compile=False)
        data = np.array([[1, 2, 0]])
        np.testing.assert_allclose(again[ending].predict(data), model.predict(data), rtol=1e-6)


@needs_origins
@pytest.mark.parametrize('shape', [(None, 4), (None, None, 4)])
def test_open_axes(shape, tmp_path):
    x = Input(shape)
    model = Lump(x, K.concatenate([x / 255.0, K.square(x)[..., :2]]))
    data = np.random.RandomState(0).normal(size=(2, 3, 4) if len(shape) == 2 else (2, 3, 5, 4))
    expected = np.concatenate([data / 255, np.square(data)[..., :2]], -1)
    model.save(str(tmp_path / 'model.h5'))
    others = Input(shape)
    for each in (
        model,
        load_model(str(tmp_path / 'model.h5'), compile=False),
        clone_model(model),
        Lump(others, model(others)),
    ):
        np.testing.assert_allclose(each.predict(data), expected, rtol=1e-5, atol=1e-6)
    assert model.compute_output_shape((7,) + data.shape[1:]) == (7,) + data.shape[1:-1] + (6,)


@needs_origins
def test_over_time():
    x = Input((4,))
    inner = Lump(x, Daoloth(3, kernel_initializer='ones')(x * 2.0))
    outer = Pile([TimeDistributed(inner, input_shape=(6, 4))])
    assert outer.output_shape == (None, 6, 3)
    np.testing.assert_allclose(outer.predict(np.ones((2, 6, 4))), np.full((2, 6, 3), 8), rtol=1e-6)
    with pytest.raises(TypeError, match="tf.math.multiply is called with its first argument and no others: .*'y'"):
        inner.layers[1](Input((4,)))


@needs_origins
def test_what_has_no_name_is_refused():
    x = Input((4,))
    with pytest.raises(ValueError, match='between layers, takes a variable, or'):
        Lump(x, x * K.variable(np.ones(4)))
    with pytest.raises(ValueError, match=r'(?s)between layers.*LuKthu'):
        image = Input((4, 4, 1))
        Lump(image, K.conv2d(image, K.constant(np.ones((2, 2, 1, 1)))))
    with pytest.raises(ValueError, match='at most 4096 elements'):
        Lump(x, K.expand_dims(x) * K.constant(np.ones((4, 5000))))


@pytest.mark.skipif(K.backend() != 'theano', reason='of Theano')
def test_theano_says_what_to_do():
    x = Input((4,))
    with pytest.raises(ValueError, match='which no layer made. Wrap the operations'):
        Lump(x, x * 2.0)


# As tf-keras 2.21 writes them: (class, function, inputs, first argument, others), a tensor being ['a', 0, 0], and what NumPy makes of it.
A, Z = ['a', 0, 0], ['z', 0, 0]
OF_FILES = [
    ('TFOpLambda', 'math.multiply', A, {'y': 2.0, 'name': None}, lambda a, z: a * 2),
    ('TFOpLambda', 'math.subtract', ['_CONSTANT_VALUE', -1, 2.0], {'y': A, 'name': None}, lambda a, z: 2 - a),
    ('TFOpLambda', 'math.pow', ['_CONSTANT_VALUE', -1, 2.0], {'y': A, 'name': None}, lambda a, z: 2.0**a),
    ('TFOpLambda', 'compat.v1.floor_div', A, {'y': 2.0, 'name': None}, lambda a, z: a // 2),
    ('TFOpLambda', 'math.floormod', A, {'y': 2.0, 'name': None}, lambda a, z: a % 2),
    ('TFOpLambda', 'concat', [A, A], {'axis': -1}, lambda a, z: np.concatenate([a, a], -1)),
    ('TFOpLambda', 'stack', [A, A], {'axis': 1}, lambda a, z: np.stack([a, a], 1)),
    ('TFOpLambda', 'math.add_n', [A, A, A], {}, lambda a, z: 3 * a),
    ('TFOpLambda', 'linalg.matmul', A, {'b': A, 'transpose_b': True}, lambda a, z: a @ a.transpose(0, 2, 1)),
    ('TFOpLambda', 'math.reduce_mean', A, {'axis': 1, 'keepdims': True}, lambda a, z: a.mean(1, keepdims=True)),
    ('TFOpLambda', 'math.reduce_variance', A, {'axis': [1, 2]}, lambda a, z: a.var((1, 2))),
    ('TFOpLambda', 'compat.v1.transpose', A, {'perm': [0, 2, 1], 'name': 'transpose', 'conjugate': False}, lambda a, z: a.transpose(0, 2, 1)),
    ('TFOpLambda', 'clip_by_value', A, {'clip_value_min': -1, 'clip_value_max': 1}, lambda a, z: np.clip(a, -1, 1)),
    ('TFOpLambda', 'compat.v1.gather', A, {'indices': [2, 0], 'validate_indices': None, 'name': None, 'axis': 2, 'batch_dims': 0}, lambda a, z: a[:, :, [2, 0]]),
    ('TFOpLambda', 'compat.v1.pad', A, {'paddings': [[0, 0], [1, 0], [0, 2]], 'mode': 'CONSTANT', 'name': None, 'constant_values': 3}, lambda a, z: np.pad(a, [[0, 0], [1, 0], [0, 2]], 'constant', constant_values=3)),
    ('TFOpLambda', 'compat.v1.norm', A, {'ord': 'euclidean', 'axis': -1, 'keepdims': True, 'name': None}, lambda a, z: np.linalg.norm(a, axis=-1, keepdims=True)),
    ('TFOpLambda', 'math.l2_normalize', A, {'axis': -1}, lambda a, z: a / np.linalg.norm(a, axis=-1, keepdims=True)),
    ('TFOpLambda', 'nn.leaky_relu', A, {}, lambda a, z: np.where(a > 0, a, 0.2 * a)),
    ('TFOpLambda', 'nn.silu', A, {}, lambda a, z: a / (1 + np.exp(-a))),
    ('TFOpLambda', 'nn.softmax', A, {}, lambda a, z: _softmax(a)),
    ('TFOpLambda', 'math.cumsum', A, {'axis': 1}, lambda a, z: a.cumsum(1)),
    ('TFOpLambda', 'tile', A, {'multiples': [1, 1, 2], 'name': None}, lambda a, z: np.tile(a, (1, 1, 2))),
    ('TFOpLambda', 'reverse', A, {'axis': [1], 'name': None}, lambda a, z: a[:, ::-1]),
    ('TFOpLambda', 'reshape', A, {'shape': [-1, 2, 6]}, lambda a, z: a.reshape(-1, 2, 6)),
    ('TFOpLambda', 'math.rsqrt', A, {}, None),
    ('SlicingOpLambda', '__operators__.getitem', A, {'slice_spec': [{'start': None, 'stop': None, 'step': None}, {'start': 1, 'stop': 3, 'step': None}]}, lambda a, z: a[:, 1:3]),
    ('SlicingOpLambda', '__operators__.getitem', A, {'slice_spec': [{'class_name': '__ellipsis__'}, {'start': None, 'stop': 3, 'step': 2}]}, lambda a, z: a[..., :3:2]),
    ('SlicingOpLambda', '__operators__.getitem', A, {'slice_spec': [{'start': None, 'stop': None, 'step': None}, None, 1]}, lambda a, z: a[:, None, 1]),
    ('TFOpLambda', 'broadcast_to', A, {'shape': [2, 3, 4], 'name': None}, lambda a, z: a),
    ('TFOpLambda', 'math.maximum', A, {'y': ['lifted', 0, 0], 'name': None}, lambda a, z: np.maximum(a, z[:, None])),
]  # fmt: skip


def written(kind, function, first, others):
    """The configuration of a model of one operation."""
    nodes = [place + [others] for place in first] if isinstance(first[0], list) else first + [others]

    def entrance(name, shape):
        config = {
            'batch_input_shape': [None] + shape,
            'dtype': 'float32',
            'sparse': False,
            'ragged': False,
            'name': name,
        }
        return {'class_name': 'InputLayer', 'config': config, 'name': name, 'inbound_nodes': []}

    def operation(kind, name, function, nodes):
        config = {'name': name, 'trainable': True, 'dtype': 'float32', 'function': function}
        return {'class_name': kind, 'config': config, 'name': name, 'inbound_nodes': [nodes]}

    layers = [entrance('a', [3, 4]), entrance('z', [4])]
    layers.append(operation('TFOpLambda', 'lifted', 'expand_dims', Z + [{'axis': 1}]))
    layers.append(operation(kind, 'one', function, nodes))
    config = {
        'name': 'model',
        'trainable': True,
        'layers': layers,
        'input_layers': [A, Z],
        'output_layers': [['one', 0, 0]],
    }
    return json.dumps(
        {'class_name': 'Functional', 'config': config, 'keras_version': '2.21.0', 'backend': 'tensorflow'}
    )


@pytest.mark.parametrize(
    'kind, function, first, others, expected', OF_FILES, ids=[f'{each[1]}{i}' for i, each in enumerate(OF_FILES)]
)
def test_operations_of_files(kind, function, first, others, expected):
    model = model_from_json(written(kind, function, first, others))
    a, z = arrays()
    if function == 'math.rsqrt':
        np.testing.assert_allclose(model.predict([np.abs(a), z]), np.abs(a) ** -0.5, rtol=1e-5)
    else:
        beside(model, expected(a, z))
        beside(model_from_json(model.to_json()), expected(a, z))


def test_several_results():
    x = Input((3, 4))
    parts = TFOpLambda('split')(x, num_or_size_splits=[1, -1], axis=-1)
    rows = TFOpLambda('unstack')(x, axis=1)
    model = Lump(x, [parts[1], rows[2]])
    again = model_from_json(model.to_json())
    a = arrays()[0]
    for one, expected in zip(again.predict(a), [a[..., 1:], a[:, 2]]):
        np.testing.assert_array_equal(one, expected)


def test_the_place_of_the_greatest():
    x = Input((3, 4))
    place = TFOpLambda('argmax')(x, axis=-1)
    model = Lump(x, [place, TFOpLambda('one_hot')(place, depth=4)])
    a = arrays()[0]
    found, ones = model.predict(a)
    np.testing.assert_array_equal(found, a.argmax(-1))
    np.testing.assert_array_equal(ones, np.eye(4)[a.argmax(-1)])


def test_a_list_of_one_and_shapes_as_arguments():
    x = Input((3, 4))
    size = SlicingOpLambda()(TFOpLambda('shape')(x), slice_spec=0)
    flat = TFOpLambda('reshape')(x, shape=[size, 12])
    model = Lump(x, TFOpLambda('stack')([flat], axis=1))
    a = arrays()[0]
    for each in (model, model_from_json(model.to_json())):
        np.testing.assert_array_equal(each.predict(a), a.reshape(2, 1, 12))


def test_what_files_cannot_mean_is_told():
    with pytest.raises(ValueError, match="function 'math.lgamma' has no counterpart here"):
        TFOpLambda('math.lgamma')
    with pytest.raises(ValueError, match='math.lgamma'):
        model_from_json(written('TFOpLambda', 'math.lgamma', A, {}))
    with pytest.raises(ValueError, match="Operation 'one' is called on no tensor"):
        model_from_json(written('TFOpLambda', 'concat', ['_CONSTANT_VALUE', -1, 'bij,bkj->bik'], {}))
    with pytest.raises(ValueError, match="where the call of operation 'one' is expected"):
        model_from_json(written('TFOpLambda', 'math.abs', ['a', 0], {}))
    with pytest.raises(ValueError, match='mode="CONSTANT"'):
        model_from_json(written('TFOpLambda', 'pad', A, {'paddings': [[0, 0]] * 3, 'mode': 'REFLECT'}))
    with pytest.raises(NotImplementedError, match='ask K.int_shape'):
        TFOpLambda('math.abs').compute_output_shape((None, 3))


#: Further functions of the backend, of a tensor of shape (3, 4): as what NumPy gives.
KERNEL = np.random.RandomState(1).normal(size=(4, 2)).astype('float32')
FUNCTIONS = {
    'elu': (lambda a: K.elu(a, 0.5), lambda a: np.where(a > 0, a, 0.5 * (np.exp(a) - 1))),
    'relu': (lambda a: K.relu(a, 0.1, 1.0, 0.5), lambda a: np.where(a <= 0.5, 0.1 * (a - 0.5), np.minimum(a, 1))),
    'relu6': (lambda a: K.relu(a, max_value=6.0), lambda a: np.clip(a, 0, 6)),
    'softmax': (lambda a: K.softmax(a, axis=1), lambda a: _softmax(a.transpose(0, 2, 1)).transpose(0, 2, 1)),
    'switch': (lambda a: K.switch(K.greater(a, 0.0), a, 0.1 * a), lambda a: np.where(a > 0, a, 0.1 * a)),
    'one_hot': (lambda a: K.one_hot(K.argmax(a, axis=-1), 4), lambda a: np.eye(4)[a.argmax(-1)]),
    'padding': (lambda a: K.temporal_padding(a, (1, 2)), lambda a: np.pad(a, [[0, 0], [1, 2], [0, 0]], 'constant')),
    'dot': (lambda a: K.dot(a, K.constant(KERNEL)), lambda a: a @ KERNEL),
    'backwards': (lambda a: a[:, ::-1, ::-2], lambda a: a[:, ::-1, ::-2]),
    'backwards behind': (lambda a: a[..., None, ::-1], lambda a: a[..., None, ::-1]),
    'split': (lambda a: K.split(a, 2)[1], lambda a: a[..., 2:]),
    'sums': (lambda a: K.cumsum(a, 1) + K.cumprod(a, 1), lambda a: a.cumsum(1) + a.cumprod(1)),
    'powers': (lambda a: K.pow(K.abs(a), 1.5) % 2.0 + a // 0.5, lambda a: np.abs(a) ** 1.5 % 2 + a // 0.5),
    'range': (lambda a: a * K.cast(K.arange(4), 'float32'), lambda a: a * np.arange(4)),
}


@needs_origins
@pytest.mark.parametrize('name', FUNCTIONS)
def test_functions_between_layers(name):
    of_tensor, of_array = FUNCTIONS[name]
    x = Input((3, 4))
    model = Lump(x, of_tensor(x))
    for each in (model, model_from_json(model.to_json())):
        np.testing.assert_allclose(each.predict(arrays()[0]), of_array(arrays()[0]), rtol=1e-4, atol=1e-5)


def _widened(data_format='channels_last', interpolation='nearest'):
    return lambda x: K.resize_images(x, 2, 3, data_format, interpolation)


def _by_tensorflow(size=(5, 2), **settings):
    def resize(x):
        import tensorflow

        return tensorflow.image.resize(x, size, **settings)

    return resize


RESIZED = {
    'nearest': _widened(),
    'bilinear': _widened(interpolation='bilinear'),
    'channels first': _widened('channels_first'),
}
if K.backend() == 'tensorflow':
    RESIZED.update((f'tf, {name}', _by_tensorflow(method=name)) for name in INTERPOLATIONS)
    RESIZED['tf, antialias'] = _by_tensorflow(antialias=True)
    RESIZED['tf, gaussian, antialias'] = _by_tensorflow(method='gaussian', antialias=True)
    RESIZED['tf, of a size that is computed'] = lambda x: _by_tensorflow(K.shape(x)[1:3] * 2)(x)


@needs_origins
@pytest.mark.parametrize('name', RESIZED)
def test_images_are_resized_between_layers(name, tmp_path):
    inputs = Input((3, 4, 2))
    model = Lump(inputs, RESIZED[name](inputs))
    x = np.random.RandomState(0).normal(size=(2, 3, 4, 2))
    expected = model.predict(x)
    assert expected.shape[1:3] != (3, 4)
    for ending in ('.h5', '.keras'):
        model.save(str(tmp_path / ('model' + ending)))
        again = load_model(str(tmp_path / ('model' + ending)), compile=False)
        np.testing.assert_allclose(again.predict(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    'function, expected',
    [('resize_bilinear', [1.0, 1.6, 2.4, 3.6, 4.0]), ('resize_nearest_neighbor', [1.0, 1.0, 2.0, 2.0, 4.0])],
)
def test_images_of_tensorflow_1(function, expected):
    """From corner to corner; what TensorFlow 2.21 gives."""
    inputs = Input((3, 1, 1))
    layer = TFOpLambda('compat.v1.image.' + function)
    model = Lump(inputs, layer(inputs, size=[5, 1], align_corners=False, half_pixel_centers=False))
    np.testing.assert_allclose(
        model.predict(np.array([1.0, 2.0, 4.0])[None, :, None, None]).ravel(), expected, rtol=1e-5
    )
    with pytest.raises(ValueError, match='align_corners=True has no counterpart'):
        layer(inputs, size=[5, 1], align_corners=True)


@pytest.mark.skipif(K.backend() == 'theano', reason="the operators of its tensors are Theano's own")
def test_no_operand_is_no_number():
    with pytest.raises((TypeError, ValueError, AttributeError)):
        K.eval(K.constant([1.0]) + None)
