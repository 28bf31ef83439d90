"""Generators, Sequences and datasets given to summon, evaluate and predict: that they compute what arrays do, and how they end."""

import itertools
import multiprocessing
import os
import signal
import threading
import time

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import callbacks, optimizers
from cthulhu.engine.prefetching import WorkerDied
from cthulhu.engine.step import Step
from cthulhu.layers import Daoloth, Darkness, Input
from cthulhu.models import Lump, Pile
from cthulhu.utils import Sequence

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)

rng = np.random.RandomState(7)
X = rng.normal(size=(22, 4)).astype('float32')
Y = rng.normal(size=(22, 3)).astype('float32')
W = rng.uniform(0.5, 2, size=22).astype('float32')
LABELS = rng.randint(0, 3, size=22)
ONE_HOT = np.eye(3, dtype='float32')[LABELS]
CUTS = [(0, 8), (8, 16), (16, 22)]
BATCHES = [(X[a:b], Y[a:b]) for a, b in CUTS]
WEIGHTED = [(X[a:b], Y[a:b], W[a:b]) for a, b in CUTS]
HOW = [(0, False), (1, False), (2, False), (1, True), (2, True)]
each_way = pytest.mark.parametrize(
    'workers,use_multiprocessing', HOW, ids=['main', 'thread', 'threads', 'process', 'processes']
)


class Listed(Sequence):
    """The batches of a list; counts the epochs that end."""

    def __init__(self, batches):
        self.items = list(batches)
        self.ends = 0

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]

    def on_epoch_end(self):
        self.ends += 1


def forever(batches):
    return itertools.cycle(list(batches))


def dataset_of(*arrays):
    if not K.supports('datasets'):
        pytest.skip('this backend has no datasets')
    import tensorflow as tf

    with tf.init_scope():
        return tf.data.Dataset.from_tensor_slices(arrays).batch(8)


def linear(loss='mse', optimizer=None, **kwargs):
    model = Pile([Daoloth(3, input_shape=(4,), kernel_initializer='ones', name='out')])
    model.conjure(optimizer or optimizers.SGD(0.05), loss, **kwargs)
    return model


@pytest.fixture
def shared():
    """A conjured model that stays as it is."""
    return linear(optimizer=optimizers.SGD(0.0))


@pytest.fixture(autouse=True)
def nothing_is_left():
    threads = set(threading.enumerate())
    yield
    assert not multiprocessing.active_children()
    assert not [t for t in set(threading.enumerate()) - threads if t.name.startswith('cthulhu')]


def watch(model, **kwargs):
    """Summon a `linear` model that does not learn on `numbered` batches, and give the number of each that it was trained on.

    Kernels of ones make 4 n of a row of n, and the targets are 0: the loss of the batch is 16 n ** 2.
    """
    losses = []
    callback = callbacks.LuKthuCallback(on_batch_end=lambda batch, logs: losses.append(logs['loss']))
    history = model.summon(verbose=0, callbacks=[callback], **kwargs)
    numbers = [np.sqrt(loss / 16) for loss in losses]
    np.testing.assert_allclose(numbers, np.round(numbers), atol=1e-3)
    return [int(round(float(number))) for number in numbers], history


def numbered(count, size=2):
    return [(np.full((size, 4), i, 'float32'), np.zeros((size, 3), 'float32')) for i in range(count)]


# -- the same as arrays ------------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def from_arrays():
    model = linear(metrics=['mae'])
    history = model.summon(
        X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0, validation_data=(X[:12], Y[:12])
    ).history
    return history, model.evaluate(X, Y, verbose=0), model.predict(X)


def assert_same(history, expected):
    assert sorted(history) == sorted(expected)
    for name in expected:
        np.testing.assert_allclose(history[name], expected[name], rtol=0, atol=1e-6, err_msg=name)


VALIDATION = [(X[:8], Y[:8]), (X[8:12], Y[8:12])]


@each_way
def test_a_sequence_gives_the_history_of_arrays(from_arrays, workers, use_multiprocessing):
    how = {'workers': workers, 'use_multiprocessing': use_multiprocessing, 'verbose': 0}
    model = linear(metrics=['mae'])
    history = model.summon(Listed(BATCHES), epochs=3, shuffle=False, validation_data=Listed(VALIDATION), **how).history
    assert_same(history, from_arrays[0])
    np.testing.assert_allclose(model.evaluate(Listed(BATCHES), **how), from_arrays[1], atol=1e-6)
    np.testing.assert_allclose(model.predict(Listed(BATCHES), **how), from_arrays[2], atol=1e-6)


@pytest.mark.parametrize('workers,use_multiprocessing', [(0, False), (1, False), (2, False), (1, True)])
def test_a_generator_gives_the_history_of_arrays(from_arrays, workers, use_multiprocessing):
    how = {'workers': workers, 'use_multiprocessing': use_multiprocessing, 'verbose': 0}
    model = linear(metrics=['mae'])
    history = model.summon(
        forever(BATCHES), steps_per_epoch=3, epochs=3, validation_data=forever(VALIDATION), validation_steps=2, **how
    ).history
    assert_same(history, from_arrays[0])
    np.testing.assert_allclose(model.evaluate(forever(BATCHES), steps=3, **how), from_arrays[1], atol=1e-6)
    np.testing.assert_allclose(
        model.predict(forever([x for x, _ in BATCHES]), steps=3, **how), from_arrays[2], atol=1e-6
    )


def test_the_generator_methods_are_the_same(from_arrays):
    model = linear(metrics=['mae'])
    history = model.summon_generator(
        forever(BATCHES), 3, 3, 0, None, forever(VALIDATION), 2, 1, None, 5, 1, False, False, 0
    ).history  # in the documented order
    assert_same(history, from_arrays[0])
    np.testing.assert_allclose(
        model.evaluate_generator(forever(BATCHES), 3, None, 5, 1, False, 0), from_arrays[1], atol=1e-6
    )
    np.testing.assert_allclose(
        model.predict_generator(forever(BATCHES), 3, None, 5, 1, False, 0), from_arrays[2], atol=1e-6
    )
    assert_same(linear(metrics=['mae']).fit_generator(
        Listed(BATCHES), epochs=3, shuffle=False, verbose=0, validation_data=(X[:12], Y[:12])
    ).history, from_arrays[0])  # fmt: skip
    for method in (model.summon_generator, model.evaluate_generator, model.predict_generator):
        with pytest.raises(
            ValueError, match='takes a generator, a Sequence, a dataset or another iterable of batches; got ndarray'
        ):
            method(X)


