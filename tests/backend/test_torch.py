"""What only the PyTorch backend has: native tensors and functions, devices, autograd, settings left alone, data from PyTorch."""

import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse

from cthulhu import backend as K

if K.backend() != 'torch':
    pytest.skip('for the torch backend', allow_module_level=True)

import torch
from torch.nn import functional as F

from cthulhu import layers as L
from cthulhu.backend.deferred import Symbol
from cthulhu.backend.torch import held
from cthulhu.models import Lump, Pile, load_model

X = np.random.RandomState(0).rand(12, 3).astype('float32')
Y = X.sum(-1, keepdims=True)


def model():
    np.random.seed(1)
    made = Pile([L.Daoloth(4, activation='tanh', input_shape=(3,)), L.Daoloth(1)])
    made.conjure('sgd', 'mse')
    return made


# -- functions of the framework on symbolic tensors ------------------------------------------------------


def test_functions_of_torch_are_recorded():
    x = K.placeholder((None, 3))
    y = torch.sin(x) + F.relu(x - 1.0) * torch.ones(3)
    assert isinstance(y, Symbol) and K.int_shape(y) == (None, 3) and K.dtype(y) == 'float32'
    np.testing.assert_allclose(K.function([x], [y])([X])[0], np.sin(X) + np.maximum(X - 1, 0), rtol=1e-6)


def test_their_shapes_and_dtypes():
    x, n = K.placeholder((None, 4, 6)), K.placeholder((2, None), dtype='int32')
    for made, shape, dtype in (
        (torch.cat([x, x], 2), (None, 4, 12), 'float32'),
        (torch.stack([x, x]), (2, None, 4, 6), 'float32'),
        (x.view(-1, 24), (None, 24), 'float32'),
        (x.reshape(-1, 2), (None, 2), 'float32'),
        (x.mean(dim=1, keepdim=True), (None, 1, 6), 'float32'),
        (torch.argmax(x, 2), (None, 4), 'int64'),
        (torch.einsum('bij,bkj->bik', x, x), (None, 4, 4), 'float32'),
        (n.to(torch.float64), (2, None), 'float64'),
        (torch.ones(1) + x, (None, 4, 6), 'float32'),
        (torch.nonzero(n), (None, None), 'int64'),
    ):
        assert isinstance(made, Symbol) and made.shape == shape and made.dtype == dtype, made
    values, indices = torch.max(x, dim=1)
    assert values.shape == (None, 6) and indices.dtype == 'int64'
    assert (
        x.dim() == 3 and torch.is_floating_point(x) is True and [p.shape for p in x.split(3, 2)] == [(None, 4, 3)] * 2
    )
    with pytest.raises(AttributeError):
        x.numpy  # noqa: B018


def test_what_they_are_given_may_be_scalars_and_shapes():
    x, scale = K.placeholder((None, 3)), K.variable(2.0)
    y = torch.mul(x, scale) + torch.sum(K.shape(x))
    np.testing.assert_allclose(K.function([x], [y])([X])[0], 2 * X + 15, rtol=1e-6)


def test_what_changes_a_tensor_or_needs_a_length_is_refused():
    x = K.placeholder((None, 3))
    for call in (lambda: F.relu(x, inplace=True), lambda: torch.relu_(x), lambda: torch.exp(x, out=torch.ones(2, 3))):
        with pytest.raises(TypeError, match='in place'):
            call()
    with pytest.raises(ValueError, match='not known before the run'):
        x.size(0)
    with pytest.raises(ValueError, match=r'\(None, 3\).*12'):
        x.view(-1, 5)
    with pytest.raises(TypeError, match='numpy backend'):
        from cthulhu.backend.load import load_backend

        torch.sin(load_backend('numpy').placeholder((2,)))


