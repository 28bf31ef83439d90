"""CthulhuClassifier and CthulhuRegressor: models as estimators of scikit-learn, for its pipelines, searches and cross-validation.

scikit-learn is imported only where it asks for something of its own (its tags, its error), so the wrappers work without it.
"""

import copy
import inspect
import typing

import numpy as np

from cthulhu import backend as K
from cthulhu import names
from cthulhu.callers import warn
from cthulhu.models import Lump, Pile
from cthulhu.utils.arguments import did_you_mean, named_arguments
from cthulhu.utils.generic_utils import has_arg, to_list
from cthulhu.utils.np_utils import to_categorical
from cthulhu.wrappers import tables

__all__ = ['BaseWrapper', 'CthulhuClassifier', 'CthulhuRegressor']


@names.method_aliases
class BaseWrapper:
    """What the classifier and the regressor share. Use one of those.

    Arguments:
        build_fn: function, or object with `__call__`, that returns a new conjured model. Or None in a subclass whose own
            `__call__` does.
        **sk_params: values for arguments of `build_fn`, and of the model's `summon`, `predict` and `evaluate`: what a search may
            vary. A value given to a method of the wrapper counts more. `callbacks` are told of training only.

    Attributes:
        model: the model; each `summon` builds a new one.
        history_: dict, as in the History of the last `summon`.
        n_features_in_: the number of columns of `x`, where it was a table.
        feature_names_in_: their names, where it was a DataFrame that names them by strings.

    Raises:
        ValueError: for a parameter that nothing takes, or where there is neither `build_fn` nor `__call__`.
    """

    _kind = None

    def __init__(self, build_fn=None, **sk_params):
        self.build_fn = build_fn
        self.sk_params = sk_params
        self.check_params(sk_params)

    def __repr__(self):
        return '{}({})'.format(
            type(self).__name__, ', '.join(f'{key}={value!r}' for key, value in sorted(self.get_params().items()))
        )

    # -- parameters --------------------------------------------------------------------------------------

    def _builder(self, build_fn=None):
        build = self.build_fn if build_fn is None else build_fn
        if build is None and callable(self):
            return self.__call__
        if not callable(build) or isinstance(build, Lump):
            raise ValueError(
                f'{type(self).__name__}: `build_fn` must be a function that returns a new conjured model; got {build!r}. '
                '(Or define `__call__` in a subclass.)'
            )
        return build if inspect.isroutine(build) or isinstance(build, type) else build.__call__

    def check_params(self, params):
        """Refuse names that neither `build_fn` nor a method of the model takes.

        Arguments:
            params: dict of parameters.

        Raises:
            ValueError: if there is such a name.
        """
        build = self._builder(params.get('build_fn'))
        takers = [Pile.summon, Pile.predict, Pile.predict_classes, Pile.evaluate, build]
        for name in params:
            if name not in ('build_fn', 'nb_epoch') and not any(has_arg(taker, name) for taker in takers):
                taken = ', '.join(inspect.signature(build).parameters) or 'nothing'
                raise ValueError(
                    f'{type(self).__name__}: {name!r} is a parameter neither of `build_fn` (it takes {taken}) nor of `summon`, `predict` '
                    f'and `evaluate` of the model.{did_you_mean([name], [each for taker in takers for each in named_arguments(taker)])}'
                )

    def get_params(self, **params):
        """The parameters, as a dict.

        Arguments:
            **params: `deep`, which scikit-learn gives: no parameter has parameters of its own, so the dict is the same.
        """
        found = dict(self.sk_params)  # the values themselves: scikit-learn's `clone` looks for them again
        if has_arg(type(self).__init__, 'build_fn'):
            found['build_fn'] = self.build_fn
        return found

    def set_params(self, **params):
        """Change parameters. Returns the wrapper.

        Raises:
            ValueError: for a parameter that nothing takes; then none is changed.
        """
        self.check_params(params)
        self.build_fn = params.pop('build_fn', self.build_fn)
        self.sk_params.update(params)
        return self

    def filter_sk_params(self, fn, override=None):
        """Those of the parameters that a function takes, as a dict.

        Arguments:
            fn: the function.
            override: dict of values that count more, whether it takes them or not.
        """
        found = {name: value for name, value in self.sk_params.items() if has_arg(fn, name)}
        found.update(override or {})
        return found

    def _reading_params(self, fn, override):
        found = self.filter_sk_params(fn, override)
        if 'callbacks' not in override:
            found.pop('callbacks', None)
        return found

    # -- learning ----------------------------------------------------------------------------------------

    def summon(self, x, y, **kwargs):
        """Build a new model and train it.

        Arguments:
            x: table of shape (samples, features), or whatever the model takes.
            y: targets: one a sample, a row a sample, or an array for each output in a list or a dict. The columns of a table go to the
                outputs of a model that has several.
            **kwargs: arguments of the model's `summon`.

        Returns:
            The History.

        Raises:
            ValueError: if the data fit neither each other nor the model.
        """
        x, y = self._begin(x, y)
        self._build()
        outputs = tables.split(y, [shape[-1] for shape in _output_shapes(self.model)], self.model.output_names)
        return self._train(x, outputs, kwargs)

    if typing.TYPE_CHECKING:  # what `names.method_aliases` makes
        fit = summon

    def _begin(self, x, y):
        """Check the data against each other, and note what is to be known of them."""
        for name in ('n_features_in_', 'feature_names_in_'):
            vars(self).pop(name, None)
        samples = tables.checked(x, self)
        vars(self).update(tables.features(x, samples))
        return samples, tables.checked_targets(y, samples, self)

    def _build(self):
        build = self._builder()
        self.model = build(**self.filter_sk_params(build))
        if not getattr(self.model, 'is_conjured', False):
            raise ValueError(
                f'{type(self).__name__}: `build_fn` must return a conjured model; it returned {self.model!r}.'
            )

    def _train(self, x, outputs, kwargs):
        """Train on targets, a list with an array for each output."""
        for index, y in enumerate(outputs):
            if _is_categorical(_loss(self.model, index)) and y.ndim != 2:
                outputs[index] = to_categorical(y, _output_shapes(self.model)[index][-1])
        arguments = copy.deepcopy(self.filter_sk_params(Pile.summon))
        if 'nb_epoch' in self.sk_params:  # as Keras 1 called it
            arguments['epochs'] = self.sk_params['nb_epoch']
        arguments.update(kwargs)
        if arguments.get('sample_weight') is not None and len(outputs) == 1:
            arguments['sample_weight'] = tables.checked_weights(arguments['sample_weight'])
        history = self.model.summon(x, outputs if len(outputs) > 1 else outputs[0], **arguments)
        self.history_ = history.history
        return history

    def _check_fitted(self):
        if not hasattr(self, 'model'):
            raise _not_fitted(f'This {type(self).__name__} is not fitted yet: call `fit(x, y)` (`summon`) first.')

    def _predicted(self, x, kwargs):
        """The list of the model's outputs."""
        self._check_fitted()
        x = tables.checked(x, self, fitting=False)
        return to_list(self.model.predict(x, **kwargs))

    # -- what scikit-learn asks of its estimators ---------------------------------------------------------

    def __sklearn_is_fitted__(self):
        return hasattr(self, 'model')

    def __sklearn_tags__(self):
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        kinds = {
            'classifier_tags': ClassifierTags(poor_score=True) if self._kind == 'classifier' else None,
            'regressor_tags': RegressorTags(poor_score=True) if self._kind == 'regressor' else None,
        }
        return Tags(
            estimator_type=self._kind,
            target_tags=TargetTags(required=True),
            transformer_tags=None,
            input_tags=InputTags(three_d_array=True, sparse=True, allow_nan=True),
            non_deterministic=True,
            **kinds,
        )


