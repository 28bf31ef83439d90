"""What runs in a large graph runs beside it, in a small one with a session of its own; nothing else shows it than the time."""

import contextlib
import threading
import time

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import BatchNormalization, Daoloth, Dropout, SimpleRNN
from cthulhu.models import Pile, load_model

if K.backend() != 'tensorflow':
    pytest.skip('the TensorFlow backend is not the active one', allow_module_level=True)

import tensorflow as tf

from cthulhu.backend.tensorflow import subgraphs, variables

v1 = tf.compat.v1


def whole_graph():
    with K.graph_scope():
        return v1.get_default_graph()


@pytest.fixture
def crowded(fresh, monkeypatch):
    """Something has run, and there is more than is taken up as a whole."""
    monkeypatch.setattr(subgraphs, 'LARGE', 20)
    counter = counted()
    while whole_graph().version <= 20:
        counter(1)
        K.constant(0.0)
    assert graph_of(counter) is whole_graph()


def counted(count=0.0):
    """A function that adds its input to a variable, and returns its new value; its attribute `variable`."""
    by, variable = K.placeholder(()), K.variable(count)
    made = K.function([by], [], updates=[(variable, variable + by)], after_updates=[variable + 0.0])
    made.variable = variable
    return made


def graph_of(function):
    return function._prepared[0][0].graph


def test_what_is_taken_up_does_not_grow(crowded):
    made, sizes = [], []
    for _ in range(30):
        made.append(counted())
        made[-1](1)
        sizes.append(graph_of(made[-1]).version)
        K.set_value(made[-1].variable, 5)
    assert whole_graph().version > 300 and max(sizes) < 60
    assert 5 < len({graph_of(one) for one in made}) < 25  # and no session for each
    assert [float(one(2)[0]) for one in made] == [7] * 30
    assert K.batch_get_value([one.variable for one in made]) == [7] * 30
    assert K.eval(made[0].variable + 1) == 8


def trained(seed):
    layers = [
        SimpleRNN(4, input_shape=(3, 2)),
        BatchNormalization(),
        Dropout(0.4, seed=seed),
        Daoloth(1),
    ]
    model = Pile(layers)
    dice = np.random.RandomState(seed)
    model.set_weights([dice.rand(*w.shape) for w in model.get_weights()])
    model.conjure('adam', 'mse', metrics=['mae'])
    x, y = dice.rand(8, 3, 2), dice.rand(8, 1)
    losses = [model.train_on_batch(x, y) for _ in range(3)]
    found = [np.array(losses), model.predict(x)] + model.get_weights() + model.optimizer.get_weights()
    return model, found


def test_models_give_what_they_give_alone(fresh, monkeypatch):
    K.set_random_step(0)
    alone = trained(1)[1]
    monkeypatch.setattr(subgraphs, 'LARGE', 20)
    for _ in range(3):
        K.set_random_step(0)
        model, found = trained(1)
        assert model.weights[0].op in K.function([], [model.weights[0]]).backend._places
        for one, other in zip(alone, found):
            np.testing.assert_array_equal(one, other)


def test_large_first_values(crowded):
    """What starts from more than a constant of the graph may hold is set beside it too."""
    variable = K.variable(np.arange(2000.0))
    K.set_value(variable, np.ones(2000))
    assert variable.op in counted().backend._places
    assert K.eval(K.sum(variable)) == 2000
    other = K.variable(np.arange(2000.0))
    assert K.eval(K.sum(other)) == 1999000


def test_one_function_of_several(crowded, monkeypatch):
    one, other = counted(), counted()
    one(1)
    monkeypatch.setattr(subgraphs, 'LARGE', 0)
    other(2)
    assert graph_of(one) is not graph_of(other) is not whole_graph()
    total = K.function([], [one.variable + other.variable])
    assert total([]) == [3]
    assert graph_of(total) is graph_of(one)
    other(5)
    assert graph_of(other) is graph_of(one)
    assert total([]) == [8]


def test_one_function_of_what_ran_before(fresh, monkeypatch):
    monkeypatch.setattr(subgraphs, 'LARGE', 0)
    before = counted()
    before(1)
    assert graph_of(before) is whole_graph()  # where nothing ran, nothing is saved by a copy
    after = counted()
    after(2)
    total = K.function([], [before.variable + after.variable])
    assert total([]) == [3]
    assert graph_of(total) is whole_graph() is not graph_of(after)
    assert after(5) == [7]
    assert graph_of(after) is whole_graph()


def test_the_session_has_the_values(crowded):
    one = counted(1.0)
    one(1)
    assert graph_of(one) is not whole_graph()
    session = K.get_session()
    assert session.graph is whole_graph()
    assert session.run(one.variable) == 2
    one(1)
    assert session.run(one.variable) == 3
    other = counted()
    other(1)
    assert graph_of(other) is whole_graph()