def test_gradients_of_them_and_of_modules():
    module = torch.nn.Linear(3, 2).to(K.active.device)
    x = K.placeholder((None, 3))
    (found,) = K.gradients(torch.tanh(module(x)), [x])
    given = torch.from_numpy(X).to(K.active.device).requires_grad_()
    (expected,) = torch.autograd.grad(torch.tanh(module(given)).sum(), given)
    np.testing.assert_allclose(K.function([x], [found])([X])[0], expected.cpu().numpy(), rtol=1e-5)
    assert module.weight.grad is None


def test_in_lukthus_layers_losses_and_metrics():
    class Gate(L.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(name='scale', shape=(4,), initializer='ones')
            super().build(input_shape)

        def call(self, inputs):
            return torch.sigmoid(inputs) * self.scale

    def loss(y_true, y_pred):
        return F.mse_loss(y_pred, y_true, reduction='none').mean(dim=-1)

    def largest(y_true, y_pred):
        return torch.amax(torch.abs(y_true - y_pred))

    np.random.seed(1)
    made = Pile([L.LuKthu(lambda x: torch.cos(x) * 2, input_shape=(3,)), L.Daoloth(4), Gate(), L.Daoloth(1)])
    made.conjure('sgd', loss, metrics=[largest])
    history = made.summon(X, Y, epochs=3, verbose=0).history
    assert history['loss'][-1] < history['loss'][0] and history['largest'][0] > 0
    assert not np.allclose(made.layers[2].get_weights()[0], 1)


# -- native tensors as values ---------------------------------------------------------------------------


def test_tensors_are_values():
    value = torch.tensor([[1.0, 2.0]], requires_grad=True)
    x, v = K.placeholder((None, 2)), K.variable(value)
    np.testing.assert_array_equal(K.function([x], [x * 2 + value])([value])[0], [[3, 6]])
    K.set_value(v, torch.tensor([[5.0, 6.0]]))
    assert K.get_value(v).tolist() == [[5, 6]] and K.eval(value).tolist() == [[1, 2]]
    assert isinstance(K.exp(torch.zeros(2)), torch.Tensor) and not K.is_tensor(value)


def test_what_was_fed_may_change_afterwards():
    v, x = K.variable(np.zeros(3)), K.placeholder((3,))
    keep = K.function([x], [x], updates=[K.update(v, x)])
    for given in np.ones(3, 'float32'), torch.ones(3):
        (out,) = keep([given])
        given[:] = 7
        assert K.get_value(v).tolist() == out.tolist() == [1, 1, 1]
        out[:] = 8
        assert K.get_value(v).tolist() == [1, 1, 1]
    K.get_value(v)[:] = 9
    assert K.get_value(v).tolist() == [1, 1, 1]


@pytest.mark.parametrize('sparse', [scipy.sparse.csr_matrix, lambda m: torch.from_numpy(m).to_sparse()])
def test_sparse_values(sparse):
    matrix = np.array([[0, 2, 0], [1, 0, 0]], 'float32')
    x, w = K.placeholder((None, 3), sparse=True), K.variable(X[:3, :2])
    y = K.dot(x, w)
    function = K.function([x], [y, K.gradients(K.sum(y * y), [w])[0], K.to_dense(K.concatenate([x, x], 1)), x])
    y, gradient, joined, same = function([sparse(matrix)])
    np.testing.assert_allclose(y, matrix @ X[:3, :2], rtol=1e-6)
    np.testing.assert_allclose(gradient, 2 * matrix.T @ (matrix @ X[:3, :2]), rtol=1e-6)
    np.testing.assert_array_equal(joined, np.hstack([matrix, matrix]))
    assert scipy.sparse.issparse(same) and same.toarray().tolist() == matrix.tolist()


def test_types_stay():
    for dtype in 'float16', 'float32', 'float64':
        x = K.placeholder((None, 3), dtype=dtype)
        made = [
            x * 0.1,
            0.1 + x,
            x / K.shape(x)[0],
            K.softmax(x),
            K.mean(x),
            x**2,
            K.random_normal((2, 3), dtype=dtype),
        ]
        for value in K.function([x], made)([X]):
            assert value.dtype == dtype
    n = K.placeholder((3,), dtype='uint8')
    assert [v.dtype for v in K.function([n], [n + 1, K.sum(n), n / 2, K.argmax(n)])([[1, 2, 3]])] == [
        'uint8', 'uint8', 'float32', 'int64',
    ]  # fmt: skip


# -- data -----------------------------------------------------------------------------------------------


def test_tensors_and_loaders_are_data():
    def ways(x, y, **kwargs):
        made = model()
        history = made.summon(x, y, verbose=0, shuffle=False, epochs=2, **kwargs).history['loss']
        return history, made.evaluate(x, y, verbose=0, **kwargs), made.predict(x, **kwargs)

    history, loss, predicted = ways(X, Y, batch_size=4)
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    for given in (x, y), (x.clone().requires_grad_(), y.clone().requires_grad_()):
        found = ways(*given, batch_size=4)
        assert found[0] == history and found[1] == loss and np.array_equal(found[2], predicted)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=4)
    found = ways(loader, None)
    np.testing.assert_allclose(found[0], history, rtol=1e-6)
    np.testing.assert_allclose(found[1], loss, rtol=1e-6)
    np.testing.assert_array_equal(found[2], predicted)
    assert model().train_on_batch(x, y) == model().train_on_batch(X, Y)
    half = model().predict(x.to(torch.bfloat16))
    np.testing.assert_allclose(half, model().predict(X), atol=0.02)


