"""Learning rates as functions of the step: against formulas, Keras 3 and themselves in a graph; as an optimizer's learning rate."""

import doctest

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import callbacks, optimizers
from cthulhu.layers import Daoloth
from cthulhu.models import Pile, load_model
from cthulhu.optimizers import schedules as s
from cthulhu.utils import CustomObjectScope

trains = pytest.mark.skipif(not K.supports('gradients'), reason='this backend does not train')

# At these steps, recorded from Keras 3.15.1.
STEPS = [0, 1, 3, 4, 7, 8, 11, 12, 25, 40]
KERAS_3 = {
    'exponential': (s.ExponentialDecay(0.1, 10, 0.5), [0.1, 0.0933033, 0.0812252, 0.0757858, 0.0615572, 0.0574349, 0.0466517, 0.0435275, 0.0176777, 0.00625]),
    'staircase': (s.ExponentialDecay(0.1, 7, 0.5, staircase=True), [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.0125, 0.003125]),
    'inverse': (s.InverseTimeDecay(0.1, 4, 0.5, True), [0.1, 0.1, 0.1, 0.0666667, 0.0666667, 0.05, 0.05, 0.04, 0.025, 0.0166667]),
    'pieces': (s.PiecewiseConstantDecay([3, 8], [0.3, 0.2, 0.1]), [0.3, 0.3, 0.3, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1]),
    'polynomial': (s.PolynomialDecay(0.1, 10, 0.01, 2.0), [0.1, 0.0829, 0.0541, 0.0424, 0.0181, 0.0136, 0.01, 0.01, 0.01, 0.01]),
    'cycles': (s.PolynomialDecay(0.1, 10, 0.01, 1.5, cycle=True), [0.1, 0.0868433, 0.0627096, 0.0518282, 0.0247885, 0.0180498, 0.0371682, 0.0327684, 0.0161237, 0.01]),
    'cosine': (s.CosineDecay(0.1, 20, 0.1), [0.1, 0.099446, 0.0950953, 0.0914058, 0.0754296, 0.0689058, 0.0479604, 0.0410942, 0.01, 0.01]),
    'warm-up': (s.CosineDecay(0.1, 10, 0.1, warmup_target=1.0, warmup_steps=5), [0.1, 0.28, 0.64, 0.82, 0.9140576, 0.8145034, 0.4109423, 0.2854967, 0.1, 0.1]),
    'restarts': (s.CosineDecayRestarts(1.0, 4, 2.0, 0.5, 0.1), [1.0, 0.8681981, 0.231802, 0.55, 0.4111038, 0.325, 0.1171271, 0.325, 0.1189597, 0.1777759]),
    'restarts of one length': (s.CosineDecayRestarts(1.0, 4, 1.0, 0.5, 0.1), [1.0, 0.8681981, 0.231802, 0.55, 0.165901, 0.325, 0.1329505, 0.2125, 0.1120031, 0.1008789]),
}  # fmt: skip
OURS = (
    s.StepDecay(1.0, 0.5, 7),
    s.PolynomialDecay(0.1, 7, 0.01, 1.5, cycle=True),
    s.CosineDecayRestarts(1.0, 3, 1.5, 0.5, 0.1),
    s.WarmUp(0.8, 4, 0.4),
    s.WarmUp(s.CosineDecay(0.8, 10), 4, 0.4),
    s.OneCycle(2.0, 30),
    s.OneCycle(2.0, 30, warmup=0.0),
)


def rates(schedule, steps):
    found = [schedule(step) for step in range(steps)]
    assert found == [schedule(step, 123.0) for step in range(steps)] and all(type(rate) is float for rate in found)
    return found


def test_the_examples():
    found = doctest.testmod(s)
    assert found.attempted >= 8 and not found.failed


def test_step_decay():
    np.testing.assert_allclose(rates(s.StepDecay(0.4, factor=0.5, every=3), 7), [0.4] * 3 + [0.2] * 3 + [0.1])


def test_exponential_decay():
    np.testing.assert_allclose(rates(s.ExponentialDecay(0.1, 10, 0.5), 30), 0.1 * 0.5 ** (np.arange(30) / 10))
    np.testing.assert_allclose(
        rates(s.ExponentialDecay(0.1, 10, 0.5, staircase=True), 30), np.repeat([0.1, 0.05, 0.025], 10)
    )


def test_polynomial_decay():
    expected = 0.9 * (1 - np.minimum(np.arange(8), 5) / 5) ** 2 + 0.1
    np.testing.assert_allclose(rates(s.PolynomialDecay(1.0, 5, 0.1, power=2.0), 8), expected)


def test_cosine_decay_with_warm_up():
    found = rates(s.CosineDecay(0.1, decay_steps=10, alpha=0.2, warmup_target=1.0, warmup_steps=5), 20)
    np.testing.assert_allclose(found[:5], 0.1 + 0.9 * np.arange(5) / 5)
    share = np.minimum(np.arange(15) / 10, 1)
    np.testing.assert_allclose(found[5:], 0.8 * (1 + np.cos(np.pi * share)) / 2 + 0.2)


