"""Where TensorFlow's kernels change weights in one pass: they do what the formula of the optimizer says, and leave alone what is another one."""

import inspect

import numpy as np
import pytest
from scipy import sparse

from cthulhu import backend as K

if K.backend() != 'tensorflow':
    pytest.skip('the TensorFlow backend is not the active one', allow_module_level=True)

import tensorflow as tf

from cthulhu import constraints, layers, optimizers
from cthulhu.backend.tensorflow import draws, kernels
from cthulhu.models import Pile

pytestmark = pytest.mark.usefixtures('fresh')
RNG = np.random.RandomState(7)
X, Y = RNG.normal(size=(24, 256)).astype('float32'), RNG.normal(size=(24, 300)).astype('float32')
START = [RNG.normal(size=(256, 300)).astype('float32') / 16, np.zeros(300, 'float32')]

KERNELS = {
    'ResourceApplyAdam': lambda: optimizers.Adam(0.01, decay=0.1),
    'ResourceApplyAdamWithAmsgrad': lambda: optimizers.Adam(0.01, amsgrad=True),
    'ResourceApplyAdaMax': lambda: optimizers.Adamax(0.01),
    'ResourceApplyAdagradV2': lambda: optimizers.Adagrad(0.05),
    'ResourceApplyAdadelta': lambda: optimizers.Adadelta(2.0),
    'ResourceApplyKerasMomentum': lambda: optimizers.SGD(0.1, momentum=0.9),
}
OTHERS = {
    'nesterov': lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    'no momentum': lambda: optimizers.SGD(0.1),
    'decays': lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    'clipped': lambda: optimizers.Adam(0.01, clipnorm=0.1),
    'by a schedule': lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
}


def model_of(optimizer, **settings):
    model = Pile([layers.Daoloth(300, input_shape=(256,), **settings)])
    model.set_weights(START)
    model.conjure(optimizer, 'mse')
    return model


def used(model):
    return {op.type for op in model.train_function._function.update_operations if op.type.startswith('ResourceApply')}


def trained(model, steps=4):
    losses = [model.train_on_batch(X + i, Y) for i in range(steps)]
    return losses, model.get_weights(), model.optimizer.get_weights()


def without(monkeypatch):
    monkeypatch.setattr(kernels, 'RULES', [])


@pytest.mark.parametrize('place', range(len(kernels.RULES)))
def test_terms_are_what_the_backend_makes_of_the_formula(place):
    rule = kernels.RULES[place]
    names = list(inspect.signature(rule.formula).parameters)[1:]
    with tf.Graph().as_default():
        given = [tf.compat.v1.placeholder('float32', (2,), name) for name in names]
        values = rule.formula(K, *given)
        found = dict.fromkeys(rule.places)
        for term, value in zip(rule.terms, values):
            assert kernels._agree(term, value, found)
            assert not kernels._agree(term, -value, dict.fromkeys(rule.places)) and not kernels._agree(
                term, given[0], dict.fromkeys(rule.places)
            )
    assert [x.op.name for x in found.values()] == names


