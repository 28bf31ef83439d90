"""What is JAX's own: devices, memory that is handed on, what is found out while a compiled function runs."""

import ast
import os
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import Daoloth, Dropout, Input, LuKthu
from cthulhu.models import Lump, Pile
from cthulhu.optimizers import SGD

if K.backend() != 'jax':
    pytest.skip('for the JAX backend', allow_module_level=True)

import jax
import jax.numpy as jnp

from cthulhu.backend.jax import device, many_steps

HERE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

numbers = np.random.RandomState(4)
X, Y = numbers.normal(size=(48, 5)).astype('float32'), numbers.normal(size=(48, 3)).astype('float32')


def python(code, **environment):
    # However many devices there are here, there are those of the processor.
    env = dict(os.environ, CTHULHU_BACKEND='jax', PYTHONPATH=HERE, JAX_PLATFORMS='cpu', **environment)
    done = subprocess.run([sys.executable, '-c', code], env=env, capture_output=True)
    return done.stdout.decode(), done.stderr.decode()


def test_no_other_framework_is_imported():
    out, err = python("import sys, cthulhu; print([m for m in ('tensorflow', 'torch', 'theano') if m in sys.modules])")
    assert out == '[]\n', err


def test_the_callers_settings_stay():
    code = """
import jax, numpy as np
from cthulhu import backend as K
x = K.variable(np.arange(3), dtype='int64')
y = K.variable(np.ones(3), dtype='float64')
print(K.function([], [x + 2 ** 40, y * 2])([])[1].dtype, jax.numpy.arange(3).dtype, jax.config.jax_enable_x64)
"""
    assert python(code)[0] == 'float64 int32 False\n'


@pytest.mark.parametrize('wanted', ['gpu:7', 'abacus', 'cpu:9', 'cpu:x'])
def test_a_device_that_is_not_there(wanted):
    _, err = python('from cthulhu import backend as K; K.devices()', CTHULHU_DEVICE=wanted)
    assert f"ValueError: CTHULHU_DEVICE='{wanted}': no such device. There are /cpu:0" in err


PROGRAM = """
import numpy as np
from cthulhu import backend as K
from cthulhu.layers import BlacknessFromTheStars, Daoloth, Dropout
from cthulhu.models import Pile
np.random.seed(3)
x, y = np.random.normal(size=(70, 5)).astype('float32'), np.random.normal(size=(70, 3)).astype('float32')
model = Pile([Daoloth(8, activation='tanh', input_shape=(5,)), Dropout(0.3), BlacknessFromTheStars(), Daoloth(3)])
model.conjure('adam', 'mse', metrics=['mae'], steps_per_execution=STEPS)
history = model.summon(x, y, batch_size=16, epochs=3, verbose=0, sample_weight=np.linspace(0, 1, 70)).history
print(repr([history['loss'], history['mae'], model.predict(x).sum().item(), len(K.devices())]))
"""


@pytest.mark.parametrize('steps', [1, 4])
def test_eight_devices_share_each_batch(steps):
    """The history of one, a last batch that cannot be divided and random draws included."""
    code = PROGRAM.replace('STEPS', str(steps))
    one, several = (
        python(code, XLA_FLAGS='--xla_force_host_platform_device_count=8', **more) for more in ({}, {'CTHULHU_DEVICE': 'all'})
    )  # fmt: skip
    assert one[0] and several[0], several[1]
    alone, shared = eval(one[0]), eval(several[0])
    assert (alone.pop(), shared.pop()) == (1, 8)
    for found, wanted in zip(shared, alone):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_multi_gpu_model():
    code = """
import numpy as np
from cthulhu.layers import Daoloth, Input
from cthulhu.models import Lump
from cthulhu.utils import multi_gpu_model
x = Input((5,))
model = Lump(x, [Daoloth(3, name='a')(x), Daoloth(2, name='b')(x)])
parallel = multi_gpu_model(model, gpus=4)
parallel.conjure('sgd', {'a': 'mse', 'b': 'mae'})
data = np.ones((8, 5), 'float32')
before = model.get_weights()
parallel.summon(data, {'a': np.ones((8, 3)), 'b': np.ones((8, 2))}, verbose=0)
same = [np.allclose(one, other) for one, other in zip(model.predict(data), parallel.predict(data))]
print(parallel.output_names, same, (before[0] != model.get_weights()[0]).any())
for wrong in ({'gpus': 3}, {'cpu_relocation': True}):
    try:
        multi_gpu_model(model, **wrong)
    except ValueError as error:
        print(error)
"""
    found, error = python(code, XLA_FLAGS='--xla_force_host_platform_device_count=4', CTHULHU_DEVICE='all')
    lines = found.splitlines()
    assert lines[0] == "['a', 'b'] [True, True] True", error
    assert 'shares each batch between all devices that it uses, and it uses /cpu:0, /cpu:1, /cpu:2, /cpu:3' in lines[1]
    assert 'each device has the weights' in lines[2]