def test_bfloat16_comes_as_float32_and_no_variable_is_of_it():
    """NumPy, which variables and results meet, does not have it."""
    x = K.cast(K.variable([1.0, 1 / 3]), 'bfloat16')
    for short in x, K.constant([1.0, 1 / 3], torch.bfloat16), K.zeros_like(x) + x:
        found = K.eval(short)
        assert K.dtype(short) == 'bfloat16' and found.dtype == 'float32'
        np.testing.assert_array_equal(found, torch.tensor([1.0, 1 / 3]).bfloat16().float().numpy())
        np.testing.assert_array_equal(K.function([], [short])([])[0], found)
    for make in (lambda: K.variable([1.0], 'bfloat16'), lambda: L.Daoloth(2, dtype='bfloat16')(L.Input((3,)))):
        with pytest.raises(ValueError, match="variables are of types that NumPy has.*'mixed_bfloat16'"):
            make()


def test_loaders_of_several_inputs_with_weights_and_validation():
    first, second = L.Input((3,), name='first'), L.Input((3,), name='second')
    made = Lump([first, second], L.Daoloth(1)(L.Concatenate()([first, second])))
    made.conjure('sgd', 'mse')
    x, y = torch.from_numpy(X), torch.from_numpy(Y)

    class Pairs(torch.utils.data.Dataset):
        def __len__(self):
            return len(X)

        def __getitem__(self, index):
            return {'first': x[index], 'second': x[index]}, y[index], torch.tensor(1.0)

    loader = torch.utils.data.DataLoader(Pairs(), batch_size=5, shuffle=True)
    history = made.summon(loader, epochs=3, verbose=0, validation_data=loader).history
    assert history['val_loss'][-1] < history['val_loss'][0] and len(history['loss']) == 3


# -- settings, devices, draws ---------------------------------------------------------------------------


def test_settings_of_the_program_are_left_alone_and_change_nothing():
    history = model().summon(X, Y, verbose=0, shuffle=False, epochs=2).history['loss']
    torch.manual_seed(3)
    state = torch.get_rng_state()
    with torch.inference_mode():
        made = model()
        found = made.summon(X, Y, verbose=0, shuffle=False, epochs=1).history['loss']
    torch.set_default_dtype(torch.float64)
    with torch.autocast('cpu'):
        assert np.array_equal(made.predict(X), made.predict(X)) and made.predict(X).dtype == 'float32'
    try:
        found += made.summon(X, Y, verbose=0, shuffle=False, epochs=1).history['loss']
        assert torch.get_default_dtype() is torch.float64
        assert K.eval(K.random_normal((2,))).dtype == K.eval(K.ones((2,)) * 0.5).dtype == 'float32'
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_allclose(found, history, rtol=1e-6)
    assert torch.equal(torch.get_rng_state(), state) and torch.is_grad_enabled()