def test_cosine_decay_restarts():
    found = rates(s.CosineDecayRestarts(1.0, 4, t_mul=2.0, m_mul=0.5, alpha=0.1), 12)
    np.testing.assert_allclose(found[:4], 0.9 * (1 + np.cos(np.pi * np.arange(4) / 4)) / 2 + 0.1)
    np.testing.assert_allclose(found[4:], 0.45 * (1 + np.cos(np.pi * np.arange(8) / 8)) / 2 + 0.1)


@pytest.mark.parametrize('then', [0.8, s.ExponentialDecay(0.8, 2, 0.5)])
def test_warm_up(then):
    found = rates(s.WarmUp(then, steps=4, start=0.4), 8)
    np.testing.assert_allclose(found[:5], [0.4, 0.5, 0.6, 0.7, 0.8])
    np.testing.assert_allclose(found[5:], [0.8] * 3 if then == 0.8 else 0.8 * 0.5 ** (np.arange(1, 4) / 2))


def test_one_cycle_rises_to_the_maximum_and_falls_to_the_end():
    found = rates(s.OneCycle(2.0, steps=101, warmup=0.3, start_factor=20.0, end_factor=100.0), 120)
    assert found[0] == pytest.approx(0.1) and found[30] == pytest.approx(2.0) and max(found) == found[30]
    assert found[100] == pytest.approx(0.001) and found[119] == found[100]
    assert all(np.diff(found[:31]) > 0) and all(np.diff(found[30:101]) < 0)
    assert found[15] == pytest.approx((0.1 + 2.0) / 2)


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: s.StepDecay(1.0, every=0), 'StepDecay: `every` is a finite number above 0; got 0'),
        (lambda: s.CosineDecay(1.0, 0), 'CosineDecay: `decay_steps` is a finite number above 0'),
        (lambda: s.PiecewiseConstantDecay([1, 2], [1.0]), '`values` have one item more'),
        (lambda: s.PiecewiseConstantDecay([2, 1], [1.0, 2.0, 3.0]), '`boundaries` must rise'),
        (lambda: s.OneCycle(1.0, 10, warmup=1.0), '`warmup` is a finite number at least 0 and below 1'),
        (lambda: s.CosineDecayRestarts(1.0, 3, t_mul=0.5), '`t_mul` is a finite number at least 1'),
        (lambda: s.WarmUp(1.0, steps=0), '`steps` is a finite number above 0'),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_schedule_of_ones_own_and_its_repr():
    class Halves(s.Schedule):
        def __init__(self, first):
            self.first = first

        def at(self, step):
            return self.first / 2**step

    assert rates(Halves(1), 3) == [1.0, 0.5, 0.25] and repr(Halves(1)) == 'Halves(first=1)'
    with pytest.raises(NotImplementedError, match='Schedule must define'):
        s.Schedule()(0)