@pytest.mark.parametrize('form', ['dataset', 'steps', 'repeated', 'iterator', 'graph dataset', 'graph iterator'])
def test_a_dataset_gives_the_history_of_arrays(from_arrays, form):
    data = dataset_of(X, Y)
    import tensorflow as tf

    arguments = {'epochs': 3, 'verbose': 0}
    if form == 'steps':
        arguments['steps_per_epoch'], data = 3, data.repeat()
    elif form == 'repeated':
        arguments['steps_per_epoch'], data = 3, data.repeat(3)
    elif form == 'iterator':
        with tf.init_scope():
            arguments['steps_per_epoch'], data = 3, iter(data.repeat(3))
    elif form.startswith('graph'):
        with K.graph_scope():
            data = tf.compat.v1.data.Dataset.from_tensor_slices((X, Y)).batch(8)
            if form == 'graph iterator':
                data = tf.compat.v1.data.make_one_shot_iterator(data.repeat(3))
                arguments['steps_per_epoch'] = 3
    model = linear(metrics=['mae'])
    history = model.summon(data, validation_data=dataset_of(X[:12], Y[:12]), **arguments).history
    assert_same(history, from_arrays[0])
    np.testing.assert_allclose(model.evaluate(dataset_of(X, Y), verbose=0), from_arrays[1], atol=1e-6)
    np.testing.assert_allclose(model.predict(dataset_of(X, Y)), from_arrays[2], atol=1e-6)


def test_sample_weights_are_the_third_item(from_arrays):
    model = linear(weighted_metrics=['mae'])
    arguments = {'epochs': 2, 'shuffle': False, 'verbose': 0, 'validation_data': (X, Y, W)}
    expected = model.summon(X, Y, sample_weight=W, batch_size=8, **arguments).history
    evaluated = model.evaluate(X, Y, sample_weight=W, verbose=0)
    arguments['validation_data'] = Listed(WEIGHTED)
    model = linear(weighted_metrics=['mae'])
    assert_same(model.summon(Listed(WEIGHTED), **arguments).history, expected)
    np.testing.assert_allclose(model.evaluate(forever(WEIGHTED), steps=3, verbose=0), evaluated, rtol=1e-5)
    if K.supports('datasets'):
        arguments['validation_data'] = dataset_of(X, Y, W)
        assert_same(linear(weighted_metrics=['mae']).summon(dataset_of(X, Y, W), **arguments).history, expected)
    assert abs(expected['loss'][0] - from_arrays[0]['loss'][0]) > 1e-3


def test_time_steps_are_weighted_from_streams_as_from_arrays():
    x, y, w = rng.normal(size=(6, 5, 4)), rng.normal(size=(6, 5, 3)), rng.uniform(size=(6, 5))

    def model():
        made = Pile([Daoloth(3, input_shape=(5, 4), kernel_initializer='ones')])
        made.conjure('sgd', 'mse', sample_weight_mode='temporal')
        return made

    expected = model().summon(x, y, sample_weight=w, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    batches = [(x[:4], y[:4], w[:4]), (x[4:], y[4:], w[4:])]
    assert_same(model().summon(Listed(batches), epochs=2, shuffle=False, verbose=0).history, expected)


def test_class_weights():
    weights = {0: 1.0, 1: 3.0, 2: 0.5}
    batches = [(X[a:b], ONE_HOT[a:b]) for a, b in CUTS]
    arguments = {'epochs': 2, 'shuffle': False, 'verbose': 0, 'class_weight': weights}
    expected = linear().summon(X, ONE_HOT, batch_size=8, validation_data=(X, ONE_HOT), **arguments).history
    assert_same(linear().summon(Listed(batches), validation_data=Listed(batches), **arguments).history, expected)
    history = (
        linear().summon_generator(forever(batches), 3, 2, 0, class_weight=weights, validation_data=(X, ONE_HOT)).history
    )
    assert_same(history, expected)
    model = linear()
    model.summon(X, ONE_HOT, batch_size=8, validation_data=(X, ONE_HOT), **arguments)
    np.testing.assert_allclose(
        expected['val_loss'][-1], model.evaluate(X, ONE_HOT, verbose=0), rtol=1e-6
    )  # without class weights


def named():
    a, b = Input((4,), name='a'), Input((4,), name='b')
    left = Daoloth(3, name='left', kernel_initializer='ones')(a)
    right = Daoloth(3, name='right', kernel_initializer='ones')(b)
    model = Lump([a, b], [left, right])
    model.conjure(optimizers.SGD(0.05), {'left': 'mse', 'right': 'mae'}, metrics={'left': ['mae']})
    return model


def test_batches_as_dicts_by_name():
    wanted = {'epochs': 2, 'shuffle': False, 'verbose': 0}
    left_right = {'left': W, 'right': np.ones(22)}
    expected = (
        named()
        .summon({'a': X, 'b': -X}, {'left': Y, 'right': -Y}, sample_weight=left_right, batch_size=8, **wanted)
        .history
    )

    def cut(a, b):
        return (
            {'b': -X[a:b], 'a': X[a:b]}, {'right': -Y[a:b], 'left': Y[a:b]}, {'left': W[a:b], 'right': np.ones(b - a)},
        )  # fmt: skip

    batches = [cut(a, b) for a, b in CUTS]
    model = named()
    assert_same(model.summon(Listed(batches), **wanted).history, expected)
    assert_same(named().summon(forever(batches), steps_per_epoch=3, **wanted).history, expected)
    lists = [([x['a'], x['b']], [y['left'], y['right']], [w['left'], w['right']]) for x, y, w in batches]
    assert_same(named().summon(Listed(lists), **wanted).history, expected)
    left, right = model.predict(Listed([x for x, _, _ in batches]))
    np.testing.assert_allclose([left, right], model.predict([X, -X]), atol=1e-6)
    np.testing.assert_allclose(model.predict(forever(lists), steps=3)[1], right, atol=1e-6)
    if K.supports('datasets'):
        data = dataset_of({'a': X, 'b': -X}, {'left': Y, 'right': -Y}, left_right)
        assert_same(named().summon(data, **wanted).history, expected)
    with pytest.raises(ValueError, match='Missing: b'):
        model.summon(Listed([({'a': X}, batches[0][1])]), verbose=0)


def test_batches_of_different_sizes():
    cuts = [(0, 1), (1, 12), (12, 15), (15, 22)]
    uneven = [(X[a:b], Y[a:b]) for a, b in cuts]
    model = linear(metrics=['mae'], optimizer=optimizers.SGD(0.0))
    expected = model.evaluate(X, Y, verbose=0)
    np.testing.assert_allclose(model.evaluate(Listed(uneven), verbose=0), expected, rtol=1e-5)
    history = model.summon(forever(uneven), steps_per_epoch=4, verbose=0, validation_data=Listed(uneven)).history
    np.testing.assert_allclose(
        [history[n][0] for n in ('loss', 'mae', 'val_loss', 'val_mae')], list(expected) * 2, rtol=1e-5
    )
    np.testing.assert_allclose(model.predict(Listed(uneven)), model.predict(X), atol=1e-6)


# -- epochs and steps --------------------------------------------------------------------------------------


@each_way
def test_each_batch_is_used_once_an_epoch_in_order(shared, workers, use_multiprocessing):
    sequence = Listed(numbered(9))
    seen, _ = watch(
        shared, x=sequence, epochs=2, shuffle=False, workers=workers, use_multiprocessing=use_multiprocessing
    )
    assert seen == list(range(9)) * 2
    assert sequence.ends == 2


@each_way
def test_shuffle_mixes_the_batches_of_each_epoch(shared, workers, use_multiprocessing):
    np.random.seed(3)
    how = {'workers': workers, 'use_multiprocessing': use_multiprocessing}
    seen, _ = watch(shared, x=Listed(numbered(9)), epochs=2, **how)
    one, two = seen[:9], seen[9:]
    assert sorted(one) == sorted(two) == list(range(9)) and one != two and one != sorted(one)
    seen, _ = watch(shared, x=Listed(numbered(9)), steps_per_epoch=9, **how)
    assert seen == list(range(9))  # no effect with steps_per_epoch


def test_steps_per_epoch(shared):
    sequence = Listed(numbered(5))
    seen, history = watch(shared, x=sequence, epochs=4, steps_per_epoch=3)
    assert seen == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1] and sequence.ends == 2
    assert history.params['steps'] == 3 and 'samples' not in history.params
    seen, _ = watch(shared, x=forever(numbered(5)), epochs=2, steps_per_epoch=3)
    assert seen == [0, 1, 2, 3, 4, 0]
    _, history = watch(shared, x=Listed(numbered(5)))
    assert history.params['steps'] == 5
    with pytest.raises(ValueError, match='`steps_per_epoch`'):
        shared.summon(forever(BATCHES), verbose=0)
    with pytest.raises(ValueError, match='`validation_steps`'):
        shared.summon(Listed(BATCHES), validation_data=forever(BATCHES), verbose=0)
    for method in (shared.evaluate, shared.predict):
        with pytest.raises(ValueError, match='`steps`'):
            method(forever(BATCHES))
    for wrong in (0, -1):
        with pytest.raises(ValueError, match='`steps_per_epoch` is a whole number, 1 or more'):
            shared.summon(Listed(BATCHES), steps_per_epoch=wrong, verbose=0)
    with pytest.raises(ValueError, match='Listed has no batches'):
        shared.summon(Listed([]), verbose=0)


