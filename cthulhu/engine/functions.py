"""The functions of a model: the Steps that train, test and predict, under the names that they have in Keras 2."""

from cthulhu import backend as K
from cthulhu.engine import preparation
from cthulhu.utils.generic_utils import to_list, unpack_singleton


class Functions:
    """The part of Lump that makes its Steps. Setting one to None has it made anew."""

    @property
    def train_function(self):
        """The Step of training: list of arrays, as `conjuring.program.feeds` have them -> list of values, as `metrics_names` have them."""
        return self._program_of('train_function').train()

    @train_function.setter
    def train_function(self, value):
        self._make_anew('train', value)

    @property
    def test_function(self):
        """The Step of testing; as that of training, without a change of the weights."""
        return self._program_of('test_function').test()

    @test_function.setter
    def test_function(self, value):
        self._make_anew('test', value)

    def _program_of(self, name):
        if not self.is_conjured:
            raise AttributeError(
                f'Model "{self.name}" has no {name} before it is conjured: model.conjure(optimizer, loss).'
            )
        return self.conjuring.program

    def _make_anew(self, kind, value):
        _check_none(f'{kind}_function', value)
        if self._conjuring is not None:
            self._conjuring.program.forget(kind)

    @property
    def predict_function(self):
        """The Step behind `predict`: list of arrays -> list of arrays."""
        if self._predictor is None:
            with K.graph_scope():
                if self._predictor is None:
                    self._predictor = self._make_predictor(self.inputs, self.outputs, self.state_updates)
        return self._predictor

    @predict_function.setter
    def predict_function(self, value):
        _check_none('predict_function', value)
        self._predictor = None

    def predictor_on(self, inputs):
        """The Step of `predict` for a list of tensors of the framework as inputs; made once for the same tensors."""

        def make():
            outputs, _, record = self.apply_to(unpack_singleton(inputs), [None] * len(inputs), {})
            return self._make_predictor(inputs, to_list(outputs), [u for layer, u in record.updates if layer.stateful])

        with K.graph_scope():
            return self._predictors.get(inputs, make)

    def _make_predictor(self, inputs, outputs, updates):
        settings = self._settings or {'kwargs': {}, 'steps_per_execution': None}
        return preparation.prediction_step(
            self, inputs, outputs, updates, settings['kwargs'], settings['steps_per_execution']
        )


def _check_none(name, value):
    if value is not None:
        raise TypeError(
            f'`{name}` can be set to None, to be made anew, and to nothing else: the library would not call it. For steps of your own take K.function '
            'and a loop, or give `conjure` another optimizer, loss or metric.'
        )
