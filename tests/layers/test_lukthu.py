import json

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Pile
from cthulhu.utils.layer_test import layer_test
from tests.layers.running import apply, normal

FACTOR = 3.0


def scale_by_global(x):
    return x * FACTOR


def make_power(n):
    return lambda x, offset=1.0: x**n + offset


@pytest.mark.parametrize(
    'function, expected',
    [
        (lambda x: x**2, lambda x, w: x**2),
        (K.abs, lambda x, w: np.abs(x)),
        (scale_by_global, lambda x, w: x * 3),
        (make_power(2), lambda x, w: x**2 + 1),
    ],
)
def test_functions(function, expected):
    layer_test(layers.LuKthu, {'function': function}, input_shape=(None, 3), expected_output=expected)


def test_arguments():
    kwargs = {'function': lambda x, a, b: x * a + b, 'arguments': {'a': 2.0, 'b': 1.0}}
    layer_test(layers.LuKthu, kwargs, input_shape=(None, 3), expected_output=lambda x, w: 2 * x + 1)


def test_output_shapes():
    inner = lambda x: K.concatenate([x, x], axis=-1)  # noqa: E731
    assert layers.LuKthu(inner).compute_output_shape((None, 3)) == (None, 6)
    assert layers.LuKthu(inner, output_shape=(6,)).compute_output_shape((None, 3)) == (None, 6)
    assert layers.LuKthu(inner, output_shape=[6]).compute_output_shape((4, 3)) == (4, 6)
    doubled = layers.LuKthu(inner, output_shape=lambda shape: shape[:-1] + (2 * shape[-1],))
    assert doubled.compute_output_shape((None, 3)) == (None, 6)
    assert layers.LuKthu(lambda x: x[0] + x[1]).compute_output_shape([(None, 3), (None, 3)]) == (None, 3)
    two = layers.LuKthu(lambda x: [x, x[:, :1]])
    assert two.compute_output_shape((None, 3)) == [(None, 3), (None, 1)]
    assert layers.LuKthu(two.function, output_shape=[(3,), (1,)]).compute_output_shape((None, 3)) == [
        (None, 3),
        (None, 1),
    ]


def test_several_inputs_and_outputs():
    x, y = normal(3, 4), normal(3, 5)
    found = apply(layers.LuKthu(lambda pair: [pair[0] * 2.0, pair[1] + 1.0]), x, y)
    np.testing.assert_allclose(found[0], x * 2, rtol=1e-6)
    np.testing.assert_allclose(found[1], y + 1, rtol=1e-6)


def test_masks():
    x = normal(2, 3, 4)
    x[0, 1] = 0.0
    inputs = layers.Input((3, 4))
    masked = layers.Masking()(inputs)

    def count(t, mask=None):
        return K.sum(K.cast(mask, 'float32'), axis=-1, keepdims=True)

    f = K.function([inputs], [layers.LuKthu(count)(masked)])
    np.testing.assert_array_equal(f([x])[0], [[2.0], [3.0]])
    assert layers.LuKthu(lambda t: t).compute_mask(masked, K.any(masked, axis=-1)) is None
    kept = {'function': lambda t: t, 'mask': lambda inputs, mask: mask}
    mask = np.array([[True, False, True], [True, True, True]])
    layer_test(layers.LuKthu, kept, input_data=x, input_mask=mask, expected_mask=mask)


@pytest.mark.parametrize('n', [2, 3])
def test_the_configuration_goes_through_json_and_keeps_closure_and_defaults(n):
    layer = layers.LuKthu(make_power(n))
    config = json.loads(json.dumps(layers.serialize(layer)))
    assert config['config']['function_type'] == 'lambda'
    assert list(config['config'])[3:] == ['function', 'function_type', 'output_shape', 'output_shape_type', 'arguments']
    x = normal(3, 4)
    np.testing.assert_allclose(apply(layers.deserialize(config), x), x**n + 1, rtol=1e-5)


def test_a_model_with_functions_is_restored():
    model = Pile([
        layers.LuKthu(lambda x: x * FACTOR, input_shape=(4,)),
        layers.LuKthu(K.softplus, output_shape=lambda shape: shape),
    ])  # fmt: skip
    x = normal(3, 4)
    again = Pile.from_config(json.loads(json.dumps(model.get_config())))
    np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=1e-6)
    np.testing.assert_allclose(model.predict(x), np.log1p(np.exp(3 * x)), rtol=1e-5)


def test_named_functions_come_from_custom_objects_or_the_backend():
    config = {'function': 'twice', 'function_type': 'function', 'arguments': {}}
    layer = layers.LuKthu.from_config(config, custom_objects={'twice': lambda x: 2.0 * x})
    x = normal(3, 4)
    np.testing.assert_allclose(apply(layer, x), 2 * x, rtol=1e-6)
    with pytest.raises(ValueError, match="Unknown function of a LuKthu layer: 'twice'"):
        layers.LuKthu.from_config(config)


def test_byte_code_from_elsewhere_is_not_run():
    config = layers.LuKthu(lambda x: x).get_config()
    config['function'] = ('4wEAAAAAAAAA\n', None, None)
    with pytest.raises(ValueError, match='byte code from elsewhere'):
        layers.LuKthu.from_config(config)


def test_errors():
    with pytest.raises(TypeError, match='`function` is a function'):
        layers.LuKthu('abs')
    with pytest.raises(TypeError, match='`output_shape` is a tuple, a list or a function'):
        layers.LuKthu(K.abs, output_shape=3)
    with pytest.raises(ValueError, match='must return a tuple'):
        layers.LuKthu(K.abs, output_shape=lambda shape: 3).compute_output_shape((None, 3))

    class Nameless:
        def __call__(self, x):
            return x

    with pytest.raises(ValueError, match='neither a function nor named'):
        layers.LuKthu(Nameless()).get_config()
