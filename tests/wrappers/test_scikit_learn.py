"""The wrappers by themselves, with scikit-learn's tools, and by its own checks of estimators."""

import copy
import pickle
import sys

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import optimizers
from cthulhu.callbacks import Callback
from cthulhu.layers import Daoloth, Flatten, Input, concatenate
from cthulhu.models import Lump, Pile
from cthulhu.utils import set_random_seed
from cthulhu.wrappers.scikit_learn import (
    BaseWrapper,
    CthulhuClassifier,
    CthulhuRegressor,
    KerasClassifier,
    KerasRegressor,
)

pytestmark = pytest.mark.skipif(not K.supports('gradients'), reason='the backend does not train')

_random = np.random.RandomState(0)
X = _random.normal(size=(96, 3)).astype('float32')
SIDE = (X.sum(axis=1) > 0).astype(int)  # two classes
THIRDS = np.digitize(X.sum(axis=1), [-0.7, 0.7])  # three


def sigmoid(units=8, learning_rate=0.05):
    set_random_seed(1)
    model = Pile([Daoloth(units, activation='tanh', input_shape=(3,)), Daoloth(1, activation='sigmoid')])
    model.conjure(optimizers.Adam(learning_rate), 'binary_crossentropy', metrics=['accuracy'])
    return model


def softmax(loss='sparse_categorical_crossentropy', classes=3, units=8):
    set_random_seed(1)
    model = Pile([Daoloth(units, activation='tanh', input_shape=(3,)), Daoloth(classes, activation='softmax')])
    model.conjure(optimizers.Adam(0.05), loss)
    return model


def linear(units=1):
    set_random_seed(1)
    model = Pile([Daoloth(units, input_shape=(3,))])
    model.conjure('sgd', 'mse')
    return model


def two_outputs(activation='softmax', widths=(2, 3), loss='sparse_categorical_crossentropy'):
    set_random_seed(1)
    x = Input((3,))
    model = Lump(x, [Daoloth(w, activation=activation, name=n)(x) for w, n in zip(widths, ('a', 'b'))])
    model.conjure(optimizers.Adam(0.05), loss)
    return model


# -- parameters ------------------------------------------------------------------------------------------


class Builder:
    """What builds as an object does, and as a method does."""

    def __call__(self, units):
        return sigmoid(units)

    def make(self, units):
        return sigmoid(units)


class Own(CthulhuClassifier):
    """A subclass that builds."""

    def __call__(self, units):
        return sigmoid(units)


@pytest.mark.parametrize('make', [
    lambda **p: CthulhuClassifier(sigmoid, **p), lambda **p: CthulhuClassifier(Builder(), **p),
    lambda **p: CthulhuClassifier(Builder().make, **p), lambda **p: Own(**p),
], ids=['function', 'object', 'method', 'subclass'])  # fmt: skip
def test_what_builds(make):
    wrapper = make(units=5, epochs=1, verbose=0)
    history = wrapper.fit(X, SIDE)
    assert wrapper.model.count_params() == 3 * 5 + 5 + 5 + 1
    assert wrapper.history_ == history.history and len(history.history['loss']) == 1
    with pytest.raises(ValueError, match="'depth' is a parameter neither of `build_fn` \\(it takes units"):
        make(units=5, depth=2)


def test_the_names():
    assert KerasClassifier is CthulhuClassifier and KerasRegressor is CthulhuRegressor
    assert issubclass(KerasRegressor, BaseWrapper)
    assert repr(CthulhuRegressor(linear, epochs=2)).startswith('CthulhuRegressor(build_fn=<function linear')


def test_parameters():
    class_weight = {0: 1.0, 1: 2.0}
    wrapper = CthulhuClassifier(sigmoid, units=4, class_weight=class_weight, nb_epoch=2)
    assert wrapper.get_params(deep=True)['class_weight'] is class_weight  # scikit-learn's `clone` wants the same one
    assert wrapper.set_params(units=6, batch_size=7) is wrapper
    assert wrapper.filter_sk_params(sigmoid) == {'units': 6}
    assert wrapper.filter_sk_params(Pile.predict, {'steps': 1}) == {'batch_size': 7, 'steps': 1}
    with pytest.raises(ValueError, match="'unit'"):
        wrapper.set_params(units=7, unit=8)
    assert wrapper.get_params()['units'] == 6
    assert wrapper.set_params(build_fn=linear, units=1).get_params()['build_fn'] is linear
    for bad in (None, 3):
        with pytest.raises(ValueError, match='`build_fn` must be a function that returns a new conjured model'):
            CthulhuClassifier(bad)
    with pytest.raises(ValueError, match='`build_fn` must return a conjured model; it returned None'):
        CthulhuRegressor(lambda: None).fit(X, SIDE)