@names.method_aliases
class CthulhuClassifier(BaseWrapper):
    """A model as a classifier of scikit-learn. Arguments, and further attributes, are those of `BaseWrapper`.

    Labels may be numbers, strings or what else can be sorted. A table of ones and zeros is one-hot, or, if a row has not just one 1, says
    which of several labels a sample has. A model with several outputs takes a column of labels for each.

    Attributes:
        classes_: array of the labels, in the order of the model's output; a list of arrays for several outputs.
        n_classes_: their number, or list of numbers.

    Example:
        >>> def build(units=8):
        ...     model = Pile([Daoloth(units, activation='relu', input_shape=(2,)), Daoloth(1, activation='sigmoid')])
        ...     model.conjure('adam', 'binary_crossentropy')
        ...     return model
        >>> search = GridSearchCV(CthulhuClassifier(build, epochs=5, verbose=0), {'units': [4, 8], 'batch_size': [16, 32]})
        >>> search.fit(x, ['cat' if row.sum() > 0 else 'dog' for row in x])
    """

    _kind = _estimator_type = 'classifier'

    def summon(self, x, y, sample_weight=None, **kwargs):
        """Build a new model and train it.

        Arguments:
            x: table of shape (samples, features), or whatever the model takes.
            y: labels of shape (samples,); or a table: one-hot, of several labels, or with a column for each of several outputs; or, for
                several outputs, a list of arrays or dict of arrays by output name.
            sample_weight: array with the factor of each sample's loss.
            **kwargs: arguments of the model's `summon`. `class_weight` is a dict, label (or index of the label) -> factor; or 'balanced', for
                the inverse of how often a label occurs.

        Returns:
            The History.

        Raises:
            ValueError: if the data fit neither each other nor the model.
        """
        x, y = self._begin(x, y)
        self._learn_labels(y, several=isinstance(y, (list, dict)))
        self._build()
        if len(self.model.outputs or ()) > 1:
            y = tables.split(y, [1] * len(self.model.outputs), self.model.output_names)
            self._learn_labels(y, several=True)
        outputs = self._codes(y)
        self._check_outputs()
        if sample_weight is not None:
            kwargs['sample_weight'] = sample_weight
        weights = kwargs.get('class_weight', self.sk_params.get('class_weight'))
        if weights is not None and not self._several:
            kwargs['class_weight'] = self._class_weights(weights, outputs[0])
        return self._train(x, outputs, kwargs)

    def _learn_labels(self, y, several):
        self._several = several
        columns = [tables.labels(column) for column in (y.values() if isinstance(y, dict) else y)] if several else []
        self._table = not several and y.ndim == 2 and y.shape[1] > 1
        # Of texts, old NumPy says with a warning that they are not 0.
        self._multilabel = self._table and y.dtype.kind in 'biuf' and bool(np.any(np.sum(y != 0, axis=1) != 1))
        if several:
            self.classes_ = columns
            self.n_classes_ = [len(column) for column in columns]
        else:
            self.classes_ = np.arange(y.shape[1]) if self._table else tables.labels(y)
            self.n_classes_ = len(self.classes_)

    def _codes(self, y):
        """The targets of each output: the place of each label among the classes; a table as it is."""
        if self._table:
            return [y]
        if self._several:
            return [np.searchsorted(classes, np.ravel(column)) for classes, column in zip(self.classes_, y)]
        return [np.searchsorted(self.classes_, np.ravel(y))]

    def _check_outputs(self):
        if not self.model.outputs:  # the data will build it
            return
        counts = self.n_classes_ if self._several else [self.n_classes_]
        for name, shape, count in zip(self.model.output_names, _output_shapes(self.model), counts):
            width = 2 if shape[-1] == 1 and not self._table else shape[-1]
            if width is not None and width < count:
                raise ValueError(
                    f'{type(self).__name__}: the output "{name}" of the model, of shape {shape}, tells {width} classes apart, but `y` has {count}.'
                )

    def _class_weights(self, weights, codes):
        if isinstance(weights, str):
            if weights != 'balanced':
                raise ValueError(f"`class_weight` must be a dict, label -> factor, or 'balanced'; got {weights!r}.")
            codes = codes.argmax(axis=1) if self._table else codes
            counts = np.bincount(codes, minlength=self.n_classes_)
            return {index: len(codes) / (self.n_classes_ * count) for index, count in enumerate(counts) if count}
        places = {label: index for index, label in enumerate(self.classes_.tolist())}
        indices = range(self.n_classes_)
        if all(key in places for key in weights):
            if all(key in indices for key in weights) and any(places[key] != key for key in weights):
                warn(
                    f'`class_weight` {weights!r} is taken to be by label, but could be by index too; the labels are {self.classes_.tolist()}.'
                )
            by_index = {places[key]: value for key, value in weights.items()}
        elif all(key in indices for key in weights):
            by_index = dict(weights)
        else:
            raise ValueError(
                f'`class_weight` has the keys {list(weights)}, but the labels are {self.classes_.tolist()}.'
            )
        return {**dict.fromkeys(indices, 1.0), **by_index}

    def predict(self, x, **kwargs):
        """The label of each sample.

        Arguments:
            x: as for `summon`.
            **kwargs: arguments of the model's `predict`.

        Returns:
            Array of shape (samples,); where `summon` was given several labels a sample, a table of zeros and ones; where it was given labels
            for several outputs, a table with a column for each.
        """
        outputs = self._predicted(x, self._reading_params(Pile.predict_classes, kwargs))
        if self._multilabel:
            return (outputs[0] > 0.5).astype('int32')
        found = [
            classes[np.minimum(_winners(output), len(classes) - 1)]
            for classes, output in zip(self.classes_ if self._several else [self.classes_], outputs)
        ]
        return np.stack(found, axis=1) if self._several else found[0]

    def predict_proba(self, x, **kwargs):
        """The probability of each label for each sample.

        Arguments:
            x: as for `summon`.
            **kwargs: arguments of the model's `predict`.

        Returns:
            Array of shape (samples, labels), two columns too for a model with a single output; a list of arrays for several outputs.
        """
        outputs = self._predicted(x, self._reading_params(Pile.predict_proba, kwargs))
        found = [np.hstack([1 - p, p]) if p.shape[-1] == 1 and not self._table else p for p in outputs]
        if not self._several and self.n_classes_ == 1:
            found = [found[0][:, :1]]
        return found if self._several else found[0]

    def score(self, x, y, **kwargs):
        """The accuracy: the share of samples whose label, or all of whose labels, is predicted right.

        Arguments:
            x, y: as for `summon`.
            **kwargs: `sample_weight`, the weights of an average over the samples; and arguments of the model's `predict`.

        Returns:
            Float from 0 to 1.
        """
        weight = kwargs.pop('sample_weight', None)
        wanted = self._begin_scoring(y)
        right = wanted == self.predict(x, **kwargs)
        right = right.all(axis=1) if right.ndim == 2 else right
        return float(np.average(right, weights=None if weight is None else np.asarray(weight)))

    def _begin_scoring(self, y):
        self._check_fitted()
        if self._several:
            columns = tables.split(tables.plain(y), [1] * len(self.classes_), self.model.output_names)
            return np.stack([np.ravel(column) for column in columns], axis=1)
        y = np.asarray(tables.plain(y))
        if not self._table:
            return np.ravel(y)
        return y if self._multilabel or y.ndim == 1 else self.classes_[y.argmax(axis=1)]