def test_a_session_of_the_users_begins_anew(crowded):
    one = counted(1.0)
    one(1)
    with v1.Session(graph=whole_graph()):
        assert one(5) == [6]
    assert one(1) == [3]
    K.set_session(v1.Session(graph=whole_graph()))
    assert one(1) == [2]
    assert K.get_value(one.variable) == 2


def test_initialisation_by_hand_keeps_the_values(crowded):
    one = counted(1.0)
    one(1)
    K.manual_variable_initialization(True)
    try:
        assert one(1) == [3]
    finally:
        K.manual_variable_initialization(False)


def test_what_has_a_state_of_another_kind(crowded):
    one = counted(1.0)
    one(1)
    with K.graph_scope():
        drawn = tf.raw_ops.RandomUniform(shape=[2], dtype=tf.float32, seed=1, seed2=2)
    both = K.function([], [drawn + one.variable])
    assert not np.array_equal(both([])[0], both([])[0])
    assert graph_of(both) is whole_graph()
    assert one(1) == [3]


def test_a_variable_that_starts_from_another(crowded):
    one = counted(1.0)
    one(1)
    with K.graph_scope():
        copy = K.variable(one.variable * 2.0)
    assert K.get_value(counted().variable) == 0  # it starts as soon as anything runs
    one(5)
    assert K.get_value(copy) == 4


def test_what_waits_for_an_update(crowded):
    one = counted(1.0)
    one(1)
    with K.control_dependencies(one.update_operations):
        after = one.variable.read_value() * 10.0
    assert K.function(one.inputs, [after])([1]) == [30]


def test_a_gradient_taken_after_a_run(crowded):
    x, by = K.placeholder(()), K.placeholder(())
    call = tf.function(lambda x, by: tf.cond(x > 0, lambda: x * x * by, lambda: x))
    with K.graph_scope():
        y = call(x, by)
    before = K.function([x, by], [y])
    assert before([2, 3]) == [12]
    assert graph_of(before) is not whole_graph()
    assert K.function([x, by], K.gradients(y, [x]))([2, 4]) == [16]
    assert before([2, 4]) == [16]


def test_steps_in_one_call(crowded):
    by, variable = K.placeholder((2,)), K.variable([0.0, 0.0])
    add = K.function([by], [K.sum(variable)], updates=[(variable, variable + by)])
    several = add.many_steps({}, 3, [(2,)])
    done, (found,) = several([np.arange(6.0).reshape(3, 2)], 3)
    assert done == 3
    np.testing.assert_array_equal(found, [0, 1, 6])
    assert several._prepared[1].graph is not whole_graph()
    np.testing.assert_array_equal(K.get_value(variable), [6, 9])
    K.get_session()
    assert several([np.ones((1, 2))], 1)[1] == [[15]]


def test_no_step_is_lost_when_all_comes_together(crowded):
    one, begun = counted(), threading.Event()

    def work():
        for i in range(3000):
            one(1)
            if i == 100:
                begun.set()

    worker = threading.Thread(target=work)
    worker.start()
    assert begun.wait(60)
    place = one._place
    session = K.get_session()
    is_beside = place is not None
    worker.join()
    assert is_beside and one._place is None
    assert session.run(one.variable) == 3000


def test_values_are_moved_when_no_run_is_under_way(crowded):
    one = counted()
    one(1)
    place = one._place
    assert place.begin()
    worker = threading.Thread(target=K.get_session)
    worker.start()
    worker.join(0.3)
    assert worker.is_alive()
    place.end()
    worker.join(60)
    assert not worker.is_alive() and not place.begin()


@pytest.mark.parametrize('read', [lambda x: K.get_value(x), lambda x: K.eval(x + 0.0)], ids=['get_value', 'eval'])
def test_who_has_begun_reads_where_the_values_are(crowded, monkeypatch, read):
    """Another thread has begun to move them, and waits: whoever went to the session of the whole graph now would wait for that thread."""
    one = counted()
    one(1)
    K.eval(one.variable + 0.0)
    place, found, mover = one._place, [], threading.Thread(target=K.get_session, daemon=True)
    at = subgraphs.Subgraphs._at

    @contextlib.contextmanager
    def at_what_is_moved(self, targets):
        with at(self, targets) as where:
            mover.start()
            while not place.is_gone:
                time.sleep(0.01)
            yield where

    monkeypatch.setattr(subgraphs.Subgraphs, '_at', at_what_is_moved)
    reader = threading.Thread(target=lambda: found.append(float(read(one.variable))), daemon=True)
    reader.start()
    reader.join(60)
    mover.join(60)
    assert found == [1] and not mover.is_alive()
    assert K.get_session().run(one.variable) == 1


def test_a_run_that_was_interrupted_before_it_began_is_not_waited_for(crowded):
    one = counted()
    one(1)
    assert one._place.begin()
    assert K.get_session().run(one.variable) == 1