def test_each_fit_builds_anew_and_what_counts_more():
    wrapper = CthulhuClassifier(sigmoid, epochs=3, verbose=0)
    first = wrapper.fit(X, SIDE)
    model = wrapper.model
    second = wrapper.fit(X, SIDE, epochs=1)
    assert wrapper.model is not model
    assert len(first.epoch) == 3 and len(second.epoch) == 1
    np.testing.assert_allclose(first.history['loss'][0], second.history['loss'][0], rtol=1e-5)  # one seed, one start


def test_callbacks_are_told_of_training_only_and_stay_clean():
    class Count(Callback):
        def __init__(self):
            super().__init__()
            self.heard = []

        def on_train_end(self, logs=None):
            self.heard.append('train')

        def on_predict_end(self, logs=None):
            self.heard.append('predict')

    count = Count()
    wrapper = CthulhuRegressor(linear, callbacks=[count], verbose=0)
    wrapper.fit(X, SIDE)
    wrapper.predict(X)
    assert count.heard == [] and count.model is None  # each fit has a copy
    wrapper.fit(X, SIDE, callbacks=[count])
    assert count.heard == ['train']


# -- labels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize('build, y', [
    (sigmoid, SIDE), (sigmoid, SIDE[:, None]), (sigmoid, SIDE.tolist()), (sigmoid, np.array(['no', 'yes'])[SIDE]), (sigmoid, SIDE == 1), (sigmoid, SIDE * 5 - 2),
    (softmax, THIRDS), (softmax, np.array(['x', 'y', 'z'], dtype=object)[THIRDS]), (lambda: softmax('categorical_crossentropy'), THIRDS + 10),
], ids=['numbers', 'column', 'list', 'strings', 'bools', 'negative', 'three', 'objects', 'one-hot'])  # fmt: skip
def test_labels(build, y):
    wrapper = CthulhuClassifier(build, epochs=15, batch_size=8, verbose=0)
    wrapper.fit(X, y)
    flat = np.ravel(np.asarray(y))
    assert wrapper.classes_.tolist() == sorted(set(flat.tolist())) and wrapper.n_classes_ == len(wrapper.classes_)
    predicted, probabilities = wrapper.predict(X), wrapper.predict_proba(X)
    assert predicted.shape == (96,) and probabilities.shape == (96, wrapper.n_classes_)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (wrapper.classes_[probabilities.argmax(axis=1)] == predicted).all()
    assert wrapper.score(X, y) == np.mean(predicted == flat) > 0.85
    weight = np.arange(96)
    np.testing.assert_allclose(
        wrapper.score(X, y, sample_weight=weight), np.average(predicted == flat, weights=weight), rtol=1e-12
    )
    if build is sigmoid:  # the figure that Keras takes, from the model's own metric
        codes = np.searchsorted(wrapper.classes_, flat)
        np.testing.assert_allclose(wrapper.score(X, y), wrapper.model.evaluate(X, codes, verbose=0)[1], rtol=1e-6)


def test_tables_of_labels():
    hot = np.eye(3)[THIRDS]
    wrapper = CthulhuClassifier(softmax, loss='categorical_crossentropy', epochs=15, batch_size=8, verbose=0)
    wrapper.fit(X, hot)
    assert wrapper.classes_.tolist() == [0, 1, 2] and wrapper.predict(X).shape == (96,)
    assert wrapper.score(X, hot) == wrapper.score(X, THIRDS) > 0.85

    many = (X > 0).astype(int)
    wrapper = CthulhuClassifier(
        lambda: two_outputs('sigmoid', (3,), 'binary_crossentropy'), epochs=20, batch_size=8, verbose=0
    )
    wrapper.fit(X, many)
    predicted = wrapper.predict(X)
    assert predicted.shape == (96, 3) and wrapper.predict_proba(X).shape == (96, 3)
    assert (predicted == many).mean() > 0.85
    assert wrapper.score(X, many) == (predicted == many).all(axis=1).mean()


