"""What small files may cost: at most two seconds and 64 MB beyond what their content needs, at every door; and what one that is refused leaves behind: nothing.

The attacks are those of `costly` and `costly_doors`, each at two sizes. They run in a process of their own, which may take no more than the machine can spare.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.initializers import RandomNormal
from cthulhu.layers import LSTM, Daoloth, Layer
from cthulhu.models import Lump, Pile, load_model, model_from_config, model_from_json
from cthulhu.saving import ModelFileError, UnsafeFileError, reading_budget
from cthulhu.storage import budget, trust
from tests.saving import costly, costly_doors
from tests.saving import test_attacks as attacks
from tests.saving.measuring import SECONDS, Cost, measured

pytest.importorskip('h5py')
pytest.importorskip('yaml')
pytestmark = pytest.mark.skipif(
    not os.path.exists('/proc/self/clear_refs'), reason='the system does not tell the most memory that was used'
)

# What is no file of a model may be no such thing at all.
BESIDE = {
    'by_from_config': ('ValueError', 'TypeError'),
    'by_deserialize': ('ValueError', 'TypeError'),
    'rows': ('KeyError', 'OSError'),
}


@pytest.fixture(scope='module')
def sweep():
    """{(attack, size): the reports of all its doors}, of a process that tries everything."""
    here = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir)
    environment = dict(
        os.environ,
        PYTHONPATH=os.pathsep.join([here] + sys.path[:1]),
        TF_CPP_MIN_LOG_LEVEL='3',
        OMP_NUM_THREADS='1',
        OPENBLAS_NUM_THREADS='1',
    )
    environment.pop(budget.VARIABLE, None)
    child = subprocess.Popen(
        [sys.executable, '-m', 'tests.saving.sweep'],
        cwd=here,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    output = child.communicate()[0].decode()
    found, last = {}, None
    for line in output.splitlines():
        report = json.loads(line)
        if 'begun' in report:
            last = report['begun'], report['size']
            found[last] = []
        elif 'attack' in report:
            found[last].append(report)
        else:
            last = None
    assert last is None, f'the process ended ({child.returncode}) in {last}, after {found.get(last)}'
    return found


@pytest.mark.parametrize('name', sorted(costly_doors.ATTACKS))
def test_what_a_small_file_costs(name, sweep):
    small, large = (sweep[name, size] for size in costly.ATTACKS[name].sizes)
    assert small and large
    before = {report['door']: report for report in small}
    for report in small + large:
        text = '{attack} {size} at {door}: {outcome} {text}'.format(**report)
        assert report['outcome'] in costly.OURS + ('read',) + BESIDE.get(report['door'], ()), text
        cost = Cost()
        cost.seconds, cost.memory = report['seconds'], report['memory']
        cost.check(report['content'], text)
        if report in large and report['seconds'] > SECONDS / 2:  # ten times the content, ten times the cost
            assert report['seconds'] < 20 * before[report['door']]['seconds'] + SECONDS / 2, text


# -- after a refusal ---------------------------------------------------------------------------------------------


def half_made():
    """(error, function): what is refused when a part of it is made already."""
    weights = {
        'class_name': 'Dense',
        'config': {'name': 'd', 'units': 3, 'batch_input_shape': [None, 4], 'dtype': 'float32'},
    }
    wrong = {'class_name': 'RandomUniform', 'config': {'minval': 5, 'maxval': 1}}
    integers = dict(weights['config'], dtype='int32', kernel_initializer=wrong)

    def stack(*layers):
        return {'class_name': 'Sequential', 'config': {'name': 's', 'layers': list(layers)}}

    unknown = {'class_name': 'Dense', 'config': {'name': 'e', 'units': 2, 'activation': 'nothing'}}
    huge = {'class_name': 'Dense', 'config': {'name': 'e', 'units': 10**12}}
    first = dict(weights, config=integers)
    yield lambda: model_from_config(stack(first, unknown))
    yield lambda: model_from_json(json.dumps(stack(first, huge)))
    yield lambda: Pile.from_config(stack(first, unknown)['config'])
    yield lambda: Pile.from_config(stack(weights, huge)['config'])
    yield lambda: model_from_config(costly.model_in_model(15))
    yield lambda: Lump.from_config(
        costly.calls_of(3)['config'].copy() and dict(costly.calls_of(3)['config'], output_layers=[['none', 0, 0]])
    )


def test_the_model_of_the_user_goes_on_after_each_refusal(tmp_path):
    model = Pile([Daoloth(3, activation='tanh', input_shape=(4,)), Daoloth(3)])
    model.conjure('adam', 'mse')
    x, y = np.random.RandomState(0).rand(8, 4), np.ones((8, 3))
    before = model.predict(x)
    refused = list(half_made())
    for name in (
        'names_times_names',
        'models_in_models',
        'unrolled_steps',
        'orthogonal',
        'chunks_far_larger_than_the_array',
        'long_layer_name',
    ):
        folder = tmp_path / name
        folder.mkdir()
        made = costly.ATTACKS[name](costly.ATTACKS[name].sizes[1], folder)
        refused += list(made.but('rows').values())
    for function in refused:
        with pytest.raises((ValueError, TypeError, RuntimeError)):  # at a bare door an error may be the framework's
            function()
        np.testing.assert_array_equal(model.predict(x), before)
    for function in refused[:4]:
        with pytest.raises((ValueError, RuntimeError)):
            function()
        if K.supports('gradients'):
            model.train_on_batch(x, y)
        path = str(tmp_path / 'm.h5')
        model.save(path)
        np.testing.assert_array_equal(load_model(path, compile=False).predict(x), model.predict(x))


def test_what_cannot_be_initialised_is_nobody_else_s_trouble():
    model = Pile([Daoloth(3, input_shape=(4,))])
    config = {'name': 's', 'layers': [{'class_name': 'Dense', 'config': {'name': 'd', 'units': 2, 'batch_input_shape': [None, 3], 'dtype': 'int32',
              'kernel_initializer': {'class_name': 'RandomUniform', 'config': {'minval': 5, 'maxval': 1}}}}]}  # fmt: skip
    try:
        made = Pile.from_config(config)
    except (ValueError, RuntimeError):  # where weights have their values at once
        made = None
    assert model.predict(np.zeros((2, 4))).shape == (2, 3)
    if made is not None:
        with pytest.raises(ValueError):
            made.get_weights()
        assert model.predict(np.zeros((2, 4))).shape == (2, 3)


# -- the budget ------------------------------------------------------------------------------------------------------


def test_one_s_own_large_file_is_read_when_more_is_allowed(tmp_path, monkeypatch):
    config = costly.model_in_model(10)
    with pytest.raises(UnsafeFileError, match=budget.VARIABLE):
        model_from_config(config)
    with reading_budget(10):
        assert isinstance(model_from_config(config), Lump)
    with pytest.raises(UnsafeFileError):
        model_from_config(config)
    monkeypatch.setenv(budget.VARIABLE, '10')
    assert isinstance(model_from_config(config), Lump)
    with pytest.raises(UnsafeFileError), reading_budget(0.5):
        model_from_config(config)
    monkeypatch.setenv(budget.VARIABLE, 'much')
    with pytest.raises(ValueError, match='number above zero'):
        model_from_config(config)
    with pytest.raises(ValueError, match='times'), reading_budget(0):
        pass


def test_the_budget_is_that_of_one_reading(tmp_path):
    """What one file takes is not taken from the next, and other threads have their own."""
    config = costly.recurrent(400)
    for _ in range(4):
        assert isinstance(model_from_config(config), Pile)
    assert budget.present() is None
    with pytest.raises(ModelFileError):
        model_from_config(costly.recurrent(5000))
    assert budget.present() is None


def test_a_large_honest_model_is_read():
    """A few hundred layers, shared and nested, of all of which the text has a line or more."""
    base = attacks.sequential(*[{'class_name': 'Dense', 'config': {'name': f'd{i}', 'units': 3}} for i in range(150)])
    model = model_from_config(base)
    again = model_from_json(model.to_json())
    assert len(again.layers) == 151


@pytest.mark.skipif(K.backend() != 'tensorflow', reason='only of a graph of TensorFlow nothing can be removed')
def test_what_refused_files_leave_in_the_graph_has_an_end(tmp_path, monkeypatch):
    """From there on, what is read is made in another graph first; what is right is read as ever, with the same draws and names."""
    from cthulhu.backend.tensorflow import variables

    def operations():
        return len(K.get_session().graph.get_operations())

    K.clear_session()
    model = Pile([Daoloth(3, input_shape=(4,))])
    model.conjure('adam', 'mse')
    model.train_on_batch(np.ones((2, 4)), np.ones((2, 3)))
    path, text = str(tmp_path / 'm.h5'), model.to_json()
    model.save(path)
    refused = json.dumps(costly.model_in_model(15))

    def made():
        K.reset_uids()
        np.random.seed(1)
        return [layer.name for layer in model_from_config(attacks.sequential()).layers], model_from_json(
            text
        ).get_weights()

    before = made()
    monkeypatch.setattr(variables, 'LEFT', 100)
    with pytest.raises(UnsafeFileError):
        model_from_json(refused)
    left = operations()
    for _ in range(3):
        with pytest.raises(UnsafeFileError, match=budget.VARIABLE):
            model_from_json(refused)
        with pytest.raises(ModelFileError, match='nothing'):
            model_from_json(text.replace('"linear"', '"nothing"'))
    assert operations() == left
    after = made()
    assert before[0] == after[0]
    for one, other in zip(before[1], after[1]):
        np.testing.assert_array_equal(one, other)
    again = load_model(path)
    x, y = np.ones((2, 4)), np.ones((2, 3))
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.train_on_batch(x, y) == model.train_on_batch(x, y)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    # a class of the user that has to do with a tensor of the graph
    shift = K.variable(np.ones(3))

    class Shift(Layer):
        def call(self, inputs):
            return inputs + shift

    known = Pile([Daoloth(3, input_shape=(4,)), Shift()])
    loaded = model_from_json(known.to_json(), {'Shift': Shift})
    loaded.set_weights(known.get_weights())
    np.testing.assert_array_equal(loaded.predict(x), known.predict(x))


def test_first_values_that_a_file_replaces_are_not_computed(tmp_path, monkeypatch):
    """Nor do they cost anything; what the file has no values for has those that it would have, and so have NumPy's draws afterwards."""
    path = str(tmp_path / 'm.h5')
    layers = [LSTM(3, input_shape=(2, 4)), Daoloth(1800, kernel_initializer='orthogonal'), Daoloth(1800, kernel_initializer='orthogonal')]  # fmt: skip
    layers += [Daoloth(2, kernel_initializer=kind) for kind in ('he_normal', 'random_uniform', 'random_normal')]
    saved = Pile(layers)
    saved.save(path)
    decomposed = []
    for name in ('svd', 'qr'):
        original = getattr(np.linalg, name)
        monkeypatch.setattr(
            np.linalg, name, lambda *given, f=original, **more: decomposed.append(1) or f(*given, **more)
        )
    with reading_budget(0.2):
        loaded = load_model(path, compile=False)
        assert not decomposed
        with pytest.raises(UnsafeFileError, match='orthogonal'):
            model_from_json(saved.to_json())
    for one, other in zip(saved.get_weights(), loaded.get_weights()):
        np.testing.assert_array_equal(one, other)