def held_together(ours, formula):
    for a, b in zip(ours, formula):
        for x, y in zip(a, b):
            np.testing.assert_allclose(x, y, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize('name', sorted(KERNELS) + sorted(OTHERS))
def test_they_do_what_the_formula_says(name, monkeypatch):
    made = KERNELS.get(name) or OTHERS[name]
    model = model_of(made())
    ours = trained(model)
    assert used(model) == {name} if name in KERNELS else len(used(model)) == 1
    without(monkeypatch)
    plain = model_of(made())
    held_together(ours, trained(plain))
    assert not used(plain)


@pytest.fixture
def doubles():
    K.set_floatx('float64')
    yield
    K.set_floatx('float32')


def test_in_doubles_too(doubles, monkeypatch):
    model = model_of('adam')
    ours = trained(model)
    assert used(model)
    without(monkeypatch)
    for a, b in zip(ours, trained(model_of('adam'))):
        for x, y in zip(a, b):
            np.testing.assert_allclose(x, y, 1e-11, 1e-15)


class Slower(optimizers.Adam):
    def step(self, p, g, rate, m, v, largest):
        new, m, v, largest = super().step(p, g, rate, m, v, largest)
        return p + 0.5 * (new - p), m, v, largest


class Swapped(optimizers.Adam):
    def step(self, p, g, rate, m, v, largest):
        new, m, v, largest = super().step(p, g, rate, m, v, largest)
        return new, v, m, largest


class Twice(optimizers.SGD):
    def step(self, p, g, rate, moment):
        velocity = self.momentum * moment - rate * g
        return p + velocity, self.momentum * moment - 2.0 * rate * g


@pytest.mark.parametrize(
    'made',
    [
        lambda: Slower(),
        lambda: Swapped(),
        lambda: Twice(0.1, momentum=0.5),
        lambda: optimizers.Adam(use_ema=True),
        lambda: optimizers.RMSprop(),
        lambda: optimizers.Nadam(),
        lambda: optimizers.Adam(gradient_accumulation_steps=2),
    ],
)
def test_what_is_another_formula_is_computed_as_it_is_written(made, monkeypatch):
    model = model_of(made())
    ours = trained(model)
    assert not used(model)
    without(monkeypatch)
    again = trained(model_of(made()))
    held_together(ours, again)


def test_constraints_and_other_weights_of_the_same_model():
    model = model_of('adam', kernel_constraint=constraints.MaxNorm(0.5))
    trained(model)
    assert not used(model)
    assert np.linalg.norm(model.get_weights()[0], axis=0).max() <= 0.5 + 1e-6


def test_what_is_computed_before_and_after_sees_the_old_and_the_new_values():
    w, g = K.variable(START[0]), K.placeholder((256, 300))
    optimizer = optimizers.SGD(0.5)
    state = optimizer.build([w])
    updates = optimizer.apply([(g, w)], state)
    step = K.function([g], [w, K.sum(w)], updates=updates, after_updates=[K.sum(w) + 0.0])
    assert any(op.type.startswith('ResourceApply') for op in step.update_operations)
    gradient = np.ones((256, 300), 'float32')
    old, total, _ = before = step([gradient])
    np.testing.assert_array_equal(old, START[0])
    assert total == pytest.approx(START[0].sum(), abs=1e-2)
    assert step([gradient])[1] == pytest.approx(total - 0.5 * gradient.size, rel=1e-5)
    np.testing.assert_array_equal(before[0], START[0])  # and the caller's array stays


def test_arrays_that_weights_were_set_to_or_read_into_stay():
    memory = np.empty(START[0].nbytes + 64, 'uint8')
    begin = -memory.ctypes.data % 64  # aligned, so that TensorFlow may take the memory itself
    given = memory[begin : begin + START[0].nbytes].view('float32').reshape(START[0].shape)
    given[:] = START[0]
    model = model_of('adam')
    model.set_weights([given, START[1]])
    model.train_on_batch(X, Y)
    read = model.get_weights()[0]
    kept = read.copy()
    model.train_on_batch(X, Y)
    np.testing.assert_array_equal(given, START[0])
    np.testing.assert_array_equal(read, kept)
    assert used(model) and np.abs(model.get_weights()[0] - kept).max() > 1e-5


def test_a_new_value_that_is_fetched_is_what_is_assigned():
    w, g = K.variable(START[0]), K.placeholder((256, 300))
    optimizer = optimizers.SGD(0.5)
    updates = optimizer.apply([(g, w)], optimizer.build([w]))
    new = [value for variable, value in updates if variable is w]
    step = K.function([g], new, updates=updates)
    assert not any(op.type.startswith('ResourceApply') for op in step.update_operations)
    (given,) = step([np.ones((256, 300), 'float32')])
    np.testing.assert_array_equal(given, K.get_value(w))


def test_a_gradient_that_is_the_value_of_another_weight_is_its_old_value():
    a, b = K.variable(START[0]), K.variable(2 * START[0])
    optimizer = optimizers.SGD(0.5)
    step = K.function(
        [], [], updates=optimizer.apply([(K.identity(b), a), (K.identity(a), b)], optimizer.build([a, b]))
    )
    assert sum(op.type.startswith('ResourceApply') for op in step.update_operations) == 2
    step([])
    np.testing.assert_allclose(K.get_value(a), 0 * START[0], atol=1e-7)
    np.testing.assert_allclose(K.get_value(b), 1.5 * START[0], rtol=1e-6)


@pytest.mark.parametrize('key, counter', [(5, (0, 0)), (2**63 + 11, (2**64 - 2, 2**64 - 1)), (77, (4, 2**40))])
@pytest.mark.parametrize('shape', [(1,), (3,), (4, 5), (2, 3, 7)])
def test_loops_draw_the_bits_of_the_kernel(shape, key, counter):
    key, counter = tf.constant([key], tf.uint64), tf.constant(counter, tf.uint64)
    wanted = tf.raw_ops.StatelessRandomUniformFullIntV2(shape=shape, key=key, counter=counter, alg=1, dtype=tf.uint32)
    drawn = tf.function(lambda k, c: draws._bits(tf.constant(shape), k, c), jit_compile=True, autograph=False)(
        key, counter
    )
    np.testing.assert_array_equal(drawn.numpy(), wanted.numpy())


def test_many_steps_in_one_call_change_them_alike():
    model, single = model_of('adam'), model_of('adam')
    model.conjure('adam', 'mse', steps_per_execution=3)
    single.conjure('adam', 'mse', steps_per_execution=1)
    x, y = np.concatenate([X] * 4), np.concatenate([Y] * 4)
    for one in model, single:
        one.summon(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    assert used(single)
    for a, b in zip(model.get_weights(), single.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_of_images_the_gradient_of_a_bias_is_the_sum_and_not_joined():
    x = K.placeholder((None, 3, 4, 5))
    bias = K.variable(np.arange(5.0))
    made = K.bias_add(x, bias, data_format='channels_last')
    given = RNG.normal(size=(2, 3, 4, 5)).astype('float32')
    value, gradient, of_x = K.function([x], [made] + K.gradients(K.sum(made * made * x), [bias, x]))([given])
    np.testing.assert_allclose(value, given + np.arange(5.0), rtol=1e-6)
    np.testing.assert_allclose(gradient, (2 * value * given).sum((0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(of_x, 2 * value * given + value**2, rtol=1e-4)
    made = [op for op in K.get_session().graph.get_operations() if op.type == 'BiasAddGrad']
    assert [op.inputs[0].shape.rank for op in made] == [2]


@pytest.mark.parametrize(
    'level, bits', [(0.5, 8), (0.25, 8), (0.1, 16), (1 / 3, 16), (0.001, 32), (0.9999, 32), (0.0, 8)]
)
@pytest.mark.parametrize('shape', [(2000, 7, 3), (), (1,)])
def test_dropout_draws_as_few_bits_as_its_level_needs(level, bits, shape):
    x = K.placeholder(shape)
    made = K.dropout(x, level, seed=3)
    drawn = [op for op in K.get_session().graph.get_operations() if op.type.startswith('StatelessRandom')]
    assert [op.type == 'StatelessRandomUniformV2' for op in drawn] == [bits == 32]
    found = np.array([K.function([x], [made])([np.ones(shape)])[0] for _ in range(3)])
    assert found.shape == (3,) + shape
    np.testing.assert_allclose(found[found != 0], 1 / (1 - level), rtol=1e-6)
    if shape[1:]:
        zeros = found == 0
        assert abs(zeros.mean() - level) <= 4.5 * np.sqrt(level * (1 - level) / zeros.size)
        # Elements whose bits are of one word, or of neighbouring ones, know nothing of each other.
        for other in (zeros[1:], zeros[:, 1:], zeros[:, 500:], zeros[:, 1000:]):
            same = zeros[tuple(slice(n) for n in other.shape)]
            assert abs((same & other).mean() - level**2) <= 4.5 * level / np.sqrt(other.size) + 1e-3 * level
    assert sum(int(np.prod(op.outputs[0].shape)) for op in drawn) == -(-int(np.prod(shape)) // (32 // bits))


def chosen(condition):
    """What branches give of what one of them is, and the gradients of it: of x, y."""
    x, y = K.placeholder((3,)), K.placeholder((3,))
    first = [
        K.switch(condition, lambda: x * x, x),
        K.switch(condition, x, lambda: x * y),
        K.switch(condition, lambda: y * y, x),
        K.switch(condition, lambda: K.stop_gradient(x) * y, x),
        K.switch(condition, lambda: K.cast(K.shape(x)[0], 'float32') * y, x),
        K.switch(condition, x, y),
        K.switch(condition, lambda: K.switch(condition, lambda: x * y, x), x),
        K.switch(condition, lambda: x * y, K.switch(condition, x, lambda: x * x)),
    ]
    return [x, y], first, [g for out in first for g in K.gradients(K.sum(out * out), [x, y]) if g is not None]


@pytest.mark.parametrize('side', [0, 1])
def test_branches_that_take_the_same_tensor_have_its_gradient(side):
    condition = K.placeholder((), dtype='bool')
    inputs, outputs, gradients = chosen(condition)
    x, y = np.array([1.0, -2.0, 3.0]), np.array([0.5, 4.0, -1.0])
    found = K.function(inputs + [condition], outputs + gradients)([x, y, np.bool_(side)])
    both = [(x * x, x), (x, x * y), (y * y, x), (x * y, x), (3 * y, x), (x, y), (x * y, x), (x * y, x * x)]
    if side:  # of the last, the inner choice is made by the same condition
        wanted = [one for one, _ in both]
        of = [
            (4 * x**3, None),
            (2 * x, 0 * y),
            (0 * x, 4 * y**3),
            (0 * x, 2 * x * x * y),
            (0 * x, 18 * y),
            (2 * x, 0 * y),
        ]
        of += [(2 * x * y * y, 2 * x * x * y)] * 2
    else:
        wanted = [other for _, other in both]
        of = (
            [(2 * x, None), (2 * x * y * y, 2 * x * x * y)]
            + [(2 * x, 0 * y)] * 3
            + [(0 * x, 2 * y), (2 * x, 0 * y), (4 * x**3, 0 * y)]
        )
    of = [g for pair in of for g in pair if g is not None]
    for value, true in zip(found, wanted + of):
        np.testing.assert_allclose(value, true, rtol=1e-6)
    assert len(found) == len(wanted + of)


def test_what_is_chosen_may_be_sparse_a_variable_or_of_a_function():
    condition, rows = K.placeholder((), dtype='bool'), K.placeholder((2, 3), sparse=True)
    variable = K.variable(np.ones(3))
    outputs = [
        K.to_dense(K.switch(condition, lambda: rows, rows)),
        K.switch(condition, lambda: variable * 2.0, variable),
    ]
    gradients = K.gradients(K.sum(outputs[1]), [variable])
    function = K.function([condition, rows], outputs + gradients)
    for side in (True, False):
        chosen, value, gradient = function([side, sparse.eye(2, 3).tocsr()])
        np.testing.assert_array_equal(chosen, np.eye(2, 3))
        np.testing.assert_array_equal(value, np.full(3, 1.0 + side))
        np.testing.assert_array_equal(gradient, value)

    @tf.function(autograph=False)
    def doubled_if(flag, x):
        return K.switch(flag, lambda: x * 2.0, x)

    assert [doubled_if(tf.constant(flag), tf.ones(())).numpy() for flag in (True, False)] == [2.0, 1.0]


def test_the_gradient_of_dropout_adds_no_zeros():
    x = K.placeholder((4, 5))
    y = x * 2.0
    K.gradients(K.sum(K.in_train_phase(lambda: K.dropout(y, 0.5), y)), x)
    kinds = [op.type for op in K.get_session().graph.get_operations()]
    assert 'AddN' not in kinds and 'ZerosLike' not in kinds