def test_the_memory_of_the_old_values_is_that_of_the_new():
    x, fed = K.variable(np.zeros(1000)), K.placeholder((1000,))
    step = K.function([fed], [K.sum(x)], updates=[K.update(x, x + fed)])
    step([np.ones(1000)])
    old = x.value
    step([np.ones(1000)])
    assert old.is_deleted() and K.get_value(x).tolist() == [2.0] * 1000


def test_variables_that_are_given_one_value_have_it_each():
    x, y, z, fed = K.variable([1.0]), K.variable([2.0]), K.variable([3.0]), K.placeholder((1,))
    together = K.function([fed], [x], updates=[K.update(x, z), K.update(y, z)])
    again = K.function([fed], [y], updates=[K.update(x, fed), K.update(y, fed), K.update(z, z)])
    given = np.array([5.0], 'float32')
    for _ in range(3):
        together([given])
        again([given])
    given[:] = 9
    assert [K.get_value(v).tolist() for v in (x, y, z)] == [[5.0], [5.0], [3.0]]


def test_threads_that_train_and_predict_with_one_model():
    model = Pile([Daoloth(300, input_shape=(5,)), Daoloth(3)])
    model.conjure('sgd', 'mse')
    model.summon(X, Y, verbose=0)
    model.predict(X)
    faults = []

    def often(action):
        try:
            for _ in range(60):
                action()
        except Exception as error:
            faults.append(error)

    actions = [lambda: model.train_on_batch(X, Y), lambda: model.predict_on_batch(X), model.get_weights]
    threads = [threading.Thread(target=often, args=(action,)) for action in actions * 2]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not faults and int(K.get_value(model.optimizer.iterations)) == 2 + 120


@pytest.mark.parametrize('steps', [1, 3])
def test_an_index_that_is_out_of_range_changes_nothing(steps):
    table = K.variable(np.ones((7, 4)))
    model = Pile([LuKthu(lambda x: K.gather(table, K.cast(x, 'int32')), input_shape=(2,)), Dropout(0.5), Daoloth(1)])
    model.conjure('adam', 'mse', steps_per_execution=steps)
    x = np.zeros((24, 2))
    x[13, 1] = 7
    with pytest.raises(ValueError, match='The index 7 is out of range: there are 7, numbered from 0 to 6'):
        model.summon(x, np.zeros((24, 2, 1)), batch_size=4, epochs=1, verbose=0, shuffle=False)
    assert int(K.get_value(model.optimizer.iterations)) == 3
    assert np.isfinite(model.predict(x[:8])).all()
    weights = model.get_weights()
    model.summon(x[:8], np.zeros((8, 2, 1)), verbose=0)
    assert any((a != b).any() for a, b in zip(weights, model.get_weights()))