class Further(Layer):
    """Has a weight of which its list does not know."""

    def build(self, input_shape):
        for place, kind in enumerate(['orthogonal', 'glorot_uniform', RandomNormal(seed=3)]):
            setattr(self, f'hidden_{place}', self.add_weight(f'hidden_{place}', (3, 3), initializer=kind))
        del self._trainable_weights[:]
        super().build(input_shape)


def test_what_a_file_has_no_values_for_has_first_values(tmp_path):
    path, known = str(tmp_path / 'm.h5'), {'Further': Further}
    saved = Pile([Daoloth(3, input_shape=(4,)), Further()])
    saved.save(path)
    np.random.seed(5)
    made = model_from_json(saved.to_json(), known)
    drawn = np.random.rand()
    wanted = [K.get_value(getattr(made.layers[1], f'hidden_{i}')) for i in range(3)]
    np.random.seed(5)
    loaded = load_model(path, known, compile=False)
    assert np.random.rand() == drawn
    for i in range(3):
        np.testing.assert_array_equal(K.get_value(getattr(loaded.layers[1], f'hidden_{i}')), wanted[i])
    np.testing.assert_array_equal(loaded.get_weights()[0], saved.get_weights()[0])


def test_what_a_text_without_values_may_declare():
    def text(size):
        return json.dumps(
            attacks.sequential({'class_name': 'Dense', 'config': {'name': 'd', 'units': size, 'use_bias': False}})
        )

    gigabyte = 2**30 // 4
    with trust.reading(True):
        trust.spend((gigabyte // 2,), 'float32', 'The weights of VGG16')
        with pytest.raises(UnsafeFileError, match=budget.VARIABLE):
            trust.spend((gigabyte * 2 // 3,), 'float32', 'Others')
    with reading_budget(3), trust.reading(True):
        trust.spend((gigabyte * 2,), 'float32', 'More')
    with measured(content=0), pytest.raises(UnsafeFileError, match='GB'):
        model_from_json(text(gigabyte // 2))