@pytest.mark.parametrize('workers,use_multiprocessing', [(0, False), (1, False), (2, False)])
def test_no_more_is_taken_from_a_generator_than_is_used(shared, workers, use_multiprocessing):
    how = {'workers': workers, 'use_multiprocessing': use_multiprocessing, 'verbose': 0}
    data, validation = iter(numbered(50)), iter(numbered(50))
    shared.summon(
        data,
        steps_per_epoch=3,
        epochs=5,
        initial_epoch=1,
        validation_data=validation,
        validation_steps=2,
        validation_freq=[2, 5, 9],
        **how,
    )
    assert next(data)[0][0, 0] == 12 and next(validation)[0][0, 0] == 4
    shared.evaluate(data, steps=2, **how)
    shared.predict(data, steps=2, **how)
    assert next(data)[0][0, 0] == 17


def test_steps_of_evaluate_and_predict(shared):
    expected = shared.evaluate(X[:16], Y[:16], verbose=0)
    for data in (Listed(BATCHES), iter(BATCHES)) + ((dataset_of(X, Y),) if K.supports('datasets') else ()):
        np.testing.assert_allclose(shared.evaluate(data, steps=2, verbose=0), expected, rtol=1e-6)
    assert shared.predict(Listed(BATCHES), steps=2).shape == (16, 3)
    assert shared.predict_generator(iter(BATCHES), steps=1).shape == (8, 3)
    assert shared.predict(Listed(BATCHES), steps=4).shape == (30, 3)  # around


def test_initial_epoch(shared):
    for data, steps in ((Listed(BATCHES), None), (forever(BATCHES), 3)):
        assert shared.summon(data, epochs=5, initial_epoch=3, steps_per_epoch=steps, verbose=0).epoch == [3, 4]
        assert shared.summon_generator(data, epochs=4, initial_epoch=3, steps_per_epoch=steps, verbose=0).epoch == [3]


def test_on_epoch_end_of_a_sequence_once_an_epoch_and_seen_by_the_processes():
    class Growing(Listed):
        def on_epoch_end(self):
            super().on_epoch_end()
            self.items = [(x + 100, y) for x, y in self.items] + numbered(1)

    model = linear(optimizer=optimizers.SGD(0.0))
    for workers, use_multiprocessing in HOW:
        data, validation = Growing(numbered(2)), Listed(BATCHES)
        seen, _ = watch(
            model, x=data, epochs=3, shuffle=False, workers=workers, use_multiprocessing=use_multiprocessing,
            validation_data=validation, validation_freq=2,
        )  # fmt: skip
        assert seen == [0, 1, 100, 101, 0, 200, 201, 100, 0] and data.ends == 3
        assert validation.ends == 1
    validation = Listed(BATCHES)
    model.summon(X, Y, epochs=3, verbose=0, validation_data=validation, validation_steps=2)
    assert validation.ends == 3
    model.evaluate(validation, verbose=0)
    model.predict(validation)
    assert validation.ends == 5


# -- validation --------------------------------------------------------------------------------------------


def validation_forms():
    forms = {
        'arrays': (X, Y),
        'weighted': (X, Y, np.ones(22)),
        'list': [X, Y],
        'sequence': Listed(BATCHES),
        'generator': forever(BATCHES),
    }
    if K.supports('datasets'):
        forms['dataset'] = dataset_of(X, Y)
        forms['iterator'] = iter(dataset_of(X, Y).repeat())
    if K.supports('native_tensors'):
        forms['tensors'] = (K.constant(X), K.constant(Y))
    return forms