def test_draws_repeat_and_differ():
    draw = K.function(
        [],
        [K.random_uniform((50,), 2.0, 3.0, seed=3), K.truncated_normal((50,), seed=3), K.random_normal((50,), seed=4)],
    )
    step = K.active.random_step()
    first, second = draw([]), draw([])
    assert not any(np.array_equal(a, b) for a, b in zip(first, second))
    K.active.set_random_step(step)
    for a, b in zip(first, draw([])):
        np.testing.assert_array_equal(a, b)
    assert (first[0] >= 2).all() and (first[0] < 3).all() and np.abs(first[1]).max() <= 2


def test_the_device_is_chosen_and_seen():
    assert isinstance(K.active.device, torch.device) and K.active.devices()[0] == '/cpu:0'
    code = 'from cthulhu import backend as K; print(K.active.device)'

    def run(device):
        environment = dict(os.environ, CTHULHU_BACKEND='torch', CTHULHU_DEVICE=device)
        return subprocess.run([sys.executable, '-c', code], env=environment, capture_output=True, text=True)

    assert run('cpu').stdout == 'cpu\n'
    wrong = run('warp:7')
    assert (
        wrong.returncode
        and 'CTHULHU_DEVICE: expected the name of a device' in wrong.stderr
        and "'warp:7'" in wrong.stderr
    )


def test_devices_are_not_mixed_nor_waited_for():
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    path = os.pathsep.join([top, os.environ.get('PYTHONPATH', '')])
    environment = dict(os.environ, CTHULHU_BACKEND='torch', CTHULHU_DEVICE='cpu', PYTHONPATH=path)
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-m', 'tests.backend.torch_elsewhere'],
        env=environment,
        cwd=top,
        capture_output=True,
        text=True,
    )
    assert done.stdout == 'all done\n', done.stderr


def test_no_other_framework_is_imported():
    code = 'import sys, cthulhu; print([n for n in ("tensorflow", "theano", "jax", "keras") if n in sys.modules])'
    environment = dict(os.environ, CTHULHU_BACKEND='torch')
    found = subprocess.run([sys.executable, '-c', code], env=environment, capture_output=True, text=True)
    assert found.stdout == '[]\n', found.stderr


# -- gradients ------------------------------------------------------------------------------------------


def test_gradients_of_gradients_and_through_loops():
    x = K.variable(np.array([0.5, 2.0]))
    (first,) = K.gradients(K.sum(x * x * x), [x])
    (second,) = K.gradients(K.sum(first * x), [x])
    (third,) = K.gradients(K.sum(second), [x])
    np.testing.assert_allclose(K.eval(second), 9 * np.array([0.25, 4.0]), rtol=1e-6)
    np.testing.assert_allclose(K.eval(third), 18 * np.array([0.5, 2.0]), rtol=1e-6)
    _, (last,) = K.scan(lambda s, h, t: ([], [h[0] * x]), [], [K.ones((2,))], length=3)
    np.testing.assert_allclose(K.eval(K.gradients(K.sum(last), [x])[0]), 3 * np.array([0.25, 4.0]), rtol=1e-6)


def test_a_penalty_on_gradients_trains():
    x = K.placeholder((None, 3))
    w = K.variable(X[:3, :1])
    (slope,) = K.gradients(K.sum(K.tanh(K.dot(x, w))), [x])
    (found,) = K.gradients(K.sum(K.square(slope)), [w])
    weight, given = torch.from_numpy(X[:3, :1].copy()).requires_grad_(), torch.from_numpy(X).requires_grad_()
    (inner,) = torch.autograd.grad(torch.tanh(given @ weight).sum(), given, create_graph=True)
    inner.square().sum().backward()
    np.testing.assert_allclose(K.function([x], [found])([X])[0], weight.grad.numpy(), rtol=1e-4)