@pytest.mark.parametrize('where', ['loop', 'branch', 'gradient'])
def test_an_index_is_found_wherever_it_is(where):
    table, fed, way = K.variable(np.eye(4)), K.placeholder((3,), dtype='int32'), K.placeholder(())
    looked_up = {
        'loop': lambda: K.sum(K.map_fn(lambda i: K.sum(K.gather(table, i)), fed, dtype='float32')),
        'branch': lambda: K.switch(way > 0, lambda: K.sum(K.gather(table, fed)), lambda: K.constant(0.0)),
        'gradient': lambda: K.sum(K.gradients(K.sum(K.square(K.gather(table, fed))), [table])[0]),
    }[where]()
    f = K.function([fed, way], [looked_up])
    assert f([[0, 1, 3], 1])[0] in (3.0, 6.0)
    with pytest.raises(ValueError, match='The index -2 is out of range: there are 4'):
        f([[0, -2, 9], 1])
    assert where != 'branch' or f([[0, -2, 9], -1])[0] == 0


def test_a_data_set_that_stays_on_the_device(monkeypatch):
    """As on a GPU: batches are taken there by their places. Weights of one, a shorter last batch, and a validation."""

    def history(steps):
        np.random.seed(0)
        K.clear_session()
        model = Pile([Daoloth(8, activation='tanh', input_shape=(5,)), Daoloth(3)])
        model.set_weights([np.linspace(-1, 1, w.size).reshape(w.shape) for w in model.get_weights()])
        model.conjure('adam', 'mse', metrics=['mae'], steps_per_execution=steps)
        return model.summon(X.astype('float64'), Y, batch_size=10, epochs=3, verbose=0, validation_split=0.2).history

    expected = history(1)
    made = []

    def of(arrays):
        made.append(many_steps.Held(arrays))
        return made[-1]

    monkeypatch.setattr(many_steps.Held, 'of', of)
    for steps in (1, 3):
        found = history(steps)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-5, err_msg=name)
    assert len(made) == 2


def test_a_processor_has_its_data_already():
    assert device.used()[0].platform != 'cpu' or many_steps.Held.of([X]) is None


def test_arrays_of_jax_are_data():
    model = Pile([Daoloth(3, input_shape=(5,))])
    model.conjure('sgd', 'mse')
    wanted = model.predict(X)
    np.testing.assert_array_equal(model.predict(jnp.asarray(X)), wanted)
    before = model.evaluate(X, Y, verbose=0)
    model.summon(jnp.asarray(X), jnp.asarray(Y), epochs=2, verbose=0)
    assert model.evaluate(jax.device_put(X), jnp.asarray(Y), verbose=0) < before


def test_functions_of_jax_on_our_tensors():
    def both(x):
        return [jax.nn.silu(x), jnp.cumsum(x, axis=1) + K.sum(x)]

    def furthest(y_true, y_pred):
        return jnp.max(jnp.abs(y_true - y_pred))

    inputs = Input((5,))
    hidden, summed = LuKthu(both)(inputs)
    outputs = Daoloth(3)(LuKthu(lambda x: jnp.concatenate(x, axis=-1))([hidden, summed]))
    assert K.dtype(hidden) == 'float32' and K.dtype(LuKthu(lambda x: jnp.sin(x) * jnp.ones(5))(inputs)) == 'float32'
    assert K.int_shape(hidden) == (None, 5) and K.int_shape(outputs) == (None, 3)
    model = Lump(inputs, outputs)
    model.conjure(SGD(1e-4), lambda y_true, y_pred: jnp.mean(jnp.abs(y_true - y_pred), axis=-1), [furthest])
    weights, bias = model.get_weights()
    x = np.concatenate([X / (1 + np.exp(-X)), np.cumsum(X, axis=1) + X.sum()], axis=-1)
    np.testing.assert_allclose(model.predict(X, batch_size=48), x @ weights + bias, rtol=1e-4, atol=1e-5)
    apart = np.abs(x @ weights + bias - Y)
    wanted = [apart.mean(), apart.max()]
    np.testing.assert_allclose(model.evaluate(X, Y, batch_size=48, verbose=0), wanted, rtol=1e-5)
    history = model.summon(X, Y, batch_size=48, epochs=3, verbose=0).history['loss']
    assert history[-1] < history[0]