def test_the_numbers_of_keras_3():
    x = K.placeholder(())
    f = K.function([x], [K.stack([schedule(x) for schedule, _ in KERAS_3.values()])])
    in_graph = np.transpose([f([step])[0] for step in STEPS])
    for (name, (schedule, wanted)), found in zip(KERAS_3.items(), in_graph):
        np.testing.assert_allclose([schedule(step) for step in STEPS], wanted, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(found, wanted, atol=1e-6, err_msg=name)


def test_a_graph_gives_what_numbers_give():
    x = K.placeholder(())
    f = K.function([x], [K.stack([schedule(x) for schedule in OURS])])
    in_graph = np.transpose([f([step])[0] for step in range(50)])
    for schedule, found in zip(OURS, in_graph):
        np.testing.assert_allclose(found, rates(schedule, 50), atol=2e-6, err_msg=repr(schedule))


def test_configurations():
    for schedule in OURS + tuple(schedule for schedule, _ in KERAS_3.values()):
        made = s.deserialize(s.serialize(schedule))
        assert type(made) is type(schedule) and rates(made, 9) == rates(schedule, 9)
    named = s.CosineDecay.from_config({'initial_learning_rate': 0.1, 'decay_steps': 9, 'alpha': 0.0, 'name': 'mine'})
    assert named.get_config()['name'] == 'mine' and s.CosineDecay(0.1, 9).get_config()['name'] == 'CosineDecay'
    with pytest.raises(ValueError, match="Unknown learning rate schedule: 'CosineDecays'. Did you mean 'CosineDecay'"):
        s.deserialize({'class_name': 'CosineDecays', 'config': {}})


# -- as a learning rate ----------------------------------------------------------------------------------------


def model_with(optimizer, **options):
    model = Pile([Daoloth(3, activation='tanh', input_shape=(2,)), Daoloth(1)])
    model.set_weights([np.linspace(-0.5, 0.7, w.size).reshape(w.shape) for w in model.get_weights()])
    model.conjure(optimizer, 'mse', **options)
    return model


X, Y = np.linspace(-1, 1, 24).reshape(12, 2), np.linspace(2, -1, 12)[:, None]
NAMES = 'SGD AdamW Nadam'.split()  # the first goes by `decayed`, Nadam by the attribute


@trains
def test_optimizers_follow_a_schedule():
    """By it, and by setting the rate before each step: the same."""
    schedule = s.CosineDecay(0.01, 4, alpha=0.1, warmup_target=0.05, warmup_steps=2)
    for name in NAMES:
        K.clear_session()
        options = {'weight_decay': 0.1} if name in ('SGD', 'AdamW') else {}
        models = [model_with(getattr(optimizers, name)(rate, **options)) for rate in (schedule, 0.3)]
        for step in range(7):
            models[1].optimizer.learning_rate = schedule(step)
            for model in models:
                model.train_on_batch(X, Y)
        for mine, theirs in zip(models[0].get_weights(), models[1].get_weights()):
            np.testing.assert_allclose(mine, theirs, atol=1e-6, err_msg=name)
        assert float(K.eval(models[0].optimizer.lr)) == pytest.approx(schedule(7), rel=1e-5)


@trains
@pytest.mark.parametrize('ending', ['.h5', '.keras'])
def test_a_run_goes_on_from_a_file(tmp_path, ending):
    model = model_with(optimizers.Adam(lr=s.PolynomialDecay(0.1, 5, 0.001, power=2.0), beta_1=0.8))
    for _ in range(3):
        model.train_on_batch(X, Y)
    path = str(tmp_path / ('model' + ending))
    model.save(path)
    again = load_model(path)
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for _ in range(3):
        assert again.train_on_batch(X, Y) == pytest.approx(model.train_on_batch(X, Y), rel=1e-5)


@trains
def test_decay_is_a_decay_after_an_archive(tmp_path):
    for optimizer in (optimizers.SGD(0.1, decay=0.5), optimizers.SGD(s.InverseTimeDecay(0.1, 1, 0.5))):
        model_with(optimizer).save(str(tmp_path / 'model.keras'))
        config = load_model(str(tmp_path / 'model.keras')).optimizer.get_config()
        assert config == optimizer.get_config()


@trains
def test_many_steps_in_one_call_are_single_ones():
    weights = []
    for options in ({}, {'steps_per_execution': 3}) if K.supports('many_steps') else ({},):
        K.clear_session()
        model = model_with(optimizers.SGD(s.PiecewiseConstantDecay([2, 4], [0.2, 0.02, 0.1])), **options)
        model.summon(X, Y, batch_size=2, epochs=1, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    expected = model_with(optimizers.SGD(0.2))
    for step in range(6):
        expected.optimizer.lr = (0.2, 0.02, 0.1)[(step > 2) + (step > 4)]
        expected.train_on_batch(X[2 * step : 2 * step + 2], Y[2 * step : 2 * step + 2])
    for found in weights:
        for mine, theirs in zip(found, expected.get_weights()):
            np.testing.assert_allclose(mine, theirs, atol=1e-6)


@trains
def test_what_does_not_go_with_a_schedule():
    schedule = s.CosineDecay(0.1, 10)
    model = model_with(optimizers.SGD(schedule))
    for callback in (
        callbacks.LearningRateScheduler(lambda epoch: 0.1),
        callbacks.ReduceLROnPlateau('loss'),
        callbacks.LearningRateFinder(),
    ):
        with pytest.raises(
            ValueError, match=type(callback).__name__ + r' sets the learning rate, and .* follows CosineDecay\('
        ):
            model.summon(X, Y, callbacks=[callback], verbose=0)
    with pytest.raises(ValueError, match=r'SGD: the learning rate follows CosineDecay\(.* and cannot be set to 0.1'):
        model.optimizer.lr = 0.1
    model.train_on_batch(X, Y)
    with pytest.raises(ValueError, match='part of a training function'):
        model.optimizer.learning_rate = s.CosineDecay(0.1, 3)
    with pytest.raises(
        ValueError, match='SGD: `decay` makes a learning rate smaller that is a number; got CosineDecay'
    ):
        optimizers.SGD(schedule, decay=0.1)
    with pytest.raises(
        ValueError, match='`learning_rate` is .* got <function .*LearningRateSchedule.*LearningRateScheduler'
    ):
        optimizers.SGD(lambda step: 0.1)


@trains
def test_another_schedule_before_training_and_one_of_ones_own(tmp_path):
    class Falls(s.LearningRateSchedule):
        def __init__(self, first):
            self.first = first

        def __call__(self, step):
            return self.first / (step + 1.0)

    model = model_with(optimizers.SGD(0.1))
    model.optimizer.learning_rate = Falls(0.2)
    expected = model_with(optimizers.SGD(0.2, decay=1.0))
    for each in (model, expected):
        for _ in range(3):
            each.train_on_batch(X, Y)
    for mine, theirs in zip(model.get_weights(), expected.get_weights()):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    for ending in ('.h5', '.keras'):
        model.save(str(tmp_path / ('own' + ending)))
        with CustomObjectScope({'Falls': Falls}):
            assert load_model(str(tmp_path / ('own' + ending))).optimizer.schedule.first == 0.2
