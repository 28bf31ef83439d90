"""scikit-learn's own checks of an estimator. What a wrapper in Keras's style does otherwise is listed here, and in docs/scikit_learn.md, with why."""

import pytest

from cthulhu import backend as K
from cthulhu.layers import Daoloth
from cthulhu.models import Pile
from cthulhu.utils import set_random_seed
from cthulhu.wrappers.scikit_learn import CthulhuClassifier, CthulhuRegressor

sklearn = pytest.importorskip('sklearn')

if tuple(map(int, sklearn.__version__.split('.')[:2])) < (1, 8):
    pytest.skip('scikit-learn holds expected failures to fail since 1.8', allow_module_level=True)
if K.backend() != 'tensorflow':
    pytest.skip('the checks train some two hundred models, and are of the wrapper alone', allow_module_level=True)

from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

WHY = {
    'check_no_attributes_set_in_init': 'parameters of any name are kept in one attribute, `sk_params`',
    'check_dont_overwrite_parameters': 'the fitted model is `model`, as in Keras, and not `model_`',
    'check_estimators_fit_returns_self': '`fit` returns the History, as in Keras',
    'check_readonly_memmap_input': 'the check asks that `fit` returns the estimator; read-only data are taken',
    'check_do_not_raise_errors_in_init_or_set_params': 'a parameter that nothing takes is refused when it is given, as in Keras',
    'check_supervised_y_2d': 'targets of shape (samples, 1) are what a model has, and no reason to warn',
}
OF_CLASSIFIERS = {
    'check_sample_weight_equivalence_on_dense_data': 'a sample of weight 2 is in one batch, two samples are in two places of the order',
    'check_sample_weight_equivalence_on_sparse_data': 'as for dense data',
}


def why(estimator):
    """The checks that this estimator does not pass."""
    return dict(WHY, **OF_CLASSIFIERS) if isinstance(estimator, CthulhuClassifier) else WHY


class Classifier(CthulhuClassifier):
    """Builds for whatever data a check has."""

    def __call__(self, units=4):
        set_random_seed(0)
        two = self.n_classes_ <= 2
        model = Pile([
            Daoloth(units, activation='relu', input_shape=(self.n_features_in_,)),
            Daoloth(1 if two else self.n_classes_, activation='sigmoid' if two else 'softmax'),
        ])  # fmt: skip
        model.conjure('adam', 'binary_crossentropy' if two else 'sparse_categorical_crossentropy')
        return model


class Regressor(CthulhuRegressor):
    """Builds for whatever data a check has."""

    def __call__(self, units=4):
        set_random_seed(0)
        model = Pile([Daoloth(units, activation='relu', input_shape=(self.n_features_in_,)), Daoloth(1)])
        model.conjure('adam', 'mse')
        return model


@parametrize_with_checks(
    [Classifier(epochs=1, verbose=0), Regressor(epochs=1, verbose=0)], expected_failed_checks=why, xfail_strict=True
)
def test_check(estimator, check):
    check(estimator)