def test_a_function_that_takes_neither_is_told_so():
    with pytest.raises(TypeError, match='wrong: it takes neither symbolic tensors .* nor arrays of JAX'):

        def wrong(x):
            return jnp.dot(x, jnp.ones((7, 7)))

        LuKthu(wrong)(Input((5,)))


def test_a_fork_is_told_that_jax_does_not_compute_in_it():
    code = """
import ast
import os
import socket
from cthulhu import backend as K
if os.environ.get('FIRST'):
    K.variable(1.0)
child = os.fork()
if child:
    os.waitpid(child, 0)
else:
    try:
        print(K.function([], [K.variable(1.0) + 1.0])([]), flush=True)
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
"""
    assert 'JAX does not compute in a fork of the program' in python(code, FIRST='1')[0]
    assert python(code)[0] == '[array(2., dtype=float32)]\n'


def test_what_cannot_be_many_steps_is_said():
    x, lengths, sparse = K.placeholder((4,)), K.placeholder((), dtype='int32'), K.placeholder((None, 4), sparse=True)
    with pytest.raises(NotImplementedError, match='it is fed sparse matrices'):
        K.function([sparse], [K.dot(sparse, K.ones((4, 1)))]).many_steps({}, 2, [(3, 4)])
    cut = K.function([x, lengths], [K.sum(K.reshape(x, K.stack([lengths, -1])), axis=0)])
    assert cut([np.arange(4.0), 2])[0].tolist() == [2, 4] and cut([np.arange(4.0), 4])[0].tolist() == [6]
    with pytest.raises(NotImplementedError, match='a length, may change from step to step'):
        cut.many_steps({}, 2, [(4,), ()])


# Ranks: functions that sum over processes.

RANK = """
import os, sys
import numpy as np
from cthulhu import backend as K
from cthulhu.backend.group import Group, RankLost
rank, count, port = map(int, sys.argv[1:])
group = Group(rank, count, ('127.0.0.1', port), timeout=20).connect()
K.join_ranks(group)
X = np.random.RandomState(5).randint(0, 9, (7, 4))
Y = np.random.RandomState(6).rand(7, 2).astype('float32')
own = [slice(0, 7)] if count == 1 else [slice(0, 4), slice(4, 7)] if count == 2 else [slice(0, 4), slice(4, 7), slice(7, 7)]
x, y = X[own[rank]], Y[own[rank]]
ids, wanted = K.placeholder((None, 4), dtype='int32'), K.placeholder((None, 2))
random = np.random.RandomState(7)
table, kernel = K.variable(random.rand(9, 3)), K.variable(random.rand(3, 2))
seen, speed = K.variable(0.0), [K.variable(np.zeros((9, 3))), K.variable(np.zeros((3, 2)))]

def step(**options):
    # The mean over all samples takes a sum before the derivatives, and they take one after.
    samples = K.cast(K.shape(ids)[0], 'float32')
    (all_samples,) = K.sum_over_ranks([samples])
    found = K.tanh(K.dot(K.mean(K.gather(table, ids), axis=1), kernel))
    loss = K.sum(K.square(found - wanted)) / all_samples
    near = K.sum(K.cast(K.abs(found - wanted) < 0.3, 'float32'))
    whole, near, *gradients = K.sum_over_ranks([loss, near] + K.gradients(loss, [table, kernel]))
    faster = [0.9 * v - 0.1 * g for v, g in zip(speed, gradients)]
    updates = [(seen, seen + near)] + list(zip(speed, faster)) + [(w, w + v) for w, v in zip([table, kernel], faster)]
    return K.function([ids, wanted], [whole, K.sum(found)], updates=updates, after_updates=[seen / all_samples])
"""


