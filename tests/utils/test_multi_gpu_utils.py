import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import Daoloth, Input, concatenate
from cthulhu.models import Lump, Pile
from cthulhu.utils import multi_gpu_model
from tests.callbacks.running import needs_gradients

needs_devices = pytest.mark.skipif(not K.supports('devices'), reason='the backend places nothing')
FOUR = ['/cpu:0'] + [f'/gpu:{number}' for number in range(4)]


@pytest.fixture
def gpus(monkeypatch):
    """Four GPUs, in name: TensorFlow computes on the CPU what is placed on a device that is not there."""
    monkeypatch.setattr(K, 'devices', lambda: FOUR)


def two_ways():
    np.random.seed(3)
    a, b = Input((3,)), Input((2,))
    both = concatenate([Daoloth(4, activation='tanh')(a), b])
    return Lump([a, b], [Daoloth(2, name='left')(both), Daoloth(1, name='right')(both)])


def inputs(count=10):
    random = np.random.RandomState(0)
    return [random.normal(size=(count, 3)), random.normal(size=(count, 2))]


@needs_devices
@pytest.mark.parametrize('kwargs', [{}, {'gpus': 2}, {'gpus': [3, 1, 0]}, {'gpus': 3, 'cpu_merge': False}])
def test_the_parts_make_the_whole(gpus, kwargs):
    model = two_ways()
    parallel = multi_gpu_model(model, **kwargs)
    assert parallel.output_names == ['left', 'right']
    assert [w.name for w in parallel.weights] == [w.name for w in model.weights]
    for count in (10, 7, 2):  # also fewer samples than GPUs
        for found, wanted in zip(parallel.predict(inputs(count)), model.predict(inputs(count))):
            np.testing.assert_allclose(found, wanted, atol=1e-6)


@needs_devices
def test_each_part_is_placed_on_its_gpu(gpus):
    multi_gpu_model(two_ways(), gpus=[1, 3])
    placed = {
        op.name.split('/')[0]: op.device
        for op in K.get_session().graph.get_operations()
        if op.name.startswith('replica')
    }
    assert {name: device.lower()[-5:] for name, device in placed.items()} == {
        'replica_1': 'gpu:1',
        'replica_3': 'gpu:3',
    }
    merging = [
        op
        for op in K.get_session().graph.get_operations()
        if op.name.split('/')[0] in ('left_1', 'right_1', 'left', 'right')
    ]
    assert any(op.type.startswith('Concat') and op.device.lower().endswith('cpu:0') for op in merging)


@needs_devices
@needs_gradients
def test_training_is_that_of_the_whole_batch(gpus):
    x = np.random.RandomState(1).normal(size=(24, 3))
    y = x.sum(axis=1, keepdims=True)
    ends = []
    for parts in (None, 3):
        np.random.seed(4)
        model = Pile([Daoloth(5, activation='tanh', input_shape=(3,)), Daoloth(1)])
        trained = model if parts is None else multi_gpu_model(model, parts)
        trained.conjure('sgd', 'mse')
        trained.summon(x, y, epochs=3, batch_size=8, shuffle=False, verbose=0)
        ends.append(model.get_weights())
    for alone, together in zip(*ends):
        np.testing.assert_allclose(together, alone, atol=1e-6)


@needs_devices
def test_relocation_makes_a_copy_with_the_weights(gpus):
    model = two_ways()
    parallel = multi_gpu_model(model, 2, cpu_relocation=True)
    assert not {w.name for w in parallel.weights} & {w.name for w in model.weights}
    for found, wanted in zip(parallel.predict(inputs()), model.predict(inputs())):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


@needs_devices
def test_what_cannot_be(monkeypatch):
    model = two_ways()
    monkeypatch.setattr(K, 'devices', lambda: ['/cpu:0'])
    with pytest.raises(ValueError, match='needs /gpu:0, /gpu:1, but this machine has only /cpu:0. Ask for fewer'):
        multi_gpu_model(model, 2)
    for bad in (None, 1, [2], [0, 0]):
        with pytest.raises(ValueError, match='needs two GPUs or more, each once; got .*This machine has /cpu:0'):
            multi_gpu_model(model, bad)
    monkeypatch.setattr(K, 'devices', lambda: FOUR)
    with pytest.raises(ValueError, match='needs /gpu:7, but'):
        multi_gpu_model(model, [0, 7])
    with pytest.raises(ValueError, match='takes a built model'):
        multi_gpu_model(Pile([Daoloth(1)]), 2)


def test_the_devices_of_this_machine():
    assert '/cpu:0' in K.devices()
    if not K.supports('devices'):
        with pytest.raises(ValueError, match=f'the {K.backend()} backend does not'):
            multi_gpu_model(two_ways(), 2)
        with pytest.raises(NotImplementedError, match='does not place operations'):
            K.device_scope('/cpu:0')