@pytest.mark.parametrize('form', ['table', 'list', 'dict', 'strings'])
def test_several_outputs_of_labels(form):
    y = {
        'table': np.stack([SIDE, THIRDS], axis=1),
        'list': [SIDE[:, None], THIRDS[:, None]],
        'dict': {'b': THIRDS[:, None], 'a': SIDE[:, None]},
        'strings': np.stack([np.array(['l', 'r'])[SIDE], np.array(['x', 'y', 'z'])[THIRDS]], axis=1),
    }[form]
    wrapper = CthulhuClassifier(two_outputs, epochs=1, verbose=0)
    wrapper.fit(X, y)
    assert wrapper.n_classes_ == [2, 3]
    predicted = wrapper.predict(X)
    assert predicted.shape == (96, 2)
    a, b = wrapper.predict_proba(X)
    assert a.shape == (96, 2) and b.shape == (96, 3)
    wanted = np.stack([SIDE, THIRDS], axis=1)
    codes = np.stack([a.argmax(axis=1), b.argmax(axis=1)], axis=1)
    assert wrapper.score(X, y) == (codes == wanted).all(axis=1).mean()
    assert [c.tolist() for c in wrapper.classes_] == (
        [['l', 'r'], ['x', 'y', 'z']] if form == 'strings' else [[0, 1], [0, 1, 2]]
    )


def test_labels_that_cannot_be_learned():
    with pytest.raises(ValueError, match='tells 2 classes apart, but `y` has 3'):
        CthulhuClassifier(sigmoid, verbose=0).fit(X, THIRDS)
    with pytest.raises(ValueError, match='Unknown label type: continuous'):
        CthulhuClassifier(sigmoid, verbose=0).fit(X, X[:, 0])
    with pytest.raises(ValueError, match='inconsistent numbers of samples'):
        CthulhuClassifier(sigmoid, verbose=0).fit(X, SIDE[:-1])
    one = CthulhuClassifier(sigmoid, verbose=0)
    one.fit(X, ['only'] * 96)
    assert set(one.predict(X)) == {'only'} and one.predict_proba(X).shape == (96, 1)
    assert one.score(X, ['other'] * 96) == 0


# -- weights ---------------------------------------------------------------------------------------------


def weights_after(class_weight=None, y=SIDE, build=sigmoid, **kwargs):
    wrapper = CthulhuClassifier(build, verbose=0, class_weight=class_weight, shuffle=False)
    wrapper.fit(X, y, **kwargs)
    return np.concatenate([np.ravel(w) for w in wrapper.model.get_weights()])


def test_class_weights_by_label_by_index_and_balanced():
    by_sample = weights_after(sample_weight=np.where(SIDE, 3.0, 1.0))
    words = np.array(['no', 'yes'])[SIDE]
    for class_weight, y in [({0: 1.0, 1: 3.0}, SIDE), ({'yes': 3.0}, words), ({0: 1.0, 1: 3.0}, words)]:
        np.testing.assert_allclose(weights_after(class_weight, y), by_sample, atol=1e-6)
    assert np.abs(weights_after() - by_sample).max() > 1e-4
    counts = np.bincount(THIRDS)
    balanced = weights_after('balanced', THIRDS, softmax)
    np.testing.assert_allclose(balanced, weights_after(dict(enumerate(96 / (3 * counts))), THIRDS, softmax), atol=1e-6)
    hot = weights_after('balanced', np.eye(3)[THIRDS], lambda: softmax('categorical_crossentropy'))
    np.testing.assert_allclose(balanced, hot, atol=1e-5)


def test_class_weights_that_may_mean_two_things():
    with pytest.warns(UserWarning, match='taken to be by label, but could be by index too'):
        by_label = weights_after({1: 3.0}, SIDE + 1)
    np.testing.assert_allclose(by_label, weights_after({0: 3.0, 1: 1.0}, SIDE), atol=1e-6)
    with pytest.raises(ValueError, match="has the keys \\['maybe'\\], but the labels are \\['no', 'yes'\\]"):
        weights_after({'maybe': 1.0}, np.array(['no', 'yes'])[SIDE])
    with pytest.raises(ValueError, match="or 'balanced'; got 'even'"):
        weights_after('even')
    with pytest.raises(ValueError, match='sample weights are all zero'):
        weights_after(sample_weight=np.zeros(96))


# -- numbers ---------------------------------------------------------------------------------------------