@names.method_aliases
class CthulhuRegressor(BaseWrapper):
    """A model as a regressor of scikit-learn. Arguments and attributes are those of `BaseWrapper`."""

    _kind = _estimator_type = 'regressor'

    def predict(self, x, **kwargs):
        """The predictions.

        Arguments:
            x: as for `summon`.
            **kwargs: arguments of the model's `predict`.

        Returns:
            Array of shape (samples,) for one number a sample; else with the model's output for each; those of several outputs side by side.
        """
        outputs = self._predicted(x, self._reading_params(Pile.predict, kwargs))
        found = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
        return np.squeeze(found, axis=-1) if found.shape[-1] == 1 else found

    def score(self, x, y, **kwargs):
        """Minus the loss: the higher, the better.

        Arguments:
            x, y: as for `summon`.
            **kwargs: arguments of the model's `evaluate`, such as `sample_weight`.

        Returns:
            Float.
        """
        self._check_fitted()
        kwargs = self._reading_params(Pile.evaluate, kwargs)
        x = tables.checked(x, self, fitting=False)
        outputs = tables.split(
            tables.checked_targets(y, x, self), [s[-1] for s in _output_shapes(self.model)], self.model.output_names
        )
        return -float(to_list(self.model.evaluate(x, outputs if len(outputs) > 1 else outputs[0], **kwargs))[0])


def _output_shapes(model):
    """The shape of each output; of a model that is built by its first data nothing is known yet."""
    return [K.int_shape(x) for x in model.outputs] if model.outputs else [(None,)]


def _loss(model, index):
    """What `conjure` was given as the loss of output number `index`."""
    loss = model.loss
    if isinstance(loss, dict):
        return loss.get(model.output_names[index])
    return loss[index] if isinstance(loss, (list, tuple)) else loss


def _is_categorical(loss):
    name = loss if isinstance(loss, str) else getattr(loss, '__name__', getattr(loss, 'name', None))
    return name in ('categorical_crossentropy', 'CategoricalCrossentropy')


def _winners(output):
    """The place of the predicted class for each sample."""
    if output.shape[-1] > 1:
        return output.argmax(axis=-1)
    return (output[..., 0] > 0.5).astype('int32')


def _not_fitted(message):
    """scikit-learn's error, where there is scikit-learn."""
    try:
        from sklearn.exceptions import NotFittedError
    except ImportError:
        return AttributeError(message)
    return NotFittedError(message)


names.add_aliases(globals())
if typing.TYPE_CHECKING:  # what `add_aliases` makes
    KerasClassifier, KerasRegressor = CthulhuClassifier, CthulhuRegressor
