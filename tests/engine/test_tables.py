"""Tables, tensors of other libraries, and whatever can be run through: what `summon`, `evaluate` and `predict` take as data."""

import importlib.util

import numpy as np
import pytest
import scipy.sparse

from cthulhu import backend as K
from cthulhu.layers import Daoloth, Input
from cthulhu.models import Lump, Pile

needs_gradients = pytest.mark.skipif(not K.supports('gradients'), reason='this backend does not train')

_random = np.random.RandomState(2)
X = _random.randint(0, 3, size=(20, 3)).astype('float32')
Y = X.sum(axis=1)


def model(built=True):
    np.random.seed(1)
    made = Pile([Daoloth(1, input_shape=(3,), name='only')] if built else [Daoloth(1, name='only')])
    made.conjure('sgd', 'mse')
    return made


def ways(x, y, **kwargs):
    """What the three methods give for data."""
    made = model()
    found = [np.ravel(made.predict(x)), made.evaluate(x, y, verbose=0, **kwargs)]
    if K.supports('gradients'):
        found.append(made.summon(x, y, verbose=0, shuffle=False, epochs=2, **kwargs).history['loss'])
    return found


def check(x, y, **kwargs):
    for found, wanted in zip(ways(x, y, **kwargs), ways(X, Y, **kwargs)):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


# -- tables ----------------------------------------------------------------------------------------------


def test_pandas():
    pandas = pytest.importorskip('pandas')
    frame = pandas.DataFrame(X, columns=list('abc'))
    check(frame, pandas.Series(Y))
    check(frame, pandas.DataFrame({'y': Y}))
    check(frame.astype({'a': 'int64', 'b': 'float32'}), Y)
    weights = np.linspace(0, 1, 20)
    for found, wanted in zip(ways(frame, Y, sample_weight=pandas.Series(weights)), ways(X, Y, sample_weight=weights)):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_pandas_columns_that_know_missing_values():
    pandas = pytest.importorskip('pandas')
    if tuple(map(int, pandas.__version__.split('.')[:2])) < (1, 1):
        pytest.skip('there are no such columns yet')
    frame = pandas.DataFrame(X, columns=list('abc')).astype({'a': 'Int64', 'b': 'Int64'})
    check(frame, Y)
    frame.loc[3, 'a'] = pandas.NA
    with pytest.raises(ValueError, match='row 3, column 0 there is <NA>.*fill in what is missing'):
        model().predict(frame)
    frame['a'] = 'text'
    with pytest.raises(ValueError, match="columns that are not numbers: 'a' \\(such as 'text'\\)"):
        model().predict(frame)


class Polars:
    """What a DataFrame of polars has, as far as it matters here."""

    def __init__(self, values):
        self.values_ = values
        self.shape = values.shape

    def to_numpy(self):
        return self.values_

    def __getitem__(self, key):
        raise TypeError('columns are taken by name')

    def __iter__(self):
        raise TypeError('these would be the columns')


def test_tables_that_are_not_indexed_by_rows():
    check(Polars(X), Polars(Y))


@pytest.mark.parametrize('form', ['csr', 'csc', 'coo', 'dok', 'lil', 'bsr', 'dia'])
def test_sparse_matrices(form):
    check(getattr(scipy.sparse, form + '_matrix')(X), Y)


def test_a_sparse_matrix_builds_a_model_and_is_no_dict_of_names():
    if not K.supports('sparse'):
        pytest.skip('the backend has no sparse tensors')
    made = model(built=False)
    np.testing.assert_allclose(made.predict(scipy.sparse.dok_matrix(X)), model().predict(X), rtol=1e-5)


# -- what can be run through -------------------------------------------------------------------------------


class Tensor:
    """What a tensor of PyTorch has, as far as it matters here: NumPy gets nothing of it before it is detached and on the CPU."""

    def __init__(self, values, state='learning'):
        self._values, self._state = values, state
        self.shape = values.shape

    def __getitem__(self, key):
        return Tensor(self._values[key], self._state)

    def __len__(self):
        return len(self._values)

    def detach(self):
        return Tensor(self._values, 'elsewhere')

    def cpu(self):
        assert self._state != 'learning'
        return Tensor(self._values, 'here')

    def numpy(self):
        assert self._state == 'here'
        return self._values