def test_regressor():
    y = X @ np.array([1.0, -2.0, 0.5]) + 1
    wrapper = CthulhuRegressor(linear, epochs=30, batch_size=8, verbose=0)
    wrapper.fit(X, y.tolist())
    predicted = wrapper.predict(X)
    assert predicted.shape == (96,) and np.abs(predicted - y).max() < 0.2
    np.testing.assert_allclose(wrapper.score(X, y), -np.mean((predicted - y) ** 2), rtol=1e-4)
    weight = np.arange(96.0)
    np.testing.assert_allclose(
        wrapper.score(X, y, sample_weight=weight), -np.mean(weight * (predicted - y) ** 2), rtol=1e-4
    )
    both = np.stack([y, -y], axis=1)
    wide = CthulhuRegressor(linear, units=2, epochs=1, verbose=0)
    wide.fit(X, both)
    assert wide.predict(X).shape == (96, 2)


def test_regressor_of_several_outputs():
    y = np.stack([X[:, 0], X[:, 1], -X[:, 1]], axis=1)
    ends = []
    for targets in (y, [y[:, :1], y[:, 1:]], {'b': y[:, 1:], 'a': y[:, :1]}):
        wrapper = CthulhuRegressor(lambda: two_outputs(None, (1, 2), 'mse'), epochs=2, shuffle=False, verbose=0)
        wrapper.fit(X, targets)
        assert wrapper.predict(X).shape == (96, 3)
        ends.append(wrapper.predict(X))
        difference = (wrapper.predict(X) - y) ** 2
        np.testing.assert_allclose(
            wrapper.score(X, targets), -difference[:, 0].mean() - difference[:, 1:].mean(), rtol=1e-4
        )
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-6)
    np.testing.assert_allclose(ends[0], ends[2], atol=1e-6)
    with pytest.raises(ValueError, match='does not go into the 2 outputs of the model'):
        wrapper.fit(X, X[:, 0])


def test_data_that_do_not_fit():
    wrapper = CthulhuRegressor(linear, verbose=0)
    with pytest.raises(AttributeError, match='not fitted yet'):
        wrapper.predict(X)
    wrapper.fit(X, SIDE)
    assert wrapper.n_features_in_ == 3
    with pytest.raises(ValueError, match='X has 2 features, but CthulhuRegressor is expecting 3 features as input'):
        wrapper.predict(X[:, :2])
    with pytest.raises(ValueError, match='Reshape your data'):
        wrapper.predict(X[0])


def test_inputs_that_are_no_tables():
    def images():
        set_random_seed(1)
        model = Pile([Flatten(input_shape=(2, 2, 3)), Daoloth(1)])
        model.conjure('sgd', 'mse')
        return model

    def pairs():
        a, b = Input((1,)), Input((2,))
        model = Lump([a, b], Daoloth(1)(concatenate([a, b])))
        model.conjure('sgd', 'mse')
        return model

    wrapper = CthulhuRegressor(images, verbose=0)
    wrapper.fit(X.reshape(24, 2, 2, 3), SIDE[:24])
    assert wrapper.predict(X.reshape(24, 2, 2, 3)).shape == (24,) and not hasattr(wrapper, 'n_features_in_')
    wrapper = CthulhuRegressor(pairs, verbose=0)
    wrapper.fit([X[:, :1], X[:, 1:]], SIDE)
    assert wrapper.predict([X[:, :1], X[:, 1:]]).shape == (96,)


def test_data_frames():
    pandas = pytest.importorskip('pandas')
    frame = pandas.DataFrame(X, columns=['u', 'v', 'w'])
    wrapper = CthulhuClassifier(sigmoid, verbose=0, epochs=2)
    wrapper.fit(frame, pandas.Series(SIDE).map({0: 'no', 1: 'yes'}))
    assert wrapper.feature_names_in_.tolist() == ['u', 'v', 'w'] and wrapper.classes_.tolist() == ['no', 'yes']
    assert (wrapper.predict(frame) == wrapper.predict(X)).all()
    with pytest.raises(ValueError, match='The feature names should match those that were passed during fit'):
        wrapper.predict(frame[['w', 'v', 'u']])


# -- copies ----------------------------------------------------------------------------------------------


def test_pickles_and_copies():
    wrapper = CthulhuClassifier(sigmoid, units=4, epochs=2, verbose=0)
    wrapper.fit(X, np.array(['no', 'yes'])[SIDE])
    for other in (pickle.loads(pickle.dumps(wrapper)), copy.deepcopy(wrapper)):
        np.testing.assert_allclose(other.predict_proba(X), wrapper.predict_proba(X), rtol=1e-6)
        assert (other.predict(X) == wrapper.predict(X)).all()
        assert other.history_ == wrapper.history_ and other.get_params() == wrapper.get_params()
        assert len(other.fit(X, SIDE).epoch) == 2


