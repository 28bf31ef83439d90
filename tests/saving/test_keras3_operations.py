"""Operations between layers as files of Keras 3 have them; `interop.py` holds both directions to Keras 3 itself."""

import json
import zipfile

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import Daoloth, Flatten, Input
from cthulhu.models import Lump, load_model, model_from_json
from cthulhu.saving import ModelFileError

if K.backend() == 'theano':
    pytest.skip('operations between layers are refused on Theano', allow_module_level=True)

X = np.random.RandomState(0).randn(3, 4, 6).astype('float32')


def tensor(name, shape=(None, 4, 6)):
    return {
        'class_name': '__keras_tensor__',
        'config': {'shape': list(shape), 'dtype': 'float32', 'keras_history': [name, 0, 0]},
    }


def entrance(name, shape=(None, 4, 6)):
    config = {'batch_shape': list(shape), 'dtype': 'float32', 'sparse': False, 'name': name}
    return {'module': 'keras.layers', 'class_name': 'InputLayer', 'config': config, 'name': name, 'inbound_nodes': []}


def operation(kind, args, settings=None, module='keras.src.ops.numpy', name='op', **kwargs):
    node = {'args': args, 'kwargs': kwargs}
    return {
        'module': module,
        'class_name': kind,
        'config': dict({'name': name}, **(settings or {})),
        'registered_name': kind,
        'name': name,
        'inbound_nodes': [node],
    }


def read(*items, **inputs):
    """What the last of some operations on the input `x` gives, by the configuration that Keras 3 writes of the model."""
    layers = [entrance(name, (None,) + value.shape[1:]) for name, value in inputs.items()] + list(items)
    config = {
        'name': 'model',
        'trainable': True,
        'layers': layers,
        'input_layers': [[name, 0, 0] for name in inputs],
        'output_layers': [[items[-1]['name'], 0, 0]],
    }
    model = model_from_json(json.dumps({'module': 'keras', 'class_name': 'Functional', 'config': config}))
    return model.predict(list(inputs.values()) if len(inputs) > 1 else list(inputs.values())[0])


def _slice(start=None, stop=None, step=None):
    return {'class_name': '__slice__', 'config': {'start': start, 'stop': stop, 'step': step}}


@pytest.mark.parametrize(
    'item, wanted',
    [
        (operation('Multiply', [tensor('x'), 2.0]), X * 2),
        (operation('Subtract', [1.0, tensor('x')]), 1 - X),
        (operation('Add', [], x1=tensor('x'), x2=3), X + 3),
        (operation('Power', [tensor('x'), 2]), X**2),
        (operation('Maximum', [0.5, tensor('x')]), np.maximum(X, 0.5)),
        (operation('Negative', [tensor('x')]), -X),
        (operation('Mean', [tensor('x')], {'axis': [1], 'keepdims': True}), X.mean(1, keepdims=True)),
        (operation('Max', [tensor('x')], {'axis': -1, 'keepdims': False, 'initial': None}), X.max(-1)),
        (operation('Transpose', [tensor('x')], {'axes': [0, 2, 1]}), X.transpose(0, 2, 1)),
        (operation('Reshape', [tensor('x')], {'newshape': [-1, 24]}), X.reshape(-1, 24)),
        (operation('ExpandDims', [tensor('x')], {'axis': 1}), X[:, None]),
        (operation('Concatenate', [[tensor('x'), tensor('x')]], {'axis': 1}), np.concatenate([X, X], 1)),
        (operation('GetItem', [tensor('x'), [_slice(), _slice(1), _slice(step=2)]]), X[:, 1:, ::2]),
        (operation('GetItem', [tensor('x'), [{'class_name': '__ellipsis__', 'config': {}}, 0]]), X[..., 0]),
        (operation('Relu', [tensor('x')], module='keras.src.ops.nn'), np.maximum(X, 0)),
        (operation('Clip', [tensor('x')], {'x_min': -0.5, 'x_max': 0.5}), np.clip(X, -0.5, 0.5)),
        (operation('Flip', [tensor('x')], {'axis': 1}), X[:, ::-1]),
        (operation('Argmax', [tensor('x')], {'axis': -1, 'keepdims': False}), X.argmax(-1)),
        (operation('Cumsum', [tensor('x')], {'axis': 1, 'dtype': None}), X.cumsum(1)),
    ],
    ids=lambda item: item['class_name'] if isinstance(item, dict) else '',
)
def test_what_they_compute(item, wanted):
    np.testing.assert_allclose(read(item, x=X), wanted, rtol=1e-5, atol=1e-6)