def test_what_was_refused_and_what_was_cleared_is_let_go(crowded):
    backend, kept = counted().backend, []
    with pytest.raises(KeyError):
        with backend.provisional():
            kept.append(counted())
            kept[0](1)
            raise KeyError
    assert kept[0].variable.op not in backend._places
    sessions = backend._sessions()
    assert len(sessions) == 2
    K.clear_session()
    for session in sessions:
        with pytest.raises(RuntimeError):
            session.run([])


def test_values_that_are_set_after_a_refusal_stay(fresh):
    first = counted()
    first(1)
    with pytest.raises(KeyError):
        with first.backend.provisional():
            counted()(1)
            raise KeyError
    variable = K.variable(0.0)
    K.set_value(variable, 5)
    assert counted()(1) == [1]
    assert K.get_value(variable) == 5


@pytest.fixture(params=['one session', 'small graphs'])
def either(request):
    request.getfixturevalue('crowded' if request.param == 'small graphs' else 'fresh')


@pytest.fixture
def initialised(monkeypatch):
    """The names of the variables that are given their first values, as long as the test runs."""
    names, plain = [], variables.initialise

    def noted(session, those):
        names.extend(x.op.name for x in those)
        plain(session, those)

    monkeypatch.setattr(variables, 'initialise', noted)
    monkeypatch.setattr(subgraphs, 'initialise', noted)
    return names


def test_what_is_loaded_is_not_drawn_before(either, initialised, tmp_path):
    model, _ = trained(3)
    x, path = np.random.RandomState(4).rand(8, 3, 2), str(tmp_path / 'model.h5')
    model.save(path)
    del initialised[:]
    again = load_model(path)
    assert np.array_equal(again.predict(x), model.predict(x))
    loaded = {w.op.name for w in again.weights + again.optimizer.weights}
    for one, other in zip(
        again.get_weights() + again.optimizer.get_weights(), model.get_weights() + model.optimizer.get_weights()
    ):
        assert np.array_equal(one, other)
    again.train_on_batch(x, x[:, 0, :1])
    assert initialised and not loaded.intersection(initialised), 'only what the file has no value of'


@pytest.mark.parametrize('where', ['setter', 'initialise'])
def test_a_value_that_could_not_be_set_leaves_the_first_one(either, monkeypatch, where):
    x, y, other = K.variable([1.0, 2.0]), K.variable([3.0]), K.variable(4.0)

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(variables, where, interrupted)
        patch.setattr(subgraphs, where, interrupted)
        with pytest.raises(KeyboardInterrupt):
            K.batch_set_value([(x, [5, 6]), (y, [7])])
    assert K.get_value(x).tolist() == [1, 2]
    K.batch_set_value([(x, [5, 6]), (y, [7])])
    assert K.get_value(x).tolist() == [5, 6] and K.get_value(y).tolist() == [7] and K.get_value(other) == 4


def test_what_starts_from_another_starts_from_its_first_value(either):
    x = K.variable([1.0, 2.0])
    twice = K.variable(x * 2)
    K.set_value(x, [5, 5])
    assert K.get_value(twice).tolist() == [2, 4] and K.get_value(x).tolist() == [5, 5]


@pytest.mark.parametrize('is_first', [True, False])
def test_a_users_variable_may_start_from_another(either, is_first):
    x = K.variable([1.0, 2.0])
    if not is_first:
        K.set_value(x, [5, 5])
    with whole_graph().as_default():
        twice = v1.Variable(x * 2, use_resource=True)
    if is_first:
        K.set_value(x, [5, 5])
    assert K.get_value(twice).tolist() == ([2, 4] if is_first else [10, 10]) and K.get_value(x).tolist() == [5, 5]


def test_threads_set_first_values(either):
    made, together, seen = [K.variable(np.full(3, -1.0)) for _ in range(40)], threading.Barrier(8), []

    def work(number):
        together.wait()
        for i in range(number, 40, 8):
            seen.append((i + 1, K.get_value(made[(i + 1) % 40]).tolist()))
            K.batch_set_value([(made[i], [i] * 3)])

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [value.tolist() for value in K.batch_get_value(made)] == [[i] * 3 for i in range(40)], (
        'none is initialised after it was set'
    )
    assert len(seen) == 40 and all(value in ([-1] * 3, [i % 40] * 3) for i, value in seen)


def test_a_model_of_which_a_part_is_set(either):
    model = Pile([Daoloth(3, input_shape=(2,)), Daoloth(1)])
    model.layers[0].set_weights([np.ones((2, 3)), np.zeros(3)])
    assert model.predict(np.ones((1, 2))).shape == (1, 1)
    assert np.ptp(model.layers[1].get_weights()[0]) > 0, 'the other one was drawn'
    assert model.layers[0].get_weights()[0].tolist() == [[1] * 3] * 2