@pytest.mark.parametrize('training', ['arrays', 'sequence', 'generator'])
def test_validation_data_in_all_forms(shared, training):
    expected = shared.evaluate(X, Y, verbose=0)
    x, y, steps = {
        'arrays': (X, Y, None),
        'sequence': (Listed(BATCHES), None, None),
        'generator': (forever(BATCHES), None, 3),
    }[training]
    for form, data in validation_forms().items():
        arguments = {'validation_steps': 3} if form in ('generator', 'iterator') else {}
        history = shared.summon(
            x, y, steps_per_epoch=steps, epochs=4, verbose=0, validation_data=data, validation_freq=2, **arguments
        ).history
        assert len(history['loss']) == 4 and len(history['val_loss']) == 2
        np.testing.assert_allclose(history['val_loss'], expected, rtol=1e-5, err_msg=form)
    with pytest.raises(ValueError, match='`validation_data` must be'):
        shared.summon(Listed(BATCHES), validation_data=X, verbose=0)


def test_validation_steps_and_each_epoch_from_the_first_batch(shared):
    expected = shared.evaluate(X[:8], Y[:8], verbose=0)
    forms = validation_forms()
    for form in ('arrays', 'sequence', 'dataset'):
        if form in forms:
            size = {'batch_size': 8} if form == 'arrays' else {}
            x = {'x': X, 'y': Y} if form == 'arrays' else {'x': Listed(BATCHES)}
            history = shared.summon(
                epochs=3, verbose=0, validation_data=forms[form], validation_steps=1, **dict(x, **size)
            ).history
            np.testing.assert_allclose(history['val_loss'], expected, rtol=1e-5, err_msg=form)
    # A generator cannot start again.
    history = shared.summon(
        Listed(BATCHES), epochs=3, verbose=0, validation_data=forms['generator'], validation_steps=1
    ).history
    np.testing.assert_allclose(history['val_loss'], [shared.evaluate(x, y, verbose=0) for x, y in BATCHES], rtol=1e-5)


def test_validation_freq_as_a_list(shared):
    history = shared.summon_generator(
        Listed(BATCHES), epochs=5, verbose=0, validation_data=Listed(BATCHES), validation_freq=[1, 4]
    ).history
    assert len(history['val_loss']) == 2


def test_arguments_that_do_not_go_with_streams(shared):
    for name, value in (('y', Y), ('batch_size', 8), ('sample_weight', W), ('validation_split', 0.5)):
        with pytest.raises(ValueError, match=f'`{name}` cannot be given'):
            shared.summon(Listed(BATCHES), verbose=0, **{name: value})
    for name, value in (('y', Y), ('batch_size', 8), ('sample_weight', W)):
        with pytest.raises(ValueError, match=f'`{name}` cannot be given'):
            shared.evaluate(Listed(BATCHES), verbose=0, **{name: value})
    with pytest.raises(ValueError, match='`batch_size` cannot be given'):
        shared.predict(Listed(BATCHES), batch_size=8)
    for method in (shared.summon, shared.evaluate, shared.predict):
        for wrong in (-1, 1.5, True):
            with pytest.raises(ValueError, match='`workers`'):
                method(Listed(BATCHES), workers=wrong)
        for wrong in (0, 'many'):
            with pytest.raises(ValueError, match='`max_queue_size`'):
                method(Listed(BATCHES), max_queue_size=wrong)
    with pytest.raises(TypeError, match='bananas'):
        shared.summon(X, Y, bananas=3)
    with pytest.warns(UserWarning, match='spelled as in Keras 1'):
        assert len(shared.summon(X, Y, nb_epoch=2, verbose=0).epoch) == 2


# -- computing ahead ---------------------------------------------------------------------------------------


class Where(Listed):
    """Tells where each batch was computed, in a file."""

    def __init__(self, batches, path):
        super().__init__(batches)
        self.path = str(path)

    def __getitem__(self, index):
        with open(self.path, 'a') as out:
            out.write('{} {}\n'.format(os.getpid(), threading.current_thread().name.replace(' ', '_')))
        time.sleep(0.01)
        return self.items[index]

    def places(self):
        with open(self.path) as lines:
            found = [line.split() for line in lines]
        os.remove(self.path)
        return {int(pid) for pid, _ in found}, {name for _, name in found}


@each_way
def test_workers_and_use_multiprocessing_say_where_batches_are_computed(shared, tmp_path, workers, use_multiprocessing):
    data = Where(BATCHES * 3, tmp_path / 'where')
    how = {'workers': workers, 'use_multiprocessing': use_multiprocessing, 'verbose': 0}
    methods = [
        shared.summon,
        shared.evaluate,
        shared.predict,
        shared.summon_generator,
        shared.evaluate_generator,
        shared.predict_generator,
    ]
    methods.append(lambda data, **how: shared.summon(X, Y, validation_data=data, **how))
    for method in methods:
        method(data, **how)
        pids, threads = data.places()
        if use_multiprocessing:
            assert os.getpid() not in pids and len(pids) == workers
        else:
            assert pids == {os.getpid()} and len(threads) == max(workers, 1)
            assert (threading.current_thread().name in threads) == (workers == 0)