class Loader:
    """What a DataLoader of PyTorch has: batches as lists, from the first each time, and a length."""

    collate_fn = None

    def __init__(self, *arrays, size=8):
        self.arrays, self.size, self.runs = arrays, size, 0

    def __len__(self):
        return -(-len(self.arrays[0]) // self.size)

    def __iter__(self):
        self.runs += 1
        for start in range(0, len(self.arrays[0]), self.size):
            yield [Tensor(array[start : start + self.size]) for array in self.arrays]


@pytest.mark.skipif(importlib.util.find_spec('torch') is None, reason='it is installed where it is the backend')
@pytest.mark.filterwarnings('ignore:.*fork')  # which a loader's workers are
@pytest.mark.parametrize('workers', [0, 2])
def test_a_loader_of_torch_beside_any_framework(workers):
    import torch
    from torch.utils import data

    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    weights = torch.linspace(0, 1, 20)

    def loader(*tensors):
        return data.DataLoader(data.TensorDataset(*tensors), batch_size=8, num_workers=workers)

    found, wanted = model(), model()
    np.testing.assert_allclose(found.predict(loader(x)), wanted.predict(X), rtol=1e-5)
    np.testing.assert_allclose(found.predict(loader(x, y)), wanted.predict(X), rtol=1e-5)
    loss = wanted.evaluate(X, Y, sample_weight=weights.numpy(), verbose=0)
    np.testing.assert_allclose(found.evaluate(loader(x, y, weights), verbose=0), loss, rtol=1e-5)
    if K.supports('gradients'):
        losses = found.summon(loader(x, y), validation_data=loader(x, y), epochs=2, verbose=0).history
        wanted = wanted.summon(X, Y, validation_data=(X, Y), batch_size=8, shuffle=False, epochs=2, verbose=0).history
        for name in ('loss', 'val_loss'):
            np.testing.assert_allclose(losses[name], wanted[name], rtol=1e-5)


class Bare:
    """An iterable of batches that tells nothing but them."""

    def __init__(self, once=False):
        self.batches = [(X[start : start + 8], Y[start : start + 8]) for start in range(0, 20, 8)]
        self.once = iter(self.batches) if once else None

    def __iter__(self):
        return iter(self.batches) if self.once is None else self.once


@pytest.mark.parametrize('make', [lambda: Loader(X, Y), Bare], ids=['loader', 'bare'])
def test_iterables_of_batches(make):
    wanted = model()
    found = model()
    np.testing.assert_allclose(found.predict(make()), wanted.predict(X), rtol=1e-5)
    np.testing.assert_allclose(found.evaluate(make(), verbose=0), wanted.evaluate(X, Y, verbose=0), rtol=1e-5)
    if K.supports('gradients'):
        losses = found.summon(make(), validation_data=make(), epochs=3, verbose=0).history
        wanted = wanted.summon(X, Y, validation_data=(X, Y), batch_size=8, shuffle=False, epochs=3, verbose=0).history
        np.testing.assert_allclose(losses['loss'], wanted['loss'], rtol=1e-5)
        np.testing.assert_allclose(losses['val_loss'], wanted['val_loss'], rtol=1e-5)


def test_a_loader_of_inputs_alone_and_of_several_inputs():
    np.testing.assert_allclose(model().predict(Loader(X)), model().predict(X), rtol=1e-5)
    a, b = Input((3,)), Input((3,))
    both = Lump([a, b], [Daoloth(1)(a), Daoloth(2)(b)])

    class Nested(Loader):
        def __iter__(self):
            return ([[x, x], y] for x, y in super().__iter__())

    for found, wanted in zip(both.predict(Nested(X, Y)), both.predict([X, X])):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize('once', [False, True])
def test_a_model_that_is_built_by_the_first_batch_sees_it(once):
    np.testing.assert_allclose(model(built=False).predict(Bare(once)), model().predict(X), rtol=1e-5)
    opened = Loader(X, Y)
    model(built=False).evaluate(opened, verbose=0)
    assert opened.runs == 1


@needs_gradients
def test_what_can_be_run_through_once_ends_the_training():
    with pytest.warns(UserWarning, match='The data ended after 0 of the batches of the epoch'):
        history = model().summon(Bare(once=True), epochs=3, verbose=0)
    assert history.epoch == [0]


@needs_gradients
def test_the_length_of_a_loader_is_known_to_the_bar(capsys):
    model().summon(Loader(X, Y))
    assert '3/3 [=====' in capsys.readouterr().out
    model().summon(Loader(X, Y), steps_per_epoch=2, verbose=0)


def test_what_goes_with_arrays_only():
    with pytest.raises(ValueError, match='`y` cannot be given where the data come batch by batch, from a Loader'):
        model().evaluate(Loader(X, Y), Y)
    with pytest.raises(
        ValueError, match='must be tuples .inputs, targets. or .inputs, targets, sample_weights.; found tuple of 1'
    ):
        model().evaluate(Loader(X), verbose=0)
    with pytest.raises(ValueError, match='must be tuples .inputs, targets.'):
        model().evaluate({1, 2}, verbose=0)


def test_datasets_of_tensorflow_on_any_backend():
    class Dataset:
        def __iter__(self):
            raise AssertionError('this would give eager tensors')

        def as_numpy_iterator(self):
            return iter(Bare().batches)

    np.testing.assert_allclose(model().predict(Dataset()), model().predict(X), rtol=1e-5)


def test_arrays_of_numbers_as_python_objects():
    # What `DataFrame.values` gives for numbers beside other columns.
    check(X.astype(object), Y.astype(object))
    check([[np.float32(value) for value in row] for row in X], Y)
    for wrong in (None, 'a'):
        x = X.astype(object)
        x[-1, 0] = wrong
        with pytest.raises(ValueError, match='"only_input" is an array of Python objects'):
            model().predict(x)
    with pytest.raises(ValueError, match='"only_input" is an array of texts'):
        model().predict(np.full((2, 3), 'a'))
