"""Optimizers written against the OptimizerV2 of tf.keras, by which programs bring their own. The numbers are NumPy's."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import optimizers
from cthulhu.callbacks import LearningRateScheduler
from cthulhu.constraints import MaxNorm
from cthulhu.layers import Daoloth, Embedding, Flatten
from cthulhu.models import Pile, load_model
from cthulhu.optimizers import schedules

ON_TENSORFLOW = K.backend() == 'tensorflow'
only_tensorflow = pytest.mark.skipif(not ON_TENSORFLOW, reason='the protocol is made of operations of TensorFlow')


class Heavy(optimizers.Optimizer):
    """Gradient descent with a momentum of 0.9 that begins at one; of an embedding it moves the rows of the batch alone."""

    def __init__(self, learning_rate=0.1, name='Heavy', **kwargs):
        super().__init__(name, **kwargs)
        self._set_hyper('learning_rate', kwargs.get('lr', learning_rate))
        self._set_hyper('decay', self._initial_decay)
        self._set_hyper('momentum', 0.9)

    def _create_slots(self, var_list):
        for var in var_list:
            self.add_slot(var, 'pace', 'ones')

    def _resource_apply_dense(self, grad, var, apply_state=None):
        dtype = var.dtype.base_dtype
        common = (apply_state or {}).get((var.device, dtype)) or self._fallback_apply_state(var.device, dtype)
        pace = self.get_slot(var, 'pace')
        new = pace.assign(self._get_hyper('momentum', dtype) * pace + grad)
        return var.assign_sub(common['lr_t'] * new)

    def _resource_apply_sparse(self, grad, var, indices):
        pace = self.get_slot(var, 'pace')
        rows = self._resource_scatter_update(
            pace, indices, self._get_hyper('momentum') * K.gather(pace, indices) + grad
        )
        return self._resource_scatter_add(var, indices, -self._decayed_lr('float32') * K.gather(rows, indices))

    def get_config(self):
        numbers = {name: self._serialize_hyperparameter(name) for name in ('learning_rate', 'decay')}
        return dict(super().get_config(), **numbers)


def data(kind='dense'):
    draws = np.random.RandomState(0)
    x = draws.randint(0, 4, (24, 3)) if kind == 'embedding' else draws.randn(24, 3).astype('float32')
    return x, draws.randn(24, 2).astype('float32')


def linear(optimizer, **of_layer):
    model = Pile([Daoloth(2, use_bias=False, input_shape=(3,), **of_layer)])
    model.set_weights([np.arange(6, dtype='float32').reshape(3, 2) / 5])
    model.conjure(optimizer, 'mse')
    return model


def heavy_in_numpy(rate, clip=lambda g: g, after=lambda w: w):
    """The kernel after two epochs of three batches; `rate` is a function of the step."""
    (x, y), w, pace = data(), np.arange(6).reshape(3, 2) / 5, np.ones((3, 2))
    for step in range(6):
        at = slice(step % 3 * 8, step % 3 * 8 + 8)
        gradient = x[at].T @ (x[at] @ w - y[at]) * 2 / 16
        pace = 0.9 * pace + clip(gradient)
        w = after(w - rate(step) * pace)
    return w


def _short(limit):
    return lambda g: g * limit / max(limit, np.sqrt(np.sum(g**2)))


def _max_norm(w):
    norms = np.sqrt(np.sum(w**2, axis=0))
    return w * np.clip(norms, 0, 1) / (K.epsilon() + norms)


@only_tensorflow
@pytest.mark.parametrize(
    'settings, rate, clip',
    [
        ({}, lambda step: 0.1, lambda g: g),
        ({'lr': 0.3, 'decay': 0.5}, lambda step: 0.3 / (1 + 0.5 * step), lambda g: g),
        ({'clipnorm': 0.2}, lambda step: 0.1, _short(0.2)),
        ({'global_clipnorm': 0.2}, lambda step: 0.1, _short(0.2)),
        ({'clipvalue': 0.05}, lambda step: 0.1, lambda g: np.clip(g, -0.05, 0.05)),
        ({'learning_rate': schedules.ExponentialDecay(0.2, 2, 0.5)}, lambda step: 0.2 * 0.5 ** (step / 2), lambda g: g),
    ],
)
def test_a_class_of_its_own(settings, rate, clip):
    optimizer = Heavy(**settings)
    model = linear(optimizer)
    model.summon(*data(), batch_size=8, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], heavy_in_numpy(rate, clip), atol=1e-5)
    assert [w.shape for w in optimizer.get_weights()] == [(), (3, 2)] and optimizer.get_weights()[0] == 6
    assert optimizer.get_slot_names() == ['pace'] and optimizer.variables() == optimizer.weights


@only_tensorflow
def test_constraints_are_kept():
    model = linear(Heavy(), kernel_constraint=MaxNorm(1.0))
    model.summon(*data(), batch_size=8, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], heavy_in_numpy(lambda step: 0.1, after=_max_norm), atol=1e-5)


@only_tensorflow
def test_rows_without_a_gradient_stay_where_they_are():
    model = Pile([Embedding(6, 2, input_length=3), Flatten(), Daoloth(2)])
    for settings in ({}, {'clipvalue': 0.01}):
        model.conjure(Heavy(**settings), 'mse')
        before = model.get_weights()[0]
        model.summon(*data('embedding'), batch_size=8, shuffle=False, verbose=0)
        moved = np.any(model.get_weights()[0] != before, axis=1)
        assert moved.tolist() == [True] * 4 + [False] * 2


class Halved:
    """Mixin, as packages have them: half of each gradient."""

    def _resource_apply_dense(self, grad, var, **kwargs):
        return super()._resource_apply_dense(grad * 0.5, var, **kwargs)

    def _resource_apply_sparse(self, grad, var, indices, **kwargs):
        return super()._resource_apply_sparse(grad * 0.5, var, indices, **kwargs)


class HalvedSGD(Halved, optimizers.SGD):
    pass


class Doubled(optimizers.Adam):
    """Adam along twice each gradient, with weights that shrink first."""

    def __init__(self, shrink, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._set_hyper('weight_decay', shrink)

    def _prepare_local(self, device, dtype, apply_state):
        super()._prepare_local(device, dtype, apply_state)
        apply_state[device, dtype]['shrink'] = self._get_hyper('weight_decay', dtype)

    def apply_gradients(self, grads_and_vars, name=None, **kwargs):
        return super().apply_gradients([(2 * g, v) for g, v in grads_and_vars], name=name, **kwargs)

    def _resource_apply_dense(self, grad, var, apply_state=None):
        common = apply_state[var.device, var.dtype.base_dtype]
        with K.control_dependencies([var.assign_sub(common['lr_t'] * common['shrink'] * var)]):
            return super()._resource_apply_dense(grad, var, apply_state=apply_state)

    def get_config(self):
        return dict(super().get_config(), shrink=self._serialize_hyperparameter('weight_decay'))


@only_tensorflow
@pytest.mark.parametrize('embedding', [False, True])
@pytest.mark.parametrize(
    'written, plain, loss_weight',
    [
        (lambda: HalvedSGD(0.2, momentum=0.9), lambda: optimizers.SGD(0.2, momentum=0.9), 0.5),
        (lambda: Doubled(0.3, 0.01, name='x'), lambda: optimizers.AdamW(0.01, weight_decay=0.3), 2.0),
        (lambda: Doubled(0.0, 0.01, amsgrad=True), lambda: optimizers.Adam(0.01, amsgrad=True), 2.0),
    ],
)
def test_over_an_optimizer_of_the_library(written, plain, loss_weight, embedding):
    def trained(optimizer, weight):
        if embedding:
            model = Pile([Embedding(6, 2, input_length=3), Flatten(), Daoloth(2)])
        else:
            model = Pile([Daoloth(2, input_shape=(3,))])
        draws = np.random.RandomState(3)
        model.set_weights([draws.randn(*w.shape) for w in model.get_weights()])
        model.conjure(optimizer, 'mse', loss_weights=[weight])
        model.summon(*data('embedding' if embedding else 'dense'), batch_size=8, epochs=2, shuffle=False, verbose=0)
        return model.get_weights()

    for ours, expected in zip(trained(written(), 1.0), trained(plain(), loss_weight)):
        np.testing.assert_allclose(ours, expected, atol=2e-6)


@only_tensorflow
@pytest.mark.parametrize('make', [lambda: Heavy(0.05, clipnorm=1.0), lambda: Doubled(0.1, 0.01)], ids=['own', 'over'])
def test_saved_and_gone_on_with(make, tmp_path):
    (x, y), path = data(), str(tmp_path / 'model.h5')
    model = linear(make())
    model.summon(x, y, shuffle=False, verbose=0)
    model.save(path)
    loaded = load_model(path, custom_objects={'Heavy': Heavy, 'Doubled': Doubled})
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    after = [each.summon(x, y, epochs=2, shuffle=False, verbose=0).history['loss'] for each in (model, loaded)]
    assert after[0] == after[1]


@only_tensorflow
def test_numbers_are_set_and_followed():
    optimizer = Heavy()
    assert optimizer.lr is optimizer.learning_rate and K.eval(optimizer.lr) == np.float32(0.1)
    model = linear(optimizer)
    model.summon(
        *data(), batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 0.02 * (epoch + 1))]
    )  # fmt: skip
    expected = heavy_in_numpy(lambda step: 0.02 * (step // 3 + 1))
    np.testing.assert_allclose(model.get_weights()[0], expected, atol=1e-5)
    optimizer.lr = 0.5
    assert K.eval(optimizer._get_hyper('learning_rate')) == 0.5 and optimizer.get_config()['learning_rate'] == 0.5


@only_tensorflow
def test_by_hand():
    optimizer, x = Heavy(), K.variable([1.0, -2.0])
    step = K.function([], [], updates=[optimizer.minimize(lambda: K.sum(K.square(x)), [x])])
    step([])
    np.testing.assert_allclose(K.get_value(x), [1.0 - 0.1 * (0.9 + 2.0), -2.0 - 0.1 * (0.9 - 4.0)], atol=1e-6)


def test_what_cannot_be_meant():
    if not ON_TENSORFLOW:
        with pytest.raises(
            NotImplementedError, match='Heavy is written in operations of TensorFlow, and the backend is'
        ):
            Heavy()
        return
    for wrong, message in (
        (lambda: Heavy(weight_decay=0.1), 'takes no `weight_decay`'),
        (lambda: Heavy(clipnorm=1.0, global_clipnorm=1.0), '`clipnorm` or `global_clipnorm`, not both'),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()
    with pytest.raises(KeyError, match='Heavy has no "m" for the variable'):
        Heavy().get_slot(K.variable(1.0), 'm')
    with pytest.raises(ValueError, match='gradient for none'):
        Heavy().apply_gradients([(None, K.variable(1.0))])

    class OverNadam(Halved, optimizers.Nadam):
        pass

    with pytest.raises(NotImplementedError, match='state for all weights together'):
        OverNadam()


def test_the_protocol_of_later_kerases_is_named():
    class Later(optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            return variable

    with pytest.raises(TypeError, match='Later defines `update_step`.*here the rule is `step`'):
        Later()


def test_a_name_is_kept():
    assert optimizers.SGD(0.1, name='mine').name == 'mine' and optimizers.SGD().name == 'SGD'
    assert 'name' not in optimizers.SGD(name='mine').get_config()