def test_it_works_without_scikit_learn(monkeypatch):
    for name in [name for name in sys.modules if name.split('.')[0] == 'sklearn']:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, 'sklearn', None)
    wrapper = CthulhuClassifier(sigmoid, verbose=0)
    with pytest.raises(AttributeError, match='not fitted yet'):
        wrapper.predict(X)
    wrapper.fit(X, SIDE)
    assert 0 <= wrapper.score(X, SIDE) <= 1


# -- scikit-learn's tools ----------------------------------------------------------------------------------


def test_clone():
    base = pytest.importorskip('sklearn.base')
    wrapper = CthulhuClassifier(sigmoid, units=4, class_weight={0: 1.0, 1: 2.0}, callbacks=[Callback()], verbose=0)
    wrapper.fit(X, SIDE)
    other = base.clone(wrapper)
    assert not hasattr(other, 'model') and other.get_params()['units'] == 4
    assert base.is_classifier(wrapper) and base.is_regressor(CthulhuRegressor(linear))


def test_cross_validation_in_a_pipeline():
    pytest.importorskip('sklearn')
    from sklearn.model_selection import cross_val_predict, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler(), CthulhuClassifier(sigmoid, epochs=15, batch_size=8, verbose=0))
    words = np.array(['no', 'yes'])[SIDE]
    scores = cross_val_score(pipeline, X * 100 + 50, words, cv=3)
    assert scores.shape == (3,) and scores.mean() > 0.8
    pipeline.set_params(cthulhuclassifier__epochs=1)
    assert cross_val_predict(pipeline, X, words, cv=2, method='predict_proba').shape == (96, 2)
    regressor = CthulhuRegressor(linear, epochs=2, verbose=0)
    assert (cross_val_score(regressor, X, X[:, 0], cv=2, scoring='neg_mean_squared_error') < 0).all()


def test_a_search_in_two_processes():
    pytest.importorskip('sklearn')
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(
        CthulhuClassifier(sigmoid, epochs=1, verbose=0), {'units': [4], 'epochs': [1, 20]}, cv=2, n_jobs=2
    )
    search.fit(X, SIDE, batch_size=8)
    assert search.best_params_['epochs'] == 20
    results = search.cv_results_
    again = GridSearchCV(CthulhuClassifier(sigmoid, verbose=0), {'units': [4], 'epochs': [20]}, cv=2)
    again.fit(X, SIDE, batch_size=8)
    place = results['params'].index({'units': 4, 'epochs': 20})
    np.testing.assert_allclose(results['mean_test_score'][place], again.cv_results_['mean_test_score'][0], atol=0.05)
    assert search.predict(X).shape == (96,) and pickle.loads(pickle.dumps(search)).score(X, SIDE) == search.score(
        X, SIDE
    )


def test_scoring_comes_after_training():
    with pytest.raises(
        AttributeError, match=r'^This CthulhuClassifier is not fitted yet: call `fit\(x, y\)` \(`summon`\) first\.$'
    ):
        CthulhuClassifier(sigmoid).score(X, SIDE)


def test_a_search_among_optimizers():
    model_selection = pytest.importorskip('sklearn.model_selection')

    def build(optimizer):
        model = Pile([Daoloth(1, input_shape=(3,))])
        model.conjure(optimizer, 'mse')
        return model

    choices = [optimizers.SGD(0.1), optimizers.SGD(0.0)]
    estimator = CthulhuRegressor(build, epochs=5, verbose=0)
    search = model_selection.GridSearchCV(estimator, {'optimizer': choices}, cv=2, error_score='raise')
    search.fit(X, X.sum(axis=1))
    assert search.best_params_['optimizer'].get_config()['learning_rate'] == np.float32(0.1)


def test_a_model_that_the_data_build_needs_no_input_shape():
    def build(units=8):
        model = Pile([Daoloth(units, activation='tanh'), Daoloth(1, activation='sigmoid')])
        model.conjure(optimizers.Adam(0.05), 'binary_crossentropy', metrics=['accuracy'])
        return model

    estimator = CthulhuClassifier(build, epochs=20, verbose=0)
    estimator.fit(X, SIDE)
    assert estimator.model.input_shape == (None, 3)
    assert estimator.score(X, SIDE) > 0.8
    assert set(estimator.predict(X).ravel()) == {0, 1}