def ranks(code, count=2, **environment):
    """What each of some processes writes: list of str."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = str(free.getsockname()[1])
    env = dict(os.environ, CTHULHU_BACKEND='jax', PYTHONPATH=HERE, JAX_PLATFORMS='cpu', **environment)
    command, pipe = [sys.executable, '-c', RANK + code], subprocess.PIPE
    started = [
        subprocess.Popen(command + [str(rank), str(count), port], env=env, stdout=pipe, stderr=pipe)
        for rank in range(count)
    ]
    try:
        done = [process.communicate(timeout=100) for process in started]
    finally:
        for process in started:
            process.kill()
    assert not any(process.returncode for process in started), [err.decode() for _, err in done]
    return [out.decode() for out, _ in done]


TRAINED = """
train = step()
before = table.value
for _ in range(5):
    whole, _, near = train([x, y])
assert count == 1 and not before.is_deleted() or before.is_deleted()
print(repr([np.asarray(one, 'float64').round(5).tolist() for one in [whole, near] + K.batch_get_value([table, kernel, seen])]))
"""


@pytest.mark.parametrize('count, devices', [(2, 1), (3, 1), (2, 2)])
def test_shares_of_different_lengths_train_as_the_whole_does(count, devices):
    """With three ranks the last has no samples."""
    further = {'CTHULHU_DEVICE': 'all'} if devices > 1 else {}
    flags = f'--xla_force_host_platform_device_count={devices}'
    (alone,) = map(ast.literal_eval, ranks(TRAINED, 1))
    together = ranks(TRAINED, count, XLA_FLAGS=flags, **further)
    assert len(set(together)) == 1
    for one, other in zip(ast.literal_eval(together[0]), alone):
        np.testing.assert_allclose(one, other, atol=3e-5)


def test_sums_of_sums():
    code = """
z = K.placeholder((None,))
first = K.sum_over_ranks([K.sum(z)])[0]
second, count_of_all = K.sum_over_ranks([K.sum(z * first), K.shape(z)[0]])
third = K.sum_over_ranks([K.reshape(second + K.sum(z), (1, 1))])[0]
f = K.function([z], [third, second, first, count_of_all, K.sum(z)])
for _ in range(2):
    print([float(np.sum(one)) for one in f([np.arange(3.0 + rank)])])
print(K.eval(K.sum_over_ranks([K.constant([[1.0, rank]])])[0]).tolist())
"""
    for rank, out in enumerate(ranks(code)):
        lines = out.splitlines()
        assert lines[:2] == [str([171.0, 81.0, 9.0, 7.0, [3.0, 6.0][rank]])] * 2 and lines[2] == '[[2.0, 1.0]]'


def test_an_index_that_is_out_of_range_on_one_rank_changes_nothing_on_any():
    code = """
train = step()
train([x, y])
before = K.batch_get_value([table, kernel, seen] + speed)
bad = x.copy()
bad[0, 0] += 9 * rank
try:
    train([bad, y])
except (ValueError, IndexError, RankLost) as error:
    print(type(error).__name__, error)
same = [np.array_equal(a, b) for a, b in zip(before, K.batch_get_value([table, kernel, seen] + speed))]
print(all(same), train([x, y])[0])
"""
    first, second = [out.splitlines() for out in ranks(code)]
    assert first[0].startswith('RankLost Rank 1 has found something wrong in what it was fed')
    assert 'from 0 to 8' in second[0] or 'index' in second[0]
    assert first[1] == second[1] and first[1].startswith('True ')


def test_where_no_sum_can_stand_is_said():
    code = """
v, z = K.variable(np.ones(3)), K.placeholder((3,))
try:
    K.function([z], [K.map_fn(lambda one: K.sum_over_ranks([one * v[0]])[0], z)])([np.ones(3)])
except NotImplementedError as error:
    print(error)
try:
    step().many_steps({}, 2, [(4, 4), (4, 2)])
except NotImplementedError as error:
    print(error)
"""
    for out in ranks(code):
        assert 'inside of a loop' in out and 'it sums over ranks' in out