def test_at_the_corner_of_relu_and_of_clip():
    x = K.variable(np.zeros(1))
    for made, slope in (K.relu(x), 0), (K.relu(x, alpha=0.5), 0.5), (K.clip(x, 0, 1), 1), (K.abs(x), 0):
        assert K.eval(K.gradients(K.sum(made), [x])[0]).tolist() == [slope]


def test_what_has_no_gradient():
    x, n = K.variable(np.ones(2)), K.variable(np.ones(2), dtype='int32')
    assert K.gradients(K.sum(x), [K.variable(1.0)]) == [None]
    assert K.gradients(K.sum(K.stop_gradient(x)), [x]) == [None]
    assert K.gradients(K.sum(K.cast(n, 'float32') * x), [n]) == [None]
    assert K.eval(K.gradients(K.sum(x * K.cast(K.greater(x, 0.5), 'float32')), [x])[0]).tolist() == [1, 1]


def test_indices_out_of_range():
    i = K.placeholder((None,), dtype='int32')
    gather = K.function([i], [K.gather(K.variable(X), i)])
    assert gather([[0, 11]])[0].shape == (2, 3)
    for wrong in 12, -1:
        with pytest.raises(ValueError, match=f'index {wrong} is out of range'):
            gather([[0, wrong]])


def test_connectionist_temporal_classification_is_the_references():
    from cthulhu.backend.load import load_backend

    random = np.random.RandomState(0)
    p = random.dirichlet(np.ones(5), (3, 7)).astype('float32')
    given = [np.array([[0, 1, 1], [3, 2, 0], [1, 0, 0]]), p, [[7], [6], [3]], [[3], [2], [0]]]

    def cost(B):
        symbols = [B.placeholder(np.shape(x), dtype='float32' if x is p else 'int32') for x in given]
        made = B.ctc_batch_cost(*symbols)
        return B.function(symbols, [made] + ([B.gradients(made, [symbols[1]])[0]] if B is K.active else []))(given)

    expected = cost(load_backend('numpy'))[0]
    found, gradient = cost(K.active)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    moved = p.copy()
    moved[0, 2, 1] += 1e-2
    given[1] = p = moved
    assert abs((cost(K.active)[0] - found)[0, 0] / 1e-2 - gradient[0, 2, 1]) < 0.05 * abs(gradient[0, 2, 1])


def test_saved_and_loaded(tmp_path):
    made = model()
    made.summon(X, Y, verbose=0)
    made.save(str(tmp_path / 'model.keras'))
    np.testing.assert_array_equal(load_model(str(tmp_path / 'model.keras')).predict(X), made.predict(X))


def test_a_data_set_that_stays_on_the_device(monkeypatch):
    """As on a GPU. Shuffled and not, weights of one, another type than the network's, a shorter last batch, and a validation."""
    x, y = np.random.RandomState(1).normal(size=(48, 5)), np.random.RandomState(2).normal(size=(48, 3))

    def history(shuffle):
        np.random.seed(0)
        model = Pile([L.Daoloth(8, activation='tanh', input_shape=(5,)), L.Daoloth(3)])
        model.set_weights([np.linspace(-1, 1, w.size).reshape(w.shape) for w in model.get_weights()])
        model.conjure('adam', 'mse', metrics=['mae'])
        options = {'batch_size': 10, 'epochs': 3, 'verbose': 0, 'validation_split': 0.2, 'shuffle': shuffle}
        return model.summon(x, y, **options).history

    expected = [history(shuffle) for shuffle in (True, False)]
    made = []

    def of(arrays):
        made.append(held.Held(arrays))
        return made[-1]

    monkeypatch.setattr(held.Held, 'of', of)
    for wanted, shuffle in zip(expected, (True, False)):
        found = history(shuffle)
        for name, values in wanted.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-6, err_msg=name)
    assert len(made) == 2 and made[0].tensors[0].dtype is torch.float64