@pytest.mark.parametrize('kind', ['sequence', 'generator'])
def test_max_queue_size_is_how_far_ahead_batches_are_computed(shared, kind):
    begun = []

    class Counted(Listed):
        def __getitem__(self, index):
            begun.append(index)
            return self.items[index]

    def counted():
        for index in itertools.count():
            begun.append(index)
            yield BATCHES[0]

    class Slow(callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.most, self.taken = 0, 0

        def on_train_batch_begin(self, batch, logs=None):
            self.taken += 1
            deadline = time.time() + 0.5
            while len(begun) < min(self.taken + 2, 8) and time.time() < deadline:
                time.sleep(0.001)
            time.sleep(0.005)
            self.most = max(self.most, len(begun) - self.taken)

        on_test_batch_begin = on_predict_batch_begin = on_train_batch_begin

    for method, steps in (
        (shared.summon_generator, 'steps_per_epoch'),
        (shared.evaluate_generator, 'steps'),
        (shared.predict_generator, 'steps'),
    ):
        del begun[:]
        slow = Slow()
        data = Counted(BATCHES[:1] * 8) if kind == 'sequence' else counted()
        method(data, max_queue_size=2, workers=3, callbacks=[slow], verbose=0, **{steps: 8})
        assert slow.most == 2 and len(begun) == 8


def test_the_same_seed_gives_the_same_run_with_workers():
    class Noise(Sequence):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return X + np.random.normal(size=X.shape), Y

    def run(workers, use_multiprocessing):
        np.random.seed(11)
        model = Pile([Daoloth(8, activation='relu', input_shape=(4,)), Darkness(0.5), Daoloth(3)])
        model.conjure('adam', 'mse')
        model.summon(
            Noise(),
            epochs=2,
            verbose=0,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
            validation_data=Noise(),
        )
        return np.concatenate([w.ravel() for w in model.get_weights()])

    expected = run(2, True)
    np.testing.assert_array_equal(run(3, True), expected)
    np.testing.assert_array_equal(run(1, False), run(1, False))


# -- what is shown -----------------------------------------------------------------------------------------


def test_progress_bars_with_and_without_a_known_length(shared, capsys):
    def shown(method, *args, **kwargs):
        capsys.readouterr()
        method(*args, **kwargs)
        return capsys.readouterr().out

    for data, steps in ((Listed(BATCHES), {}), (forever(BATCHES), {'steps_per_epoch': 3})):
        text = shown(shared.summon, data, epochs=2, **steps)
        assert text.count('3/3 [====') == 2 and 'Epoch 2/2' in text and '\b' not in text and '\r' not in text
        assert text.count('\n') == 4 and 'loss: ' in text
        text = shown(shared.summon_generator, data, epochs=2, verbose=2, **steps)
        assert '[=' not in text and text.count('loss: ') == 2
        assert shown(shared.summon, data, verbose=0, **steps) == ''
    assert (
        '3/3 [====' in shown(shared.evaluate, Listed(BATCHES))
        and shown(shared.evaluate, Listed(BATCHES), verbose=0) == ''
    )
    assert (
        '3/3 [====' in shown(shared.predict, Listed(BATCHES), verbose=1)
        and shown(shared.predict, Listed(BATCHES)) == ''
    )
    assert '2/2 [====' in shown(shared.evaluate_generator, Listed(BATCHES), steps=2, verbose=1)
    assert '2/2 [====' in shown(shared.predict_generator, Listed(BATCHES), steps=2, verbose=1)
    text = shown(shared.summon, X, Y, validation_data=(X[:5], Y[:5]))
    assert 'Train on 22 samples, validate on 5 samples' in text and '22/22 [====' in text and 'val_loss: ' in text
    if K.supports('datasets'):
        assert '3/3 [====' in shown(shared.summon, dataset_of(X, Y))
        assert ' 3/Unknown' in shown(shared.summon, dataset_of(X, Y).unbatch().batch(8))
        assert '3/3 [====' in shown(shared.evaluate, dataset_of(X, Y))


def test_hooks_and_their_logs(shared):
    class Log(callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.lines = []

    def hook(name):
        def told(self, *args, **kwargs):
            args = list(args) + list(kwargs.values())
            logs = args[-1] if isinstance(args[-1], dict) else {}
            self.lines.append((name, logs.get('size'), sorted(set(logs) - {'batch', 'size'})))

        return told

    for stage in ('train', 'test', 'predict'):
        for when in ('begin', 'end'):
            setattr(Log, f'on_{stage}_{when}', hook(f'{stage}_{when}'))
            setattr(Log, f'on_{stage}_batch_{when}', hook(f'{stage}_batch_{when}'))

    def batches(stage, names):
        return [
            line
            for size in (8, 8, 6)
            for line in ((stage + '_batch_begin', size, []), (stage + '_batch_end', size, names))
        ]

    log = Log()
    shared.summon(Listed(BATCHES), validation_data=Listed(BATCHES), verbose=0, callbacks=[log])
    test = [('test_begin', None, [])] + batches('test', ['loss']) + [('test_end', None, ['loss'])]
    assert log.lines == [('train_begin', None, [])] + batches('train', ['loss']) + test + [('train_end', None, [])]
    for method in (shared.evaluate, shared.evaluate_generator):
        log = Log()
        method(Listed(BATCHES), verbose=0, callbacks=[log])
        assert log.lines == test
    for method in (shared.predict, shared.predict_generator):
        log = Log()
        method(Listed(BATCHES), callbacks=[log])
        assert log.lines == [('predict_begin', None, [])] + batches('predict', ['outputs']) + [
            ('predict_end', None, [])
        ]


# -- models that wait for their data -----------------------------------------------------------------------


class Two(Lump):
    def __init__(self):
        super().__init__()
        self.out = Daoloth(3, kernel_initializer='ones')

    def call(self, inputs):
        return self.out(inputs)


@pytest.mark.parametrize('make', [Two, lambda: Pile([Daoloth(3, kernel_initializer='ones')])], ids=['subclass', 'pile'])
def test_models_are_built_from_their_first_batch_and_train_on_it(from_arrays, make):
    sources = [(lambda: Listed(BATCHES), None), (lambda: forever(BATCHES), 3)]
    if K.supports('datasets'):
        sources += [
            (lambda: dataset_of(X, Y), None),
            (lambda: iter(dataset_of(X, Y).repeat()), 3),
            (lambda: iter(dataset_of(X, Y)), None),
        ]
    for source, steps in sources:
        model = make()
        model.conjure(optimizers.SGD(0.05), 'mse', metrics=['mae'])
        history = model.summon(source(), steps_per_epoch=steps, shuffle=False, verbose=0).history
        assert_same(history, {name: from_arrays[0][name][:1] for name in ('loss', 'mae')})
    for source, steps in sources:
        np.testing.assert_allclose(
            make().predict(source(), steps=steps), X.sum(1, keepdims=True) * np.ones(3), rtol=1e-5
        )
    with pytest.raises(ValueError, match='ended before their first batch'):
        make().predict(iter([]), steps=1)


def test_stateful_models():
    from cthulhu.layers import SimpleRNN

    x, y = rng.normal(size=(12, 2, 3)).astype('float32'), rng.normal(size=(12, 2)).astype('float32')
    model = Pile([SimpleRNN(2, stateful=True, batch_input_shape=(4, 2, 3))])
    model.conjure(optimizers.SGD(0.0), 'mse')
    batches = [(x[i : i + 4], y[i : i + 4]) for i in (0, 4, 8)]
    expected = model.predict(x, batch_size=4)
    again = model.predict(x, batch_size=4)
    assert np.abs(expected - again).max() > 1e-3  # it went on from its last state
    for data in (Listed(batches), iter(batches)):
        model.reset_states()
        np.testing.assert_allclose(model.predict(data, steps=3), expected, atol=1e-6)
    model.reset_states()
    loss = model.evaluate(x, y, batch_size=4, verbose=0)
    model.reset_states()
    np.testing.assert_allclose(
        model.summon(Listed(batches), shuffle=False, verbose=0).history['loss'], [loss], rtol=1e-5
    )
    for method in (model.summon, model.evaluate, model.predict):
        with pytest.raises(ValueError, match='multiple of the batch size'):
            method(Listed([(x[:3], y[:3])]))
    with pytest.raises(ValueError, match='multiple of the batch size'):
        model.predict(x[:10], batch_size=4)
    with pytest.raises(ValueError, match='multiple of the batch size'):
        model.summon(x, y, batch_size=4, validation_split=0.5, verbose=0)


# -- faults ------------------------------------------------------------------------------------------------


class Trouble(Listed):
    """Batch 2 makes trouble: once if there is a file, always otherwise."""

    def __init__(self, trouble, once=None):
        super().__init__(BATCHES[:1] * 6)
        self.trouble, self.once = trouble, once and str(once)

    def __getitem__(self, index):
        if index == 2 and not (self.once and os.path.exists(self.once)):
            if self.once:
                open(self.once, 'w').close()
            self.trouble()
        return self.items[index]


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def stumble():
    raise ZeroDivisionError('batch 2 is out of order')


def is_usable(model):
    before = model.evaluate(X, Y, verbose=0)
    history = model.summon(Listed(BATCHES), epochs=2, verbose=0, validation_data=(X, Y)).history
    assert history['val_loss'][-1] < before and len(history['loss']) == 2


def test_a_killed_worker_costs_a_batch_no_more(tmp_path):
    expected = linear().summon(Trouble(int), epochs=2, shuffle=False, verbose=0).history
    model = linear()
    history = model.summon(
        Trouble(die, tmp_path / 'died'), epochs=2, shuffle=False, verbose=0, workers=2, use_multiprocessing=True
    ).history
    assert os.path.exists(str(tmp_path / 'died'))
    assert_same(history, expected)


def test_a_batch_that_kills_its_workers_ends_in_an_error(shared):
    start = time.time()
    for method in (shared.summon, shared.evaluate, shared.predict):
        with pytest.raises(WorkerDied, match=r'worker process \d+ died .exit code -9.'):
            method(Trouble(die), verbose=0, workers=2, use_multiprocessing=True)
        assert not multiprocessing.active_children()
    assert time.time() - start < 15
    with pytest.raises(WorkerDied):
        shared.summon(X, Y, verbose=0, validation_data=Trouble(die), workers=2, use_multiprocessing=True)


@each_way
def test_an_exception_in_a_worker_comes_as_it_was(workers, use_multiprocessing):
    model = linear()
    how = {'workers': workers, 'use_multiprocessing': use_multiprocessing, 'verbose': 0}
    for call in (
        lambda: model.summon(Trouble(stumble), **how),
        lambda: model.summon(X, Y, validation_data=Trouble(stumble), **how),
        lambda: model.evaluate(Trouble(stumble), **how),
        lambda: model.predict(Trouble(stumble), **how),
    ):
        with pytest.raises(ZeroDivisionError, match='^batch 2 is out of order$') as caught:
            call()
        if use_multiprocessing:
            assert 'in stumble' in str(caught.value.__cause__)
    is_usable(model)


def test_an_exception_in_a_generator_comes_as_it_was(shared):
    def broken():
        yield BATCHES[0]
        stumble()

    for workers, use_multiprocessing in HOW[:2] + HOW[3:4]:
        with pytest.raises(ZeroDivisionError, match='batch 2 is out of order'):
            shared.summon(
                broken(), steps_per_epoch=3, workers=workers, use_multiprocessing=use_multiprocessing, verbose=0
            )


@each_way
def test_an_exception_in_a_callback(workers, use_multiprocessing):
    model, ended = linear(), []
    how = {
        'workers': workers,
        'use_multiprocessing': use_multiprocessing,
        'verbose': 0,
        'validation_data': Listed(BATCHES),
    }

    class Breaks(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                stumble()

        on_test_batch_end = on_predict_batch_end = on_train_batch_end

        def on_train_end(self, logs=None):
            ended.append(True)

    class BreaksInValidation(Breaks):
        def on_train_batch_end(self, batch, logs=None):
            pass

    for breaks in (Breaks(), BreaksInValidation()):
        with pytest.raises(ZeroDivisionError):
            model.summon(Listed(BATCHES * 5), callbacks=[breaks], **how)
        assert not multiprocessing.active_children()
    assert ended == [True, True]
    del how['validation_data']
    for method in (model.evaluate, model.predict):
        with pytest.raises(ZeroDivisionError):
            method(Listed(BATCHES * 5), callbacks=[Breaks()], **how)
    is_usable(model)


@each_way
def test_ctrl_c_in_the_middle(workers, use_multiprocessing):
    """While it waits for a batch, and in a callback."""
    model, ended = linear(), []
    how = {'workers': workers, 'use_multiprocessing': use_multiprocessing, 'verbose': 0}

    class Interrupts(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                os.kill(os.getpid(), signal.SIGINT)

        def on_train_end(self, logs=None):
            ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        model.summon(Listed(BATCHES * 5), callbacks=[Interrupts()], **how)
    assert ended == [True] and not multiprocessing.active_children()
    quit = threading.Event()  # lets the thread that sleeps go
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.time()
    with pytest.raises(KeyboardInterrupt):
        model.summon(Trouble(lambda: quit.wait(1.5 if not use_multiprocessing else 60)), **how)
    assert time.time() - start < 8
    timer.join()
    is_usable(model)


def test_the_line_of_a_bar_that_is_broken_off_is_ended(shared, monkeypatch, capsys):
    from cthulhu.utils import progbar

    monkeypatch.setattr(progbar, 'place', lambda: 'terminal')
    for method, arguments in (
        (shared.summon, {'shuffle': False}),
        (shared.evaluate, {}),
        (shared.predict, {'verbose': 1}),
    ):
        with pytest.raises(ZeroDivisionError):
            method(Trouble(stumble), **arguments)
        text = capsys.readouterr().out
        assert '\r' in text and text.endswith('\n')


def test_a_generator_that_ends_early():
    for workers, use_multiprocessing in HOW[:2] + HOW[3:4]:
        model = linear()
        how = {'workers': workers, 'use_multiprocessing': use_multiprocessing, 'verbose': 0}
        with pytest.warns(UserWarning, match='ended after 1 of the 2 batches'):
            history = model.summon(iter(BATCHES), steps_per_epoch=2, epochs=9, validation_data=(X, Y), **how)
        assert history.epoch == [0, 1] and [len(values) for values in history.history.values()] == [2, 2]
        with pytest.warns(UserWarning, match='ended after 0 of the 3 batches'):
            history = model.summon(iter(BATCHES), steps_per_epoch=3, epochs=9, validation_data=(X, Y), **how)
        assert history.epoch == [0] and [len(values) for values in history.history.values()] == [1, 1]
        with pytest.warns(UserWarning, match='ended after 3 of the 5 batches'):
            loss = model.evaluate(iter(BATCHES), steps=5, **how)
        np.testing.assert_allclose(loss, model.evaluate(X, Y, verbose=0), rtol=1e-5)
        with pytest.warns(UserWarning, match='ended after 3 of the 5 batches'):
            assert model.predict(iter(BATCHES), steps=5, **how).shape == (22, 3)
        is_usable(model)
    for method in (model.evaluate, model.predict):
        with pytest.warns(UserWarning), pytest.raises(ValueError, match='have no samples'):
            method(iter([]), steps=1)
    with pytest.raises(ValueError, match='have no samples'):
        model.summon(X[:0], Y[:0], verbose=0)
    if K.supports('datasets'):
        with pytest.warns(UserWarning, match='ended after 0 of the batches'):
            assert model.summon(iter(dataset_of(X, Y)), epochs=3, verbose=0).epoch == [0]
        with pytest.warns(UserWarning, match='ended after 1 of the 2 batches'):
            assert model.summon(dataset_of(X, Y), steps_per_epoch=2, epochs=3, verbose=0).epoch == [0, 1]


WRONG = [
    (X, r'tuples \(inputs, targets\) or .*found ndarray'),
    (None, 'found NoneType'),
    ((X, Y, W, W), 'tuple of 4 items'),
    ((X,), 'tuple of 1 items'),
    ((X, Y[:5]), 'same number of samples'),
    ((X[:, :3], Y), 'expected an array of shape'),
    ((X, Y, W[:5]), 'expected .22,.'),
    (([X, X], Y), 'expected 1 array'),
]


def test_wrong_batches_are_named(shared):
    for wrong, text in WRONG:
        for data in (Listed([BATCHES[0], wrong]), forever([BATCHES[0], wrong])):
            with pytest.raises(ValueError, match=text):
                shared.summon(data, steps_per_epoch=2, workers=0, verbose=0)
            with pytest.raises(ValueError, match=text):
                shared.evaluate(data, steps=2, verbose=0)
    for method in (shared.summon, shared.evaluate):
        with pytest.raises(ValueError, match=WRONG[0][1]):
            method(Listed([BATCHES[0], X]), workers=2, use_multiprocessing=True, verbose=0)
    with pytest.raises(ValueError, match='tuple of 4 items'):
        shared.predict(Listed([(X, X, X, X)]))
    with pytest.raises(ValueError, match='expected an array of shape'):
        shared.predict(Listed([X[:, :3]]))


def test_results_that_cannot_be_pickled(shared):
    with pytest.raises(RuntimeError, match='could not send what it computed'):
        shared.summon(Listed([(X, lambda: Y)]), workers=2, use_multiprocessing=True, verbose=0)
    assert len(shared.summon(Listed([(X, Y)]), workers=2, use_multiprocessing=True, verbose=0).epoch) == 1


@pytest.mark.filterwarnings('ignore:.*NaN or infinite')
def test_nan_in_the_data_shows_in_the_history_and_can_end_training():
    bad = [(X[:8], Y[:8]), (X[:8] * np.nan, Y[:8]), (X[:8], Y[:8])]
    seen = []

    class Stop(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append(logs['loss'])
            self.model.stop_training = self.model.stop_training or not np.isfinite(logs['loss'])

    for workers, use_multiprocessing in HOW:
        del seen[:]
        history = (
            linear()
            .summon(
                Listed(bad * 9),
                epochs=5,
                shuffle=False,
                verbose=0,
                callbacks=[Stop()],
                workers=workers,
                use_multiprocessing=use_multiprocessing,
            )
            .history
        )
        assert len(history['loss']) == 1 and np.isnan(history['loss'][0])
        assert len(seen) == 2 and np.isfinite(seen[0]) and np.isnan(seen[1])


def test_fifty_runs_with_processes_leave_none():
    model = linear()
    for _ in range(50):
        model.summon(
            Listed(BATCHES), verbose=0, workers=2, use_multiprocessing=True, validation_data=Listed(BATCHES[:2])
        )
        assert not multiprocessing.active_children()


# -- functions ---------------------------------------------------------------------------------------------


def test_eight_threads_predict_on_one_model():
    model = Pile([Daoloth(16, activation='tanh', input_shape=(4,)), Daoloth(3)])  # no predict function yet
    data = [np.full((5 + i, 4), i / 8.0, 'float32') for i in range(8)]
    found = [[] for _ in data]

    def work(i):
        for _ in range(20):
            found[i].append(model.predict(data[i], batch_size=4))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    w1, b1, w2, b2 = model.get_weights()
    for x, results in zip(data, found):
        assert len(results) == 20
        for result in results:
            np.testing.assert_allclose(result, np.tanh(x @ w1 + b1) @ w2 + b2, atol=1e-5)


def operations():
    """How many operations there are, where they can be counted."""
    return len(K.get_session().graph.get_operations()) if K.supports('sessions') else None


def test_a_new_batch_size_makes_no_new_function(monkeypatch):
    made = []
    make = Step.__init__
    monkeypatch.setattr(
        Step, '__init__', lambda self, name, *args, **kwargs: (made.append(name), make(self, name, *args, **kwargs))[1]
    )
    model = linear(metrics=['mae'])

    def use(size):
        model.summon(X, Y, batch_size=size, verbose=0)
        model.summon(Listed([(X[:size], Y[:size])]), verbose=0)
        model.evaluate(X, Y, batch_size=size, verbose=0)
        model.predict(X, batch_size=size)
        model.train_on_batch(X[:size], Y[:size])
        model.test_on_batch(X[:size], Y[:size])
        model.predict_on_batch(X[:size])

    use(8)
    assert sorted(made) == ['predict_function', 'test_function', 'train_function']
    count = operations()
    for size in (1, 3, 22):
        use(size)
    assert len(made) == 3
    assert operations() == count


# -- the framework's own tensors and arguments -------------------------------------------------------------


native = pytest.mark.skipif(not K.supports('sessions'), reason='they use TensorFlow itself')
sessions = pytest.mark.skipif(not K.supports('session_arguments'), reason='the backend has no session')


@native
def test_x_is_none_where_inputs_are_tensors_of_the_framework(from_arrays):
    import tensorflow as tf

    with K.graph_scope():
        data = tf.compat.v1.data.Dataset.from_tensor_slices((X, Y)).batch(8).repeat()
        x, y = tf.compat.v1.data.make_one_shot_iterator(data).get_next()
    a = Input(tensor=x)
    model = Lump(a, Daoloth(3, kernel_initializer='ones', name='out')(a))
    for form in (y, [y], {'out': y}):
        model.conjure(optimizers.SGD(0.05), 'mse', metrics=['mae'], target_tensors=form)
        assert model.targets[0] is y
    weights = model.get_weights()
    history = model.summon(steps_per_epoch=3, epochs=3, verbose=0).history
    # The steps have 8, 8 and 6 samples, which nothing tells the loop: metrics know, the loss is an average of the steps.
    np.testing.assert_allclose(history['mae'], from_arrays[0]['mae'], atol=1e-6)
    model.set_weights(weights)
    assert len(model.summon(x=None, y=None, epochs=2, verbose=0).history['loss']) == 2
    assert np.shape(model.evaluate(steps=3, verbose=0)) == (2,)
    assert model.predict(None, steps=3).shape[1] == 3
    with pytest.raises(ValueError, match='batch_size'):
        model.summon(steps_per_epoch=3, batch_size=8, verbose=0)
    plain = linear()
    with pytest.raises(ValueError, match='No input data'):
        plain.summon(None, Y, verbose=0)


@native
def test_tensors_as_x_and_y(from_arrays):
    x, y = K.constant(X), K.constant(Y)
    model = linear(metrics=['mae'])
    loss, mae = model.evaluate(x, y, steps=2, verbose=0)
    np.testing.assert_allclose([loss, mae], model.evaluate(X, Y, verbose=0), rtol=1e-5)
    np.testing.assert_allclose(model.predict(x, steps=1), model.predict(X), rtol=1e-5)
    count = operations()
    model.predict(x, steps=1)
    model.evaluate(x, y, steps=1, verbose=0)
    assert operations() == count  # the same tensors make nothing anew
    expected = linear(metrics=['mae']).summon(X, Y, batch_size=22, epochs=2, verbose=0).history
    assert_same(linear(metrics=['mae']).summon(x, y, epochs=2, verbose=0).history, expected)
    both = named()
    both.summon(
        {'a': x, 'b': x},
        {'left': y, 'right': y},
        steps_per_epoch=2,
        verbose=0,
        validation_data=([x, x], [y, y]),
        validation_steps=1,
    )
    assert 'val_left_mae' in both.history.history


@sessions
def test_session_arguments_through_conjure():
    import tensorflow as tf
    from tensorflow.core.protobuf import config_pb2

    v1 = tf.compat.v1
    scale, counter = K.placeholder((), name='scale'), K.variable(0.0)
    with K.graph_scope():
        count = counter.assign_add(1.0, read_value=False)
    a = Input((4,))
    from cthulhu.layers import LuKthu

    model = Lump(a, LuKthu(lambda x: x * scale)(Daoloth(3, kernel_initializer='ones', use_bias=False)(a)))
    model.predict_on_batch  # the predict function is not made yet
    feeds, metadata = {scale: 2.0}, v1.RunMetadata()
    model.conjure(
        optimizers.SGD(0.0), 'mse', feed_dict=feeds, fetches=[count], run_metadata=metadata,
        options=config_pb2.RunOptions(trace_level=config_pb2.RunOptions.FULL_TRACE),
    )  # fmt: skip
    outputs = X.sum(1, keepdims=True) * np.ones(3)
    np.testing.assert_allclose(model.train_on_batch(X, Y), ((2 * outputs - Y) ** 2).mean(), rtol=1e-5)
    assert K.get_value(counter) == 1 and len(metadata.step_stats.dev_stats) > 0  # fetched, traced
    feeds[scale] = 3.0
    np.testing.assert_allclose(
        model.summon(Listed(BATCHES), verbose=0).history['loss'][0], ((3 * outputs - Y) ** 2).mean(), rtol=1e-5
    )
    np.testing.assert_allclose(model.predict(X, batch_size=22), 3 * outputs, rtol=1e-5)
    assert K.get_value(counter) == 1 + 3 + 1
    model.conjure('sgd', 'mse', feed_dict={scale: 4.0})
    np.testing.assert_allclose(model.predict(X), 4 * outputs, rtol=1e-5)  # also after a predict function was made
    with pytest.raises(ValueError, match="'bananas': no such argument of a session run"):
        model.conjure('sgd', 'mse', bananas=1)


# -- files -------------------------------------------------------------------------------------------------


def test_hdf5(tmp_path, from_arrays):
    h5py = pytest.importorskip('h5py')
    with h5py.File(str(tmp_path / 'data.h5'), 'w') as data:
        data['x'], data['y'] = X, Y
        model = linear(metrics=['mae'])
        history = model.summon(
            data['x'],
            data['y'],
            batch_size=8,
            epochs=3,
            shuffle=False,
            verbose=0,
            validation_data=(data['x'][:12], Y[:12]),
        ).history
        assert_same(history, from_arrays[0])
        np.testing.assert_allclose(model.predict(data['x']), from_arrays[2], atol=1e-6)
        still = linear(optimizer=optimizers.SGD(0.0))
        expected = still.evaluate(X, Y, verbose=0)
        for shuffle in (True, 'batch'):
            loss = still.summon(data['x'], data['y'], batch_size=5, shuffle=shuffle, verbose=0).history['loss'][0]
            np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_hdf5_matrix(tmp_path, from_arrays):
    h5py = pytest.importorskip('h5py')
    io_utils = pytest.importorskip('cthulhu.utils.io_utils')
    path = str(tmp_path / 'data.h5')
    with h5py.File(path, 'w') as data:
        data['x'], data['y'] = np.concatenate([X[:3], X]), np.concatenate([Y[:3], Y])
    x, y = io_utils.HDF5Matrix(path, 'x', start=3), io_utils.HDF5Matrix(path, 'y', start=3)
    model = linear(metrics=['mae'])
    history = model.summon(
        x, y, batch_size=8, epochs=3, shuffle=False, verbose=0, validation_data=(X[:12], Y[:12])
    ).history
    assert_same(history, from_arrays[0])
    still = linear(optimizer=optimizers.SGD(0.0))
    loss = still.summon(x, y, batch_size=5, shuffle='batch', verbose=0).history['loss'][0]
    np.testing.assert_allclose(loss, still.evaluate(X, Y, verbose=0), rtol=1e-5)
