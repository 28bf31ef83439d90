"""Run by test_torch.py: models that train on a device that is not the host, as PyTorch simulates one on any machine.

Its tensors have shapes, types and a device, and no values: operands on different devices are an error, and so is to wait for a value before the
end of a run.
"""

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import cthulhu
from cthulhu import backend as K
from cthulhu.backend.torch import checks, framework, nn, primitive, random, run, shape
from tests.engine import twelve


def to_array(value):
    """What would have been read from the device."""
    if not isinstance(value, torch.Tensor):
        return value
    assert value.device.type == 'meta', value
    return np.zeros(tuple(value.shape), framework.NAMES[value.dtype])


class Generator:
    def __init__(self, device):
        assert device.type == 'meta'

    def manual_seed(self, seed):
        return None


for module in framework, random, run, shape:
    module.DEVICE = torch.device('meta')
for module in checks, framework, nn, primitive, run:
    module.to_array = to_array
framework.ON_HOST = run.ON_HOST = False
torch.Generator = Generator
checks.in_range = lambda indices, size, what: indices.clamp(0, size - 1)


def many_operations():
    x, images = K.placeholder((None, 6)), K.placeholder((None, 8, 8, 3))
    ones = K.constant(np.ones((4, 6)))
    made = [
        K.dropout(x, 0.5), K.random_normal(K.shape(x)), K.random_uniform(K.shape(x), -1, 1), K.truncated_normal(K.shape(x)),
        K.random_uniform(K.shape(x), 0, 5, dtype='int32'), K.one_hot(K.argmax(x), 6), K.top_k(x, 2)[0], K.arange(K.shape(x)[0]),
        K.cumsum(x, 1), K.in_top_k(x, K.argmax(x), 2), K.clip(x, 0, None), K.var(x), 2**x, x // 2, 3 // x, x % 2, 1 - x, 1 / x,
        K.where(K.greater(x, 0.0), x, 0.0), K.where(K.greater(x, 0.0), 1.0, 0.0), K.fill(K.shape(x), 2.0), K.batch_dot(x, x, 1),
        K.logsumexp(x), K.relu(x, max_value=1), K.elu(x), np.ones(6) * x, K.concatenate([x, np.ones((4, 2))]), K.tile(x, (2, 1)),
        K.sqrt(x), K.sign(x), K.all(x), K.prod(x, 0), torch.sin(x), torch.mul(x, K.variable(2.0)), torch.max(x, 1)[0],
        K.binary_crossentropy(ones, K.sigmoid(x)), K.categorical_crossentropy(ones, K.softmax(x)),
        K.sparse_categorical_crossentropy(K.constant([1, 2, 3, 0], 'int32'), K.softmax(x)),
        K.pool2d(images, (3, 3), (2, 2), 'same', pool_mode='avg'), K.resize_images(images, 2, 2, 'channels_last', 'bilinear'),
        K.conv2d(images, K.variable(np.ones((3, 3, 3, 4))), (2, 2), 'same'),
    ]  # fmt: skip
    K.function([x, images], made)([np.ones((4, 6)), np.ones((2, 8, 8, 3))])


with FakeTensorMode():
    many_operations()
    for make in twelve.MODELS:
        model, x, y, options = make(cthulhu)
        twelve.start(model)
        twelve.train(model, x, y, options)
        model.predict(x)
print('all done')