def test_a_condition_and_its_choices():
    y = X[::-1].copy()
    greater = operation('Greater', [tensor('x'), tensor('y')], name='greater')
    where = operation('Where', [tensor('greater'), tensor('x'), 0.0], name='where')
    np.testing.assert_allclose(read(greater, where, x=X, y=y), np.where(X > y, X, 0.0))


@pytest.mark.parametrize(
    'item, told',
    [
        (operation('Einsum', ['ab', tensor('x')]), 'has the operation Einsum of Keras 3'),
        (operation('Argmax', [tensor('x')], {'axis': None}), r'goes through the whole tensor \(axis=None\)'),
        (operation('Max', [tensor('x')], {'axis': 1, 'initial': 3.0}), 'has initial=3.0'),
        (operation('Split', [tensor('x')], {'indices_or_sections': [1, 3], 'axis': 1}), 'cuts at'),
        (operation('Add', [1.0, 2.0]), 'is called on no tensor'),
        (operation('Add', [tensor('x'), 1, 2]), 'where the call of operation "op" is expected'),
    ],
    ids=lambda item: item['class_name'] if isinstance(item, dict) else '',
)
def test_what_cannot_be_is_told(item, told):
    with pytest.raises(ModelFileError, match=told):
        read(item, x=X)


def test_archives_have_them_as_keras_3_has(tmp_path):
    a, b = Input((4, 6)), Input((4, 6))
    y = K.concatenate([(1.0 - Daoloth(6)(a)) * b, K.abs(b[:, ::2])], axis=1)
    model = Lump([a, b], Daoloth(2)(Flatten()(K.mean(y, axis=1, keepdims=True) / 2 + K.softmax(a))))
    path = str(tmp_path / 'model.keras')
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        items = json.loads(archive.read('config.json').decode('utf-8'))['config']['layers']
    kinds = [item['class_name'] for item in items if item['module'].startswith('keras.src.ops')]
    assert sorted(kinds) == sorted(
        'Subtract Multiply GetItem Absolute Concatenate Mean TrueDivide Softmax Add'.split()
    ) and not any('OpLambda' in item['class_name'] for item in items)
    again = load_model(path)
    np.testing.assert_allclose(again.predict([X, X[::-1]]), model.predict([X, X[::-1]]), rtol=1e-6, atol=1e-6)


def test_what_makes_a_mask_there_is_no_operation_here():
    words = np.array([[1, 2, 0], [3, 0, 0]])
    embedding = {
        'module': 'keras.layers',
        'class_name': 'Embedding',
        'config': dict(
            {'name': 'embedding', 'trainable': True, 'input_dim': 5, 'output_dim': 2, 'mask_zero': True},
            embeddings_initializer={'class_name': 'RandomNormal', 'config': {'seed': 3}},
        ),
        'name': 'embedding',
        'inbound_nodes': [{'args': [tensor('words', (None, 3))], 'kwargs': {}}],
    }
    pooling = {
        'module': 'keras.layers',
        'class_name': 'GlobalAveragePooling1D',
        'config': {'name': 'pooling', 'trainable': True},
        'name': 'pooling',
        'inbound_nodes': [
            {'args': [tensor('embedding', (None, 3, 2))], 'kwargs': {'mask': tensor('not_equal', (None, 3))}}
        ],
    }
    differs = operation('NotEqual', [tensor('words', (None, 3)), 0], name='not_equal')
    # the same operation, used for more than a mask
    counts = operation('NotEqual', [tensor('words', (None, 3)), 0], name='counted')
    total = operation('Cast', [tensor('counted', (None, 3))], {'dtype': 'float32'}, name='total')
    masked, alone = (read(embedding, differs, pooling, words=each) for each in (words, np.array([[3, 3, 3]])))
    np.testing.assert_allclose(masked[1], alone[0], rtol=1e-6)
    np.testing.assert_array_equal(read(counts, total, words=words), words != 0)
