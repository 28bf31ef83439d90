"""Lump: a network that learns. The methods that a user calls; what they do is in `conjuring`, `preparation` and `training_loop`."""

import typing

from cthulhu import names
from cthulhu.callbacks.base import Callback
from cthulhu.callbacks.history import History
from cthulhu.callers import warn_once
from cthulhu.engine import one_batch, preparation, shared, training_loop
from cthulhu.engine.base_layer import Layer
from cthulhu.engine.conjuring import Conjuring, check_settings
from cthulhu.engine.fine_tuning import FineTuning
from cthulhu.engine.functions import Functions
from cthulhu.engine.further_arguments import further_arguments
from cthulhu.engine.generator_doors import GeneratorDoors
from cthulhu.engine.metric_states import MetricStates
from cthulhu.engine.network import Network
from cthulhu.engine.recent import Recent
from cthulhu.optimizers.base import Optimizer
from cthulhu.optimizers.loss_scale import scaled_for
from cthulhu.utils.arguments import checked, named_arguments, unknown_argument
from cthulhu.utils.generic_utils import unpack_singleton
from cthulhu.utils.hints import ClassWeights, Data, Figures, Losses, Metrics, Predictions, Weights


@names.method_aliases
class Lump(Functions, GeneratorDoors, FineTuning, Network):
    """A model: layers connected to a graph, that can be trained, evaluated and asked for predictions.

    Arguments:
        inputs: tensor or list of tensors from `Input`.
        outputs: tensor or list of tensors, computed from the inputs by layers.
        name: string.

    A subclass may instead make layers in `__init__` and define `call(self, inputs)`; it is then built by its first data.

    Example:
        >>> a = Input(shape=(32,))
        >>> b = Daoloth(32)(a)
        >>> model = Lump(inputs=a, outputs=b)
    """

    untracked = (
        '_settings',
        '_conjuring',
        '_predictor',
        '_predictors',
        'callback_model',
        'history',
        'metric_states',
        '_index_readers',
    )

    def __init__(self, *args, **kwargs):
        self._settings = None
        self._conjuring = None
        self._predictor = None
        self._predictors = Recent()
        self.metric_states = MetricStates(self)
        self.optimizer = None
        self.stop_training = False
        self.history = None
        super().__init__(*args, **kwargs)

    # -- conjuring -----------------------------------------------------------------------------------------

    @checked
    def conjure(
        self,
        optimizer: typing.Union[str, Optimizer, typing.Dict[str, typing.Any]],
        loss: Losses = None,
        metrics: Metrics = None,
        loss_weights: Weights = None,
        sample_weight_mode: Losses = None,
        weighted_metrics: Metrics = None,
        target_tensors: Data = None,
        **kwargs: typing.Any,
    ) -> None:
        """Configure the model for training.

        Arguments:
            optimizer: name of an optimizer, or an optimizer.
            loss: name of a loss, function of (targets, predictions), or `Loss`; for several outputs also a list, or a dict by output name. What is
                minimised is the sum over the outputs.
            metrics: list of metrics, such as `['accuracy']`; a dict by output name, of a metric or a list of them; or a list with such an item for each output.
            loss_weights: list of numbers, or dict by output name: the factor of each output's loss in the sum.
            sample_weight_mode: 'temporal' for a weight for each time step (2-D weights), None for one for each sample; or a list or dict of these.
            weighted_metrics: like `metrics`, for metrics that are to be weighted by sample and class weights.
            target_tensors: tensor, list of tensors, or dict by output name: tensors of the framework to use as targets, in place of data fed.
            **kwargs: `steps_per_execution`: int, how many steps on arrays one call of the framework takes, where none of the callbacks has to see each
                batch; 1 for every step by itself. Left out, it is what is found to be faster (see docs/performance.md). `auto_scale_loss`: False leaves the
                optimizer of a model that computes in float16 without a `LossScaleOptimizer` around it. Others are keyword arguments of
                the framework's own function: on TensorFlow those of `Session.run`.

        Raises:
            ValueError: for an optimizer, loss, metric, mode or keyword argument that does not exist or does not fit the model.

        Example:
            >>> model.conjure('adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
        """
        self.optimizer = check_settings(optimizer, loss)
        scales = kwargs.pop('auto_scale_loss', True)
        steps_per_execution, kwargs = further_arguments(kwargs, self.optimizer, named_arguments(Lump.conjure))
        if scales:
            self.optimizer = scaled_for(self.optimizer, self.all_layers())
        self._settings = {
            'optimizer': self.optimizer,
            'loss': loss,
            'metrics': metrics,
            'loss_weights': loss_weights,
            'sample_weight_mode': sample_weight_mode,
            'weighted_metrics': weighted_metrics,
            'target_tensors': target_tensors,
            'steps_per_execution': steps_per_execution,
            'kwargs': kwargs,
        }
        self._conjuring = self._predictor = None  # functions take the framework's arguments when they are made
        self._predictors = Recent()
        if self.outputs is not None:
            self._conjuring = Conjuring(self, self._settings)

    def require_conjured(self):
        """Raise RuntimeError where `conjure` was not called."""
        if self._settings is None:
            raise RuntimeError(
                f'Model "{self.name}" must be conjured before it is trained or evaluated: call `model.conjure(optimizer, loss)` first.'
            )

    @property
    def conjuring(self):
        """The Conjuring, made where the outputs have become known since `conjure`."""
        self.require_conjured()
        if self._conjuring is None:
            self._conjuring = Conjuring(self, self._settings)
        return self._conjuring

    @property
    def settings(self):
        """What `conjure` was told: a dict of its arguments; None where it was not called."""
        return self._settings

    def _set_graph(self, inputs, outputs):
        super()._set_graph(inputs, outputs)
        self._predictors = Recent()
        self._conjuring = self._predictor = self._index_readers = (
            None  # made anew, with the same settings, for the new outputs
        )

    def build_on(self, inputs):
        before = self._conjuring
        super().build_on(inputs)
        self._predictors = Recent()
        self._predictor = self._conjuring = None
        if before is not None:
            self._conjuring = Conjuring(self, self._settings, before)

    @property
    def is_conjured(self):
        """Whether `conjure` was called."""
        return self._settings is not None

    @property
    def metrics(self):
        """All metrics: those of `conjure` and those that layers report."""
        if self._settings is None or (self._conjuring is None and self.outputs is None):
            return super().metrics
        found = self.conjuring.metrics
        return found + [m for m in super().metrics if not any(m is known for known in found)]

    @property
    def metrics_names(self) -> typing.List[str]:
        """The labels of the numbers that `evaluate` and `train_on_batch` return: 'loss', the losses of several outputs, the metrics."""
        return list(self.conjuring.metrics_names)

    @property
    def stateful_metric_names(self):
        """The labels of what is accumulated over the batches: all but the loss."""
        return self.metrics_names[1:]

    @property
    def loss(self):
        """The `loss` that `conjure` was given."""
        return self._settings and self._settings['loss']

    @property
    def loss_weights(self):
        """The `loss_weights` that `conjure` was given."""
        return self._settings and self._settings['loss_weights']

    @property
    def sample_weight_mode(self):
        """The `sample_weight_mode` that `conjure` was given."""
        return self._settings and self._settings['sample_weight_mode']

    @property
    def total_loss(self):
        """The tensor that training minimises."""
        return self.conjuring.program.total_loss

    @property
    def targets(self):
        """The tensor that each output is compared with."""
        return [spec.target for spec in self.conjuring.specs]

    @property
    def sample_weights(self):
        """The tensor of sample weights of each output."""
        return [spec.sample_weight for spec in self.conjuring.specs]

    def probe(self, name, tensors, with_targets=False):
        """A Step that computes tensors of the model from its inputs, in the test phase.

        Arguments:
            name: string, for messages.
            tensors: list of tensors.
            with_targets: whether it is fed what training is fed, targets and weights too; for tensors that depend on the loss.
        """
        return preparation.probe(self, name, tensors, with_targets)

    def input_arrays(self, data, what='input'):
        """The list of arrays for the inputs that are fed, in their order, from what `predict` takes; `what` names the data in messages."""
        return preparation.input_arrays(self, data, what)

    def batch_arrays(self, x, y, sample_weight=None, class_weight=None):
        """A list of (Feed, array) with what a step of training is fed for one batch; arguments as for `train_on_batch`."""
        program, arrays = preparation.on_batch(self, x, y, sample_weight, class_weight)
        return list(zip(program.feeds, program.test().with_ones(arrays)))

    def reset_metrics(self):
        """Set all metrics back to their start, as at the begin of an epoch: what training, testing and single batches have come to is forgotten."""
        self.metric_states.forget()

    # -- learning --------------------------------------------------------------------------------------------

    @checked
    def summon(
        self,
        x: Data = None,
        y: Data = None,
        batch_size: typing.Optional[int] = None,
        epochs: int = 1,
        verbose: typing.Union[int, str] = 1,
        callbacks: typing.Optional[typing.Iterable[Callback]] = None,
        validation_split: float = 0.0,
        validation_data: Data = None,
        shuffle: typing.Union[bool, str] = True,
        class_weight: ClassWeights = None,
        sample_weight: Data = None,
        initial_epoch: int = 0,
        steps_per_epoch: typing.Optional[int] = None,
        validation_steps: typing.Optional[int] = None,
        validation_freq: typing.Union[int, typing.Iterable[int]] = 1,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        **kwargs: typing.Any,
    ) -> History:
        """Train the model for a number of epochs.

        Arguments:
            x: array, list of arrays, dict of arrays by input name, DataFrame, sparse matrix or HDF5 dataset; or what gives batches with their targets: a
                generator, a `Sequence`, a dataset, a DataLoader, any iterable; or tensors of the framework; or None for a model whose inputs are such.
            y: the targets, likewise.
            batch_size: samples a step; 32 if left out.
            epochs: number of the epoch to stop before; with `initial_epoch`, not how many are run.
            verbose: 0 silent, 1 progress bar, 2 one line an epoch; 'curves' for curves in a notebook that grow with each epoch, elsewhere a bar.
            callbacks: list of `Callback`.
            validation_split: share of the data, taken from its end before shuffling, on which the model is evaluated and not trained.
            validation_data: `(x, y)` or `(x, y, sample_weights)` to evaluate on instead.
            shuffle: whether to take the samples in a new order each epoch; 'batch' keeps the samples of a batch together (for HDF5). No effect
                with `steps_per_epoch`.
            class_weight: dict, class index -> factor of the loss of its samples.
            sample_weight: array with the factor of each sample's loss; (samples, steps) with `sample_weight_mode='temporal'`.
            initial_epoch: number of the epoch to start with.
            steps_per_epoch: batches an epoch; going on through the data from epoch to epoch.
            validation_steps: batches of validation data, from the first.
            validation_freq: every how many epochs to validate, or a list of the epochs, from 1.
            max_queue_size, workers, use_multiprocessing: for generators.

        Returns:
            The History: `history.history` is a dict with a list for the loss and each metric, one value an epoch.

        Raises:
            RuntimeError: if the model was not conjured.
            ValueError: if the data do not fit the model.
        """
        if kwargs:
            raise unknown_argument('summon', kwargs, named_arguments(Lump.summon))
        streaming = _streaming(workers, use_multiprocessing, max_queue_size)
        split = validation_split if validation_data is None else None
        program, adapter, held_out, batch_size = preparation.training(
            self, x, y, sample_weight, class_weight, batch_size, split, shuffle, steps_per_epoch, streaming
        )
        self._check_before_training()
        validation, conjuring = None, self.conjuring
        if validation_data is not None:
            measured, its_adapter = preparation.validation(
                self, validation_data, batch_size, validation_steps, streaming
            )
            if self.conjuring is not conjuring:  # it was built anew for data of another length
                adapter.close()
                program, adapter, held_out, batch_size = preparation.training(
                    self, x, y, sample_weight, class_weight, batch_size, split, shuffle, steps_per_epoch, streaming
                )
            validation = training_loop.Validation(measured.test(), its_adapter, validation_freq)
        elif held_out is not None:
            its_adapter = preparation.held_out(self, program, held_out, batch_size, validation_steps)
            validation = training_loop.Validation(program.test(), its_adapter, validation_freq)
        return training_loop.train(
            self, program.train(), adapter, self.metrics_names, epochs, initial_epoch, verbose, callbacks, validation
        )

    @checked
    def evaluate(
        self,
        x: Data = None,
        y: Data = None,
        batch_size: typing.Optional[int] = None,
        verbose: typing.Union[int, str] = 1,
        sample_weight: Data = None,
        steps: typing.Optional[int] = None,
        callbacks: typing.Optional[typing.Iterable[Callback]] = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        return_dict: bool = False,
    ) -> Figures:
        """Measure the loss and the metrics, batch by batch.

        Arguments:
            x, y, batch_size, sample_weight, callbacks: as for `summon`.
            verbose: 0 silent, 1 progress bar.
            steps: number of batches after which to stop; all of the data if left out.
            max_queue_size, workers, use_multiprocessing: for generators.
            return_dict: whether to return a dict by those names instead.

        Returns:
            The loss, or, with several outputs or with metrics, a list of numbers in the order of `metrics_names`.

        Raises:
            RuntimeError: if the model was not conjured.
            ValueError: if the data do not fit the model.
        """
        streaming = _streaming(workers, use_multiprocessing, max_queue_size)
        program, adapter = preparation.evaluation(self, x, y, sample_weight, batch_size, steps, streaming)
        labels = self.metrics_names
        if one_batch.is_alone(adapter, callbacks, verbose):
            return _values(labels, one_batch.evaluate(self, program.test(), adapter), return_dict)
        told = self._told(callbacks, verbose, adapter, labels)
        try:
            return _values(labels, training_loop.evaluate(self, program.test(), adapter, labels, told), return_dict)
        finally:
            training_loop.finish(told, adapter)

    @checked
    def predict(
        self,
        x: Data,
        batch_size: typing.Optional[int] = None,
        verbose: typing.Union[int, str] = 0,
        steps: typing.Optional[int] = None,
        callbacks: typing.Optional[typing.Iterable[Callback]] = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Predictions:
        """Compute the outputs for data, batch by batch.

        Arguments:
            x: as for `summon`.
            batch_size: samples a batch; 32 if left out.
            verbose: 0 silent, 1 progress bar.
            steps: number of batches after which to stop; all of the data if left out.
            callbacks: list of `Callback`.
            max_queue_size, workers, use_multiprocessing: for generators.

        Returns:
            NumPy array, or a list of them for several outputs.

        Raises:
            ValueError: if the data do not fit the model, or a stateful model gets a number of samples that is not a multiple of the batch size.
        """
        streaming = _streaming(workers, use_multiprocessing, max_queue_size)
        step, adapter = preparation.prediction(self, x, batch_size, steps, streaming)
        if one_batch.is_alone(adapter, callbacks, verbose):
            return one_batch.predict(step, adapter)
        told = self._told(callbacks, verbose, adapter, None)
        try:
            return training_loop.predict(step, adapter, told)
        finally:
            training_loop.finish(told, adapter)

    @checked
    def train_on_batch(
        self,
        x: Data,
        y: Data,
        sample_weight: Data = None,
        class_weight: ClassWeights = None,
        reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Figures:
        """Make one step of training on one batch.

        Arguments:
            x, y, sample_weight, class_weight: as for `summon`.
            reset_metrics: whether the metrics are those of this batch alone (True), or accumulated since they were last reset.
            return_dict: whether to return a dict by the names of `metrics_names`.

        Returns:
            The loss, or, with several outputs or with metrics, a list of numbers in the order of `metrics_names`.
        """
        program, arrays = preparation.on_batch(self, x, y, sample_weight, class_weight)
        self._check_before_training()
        return self._one_batch('train', program.train(), arrays, reset_metrics, return_dict)

    @checked
    def test_on_batch(
        self, x: Data, y: Data, sample_weight: Data = None, reset_metrics: bool = True, return_dict: bool = False
    ) -> Figures:
        """Measure the loss and the metrics on one batch. Arguments and result as those of `train_on_batch`."""
        program, arrays = preparation.on_batch(self, x, y, sample_weight)
        return self._one_batch('test', program.test(), arrays, reset_metrics, return_dict)

    def _one_batch(self, use, step, arrays, reset_metrics, return_dict):
        if not all([a is None or a.shape[0] for a in arrays]):
            raise ValueError(
                'There is nothing to measure or to learn from in this batch: it has no samples. Leave it out.'
            )
        self.metric_states.go_on(use)
        values = step(arrays)
        if reset_metrics:
            self.metric_states.begin(use)
        return _values(self.metrics_names, values, return_dict) if return_dict else unpack_singleton(values)

    def predict_on_batch(self, x: Data) -> Predictions:
        """Compute the outputs for one batch: a NumPy array, or a list of them for several outputs."""
        step, arrays = preparation.prediction_on_batch(self, x)
        return unpack_singleton(step(arrays))

    def _told(self, callbacks, verbose, adapter, labels):
        if shared.is_shared():
            shared.begin(self, 'predict' if labels is None else 'evaluate', shared.facts_of(adapter))
        params = training_loop.run_params(adapter, **({} if labels is None else {'metrics': labels}))
        return training_loop.callback_list(self, callbacks, verbose, params)

    def _check_before_training(self):
        """Warn, once, where training will not change what it might be thought to change."""
        conjuring = self.conjuring
        if not conjuring.trained_weights:
            warn_once(
                self,
                'nothing to train',
                f'Model "{self.name}" has nothing to train: it has no weights, or all of its layers are frozen (`trainable = False`). Its loss is '
                'measured, and nothing is learnt.',
            )
        before, conjuring.trainable_as_of = conjuring.trainable_as_of, Layer.last_change_of_trainable
        if before is conjuring.trainable_as_of or not any(layer.trainable_changed for layer in self.all_layers()):
            return
        if [id(w) for w in self.trainable_weights] != [id(w) for w in conjuring.trained_weights]:
            warn_once(
                self,
                'trainable',
                f'Model "{self.name}": `trainable` of a layer was changed after the model was conjured. It goes on training the weights that were trainable '
                'then; call `conjure` again for the change to count.',
            )

    if typing.TYPE_CHECKING:  # what `names.method_aliases` makes
        compile = conjure
        fit = summon


def _values(names, values, return_dict):
    return dict(zip(names, values)) if return_dict else unpack_singleton(values)


def _streaming(workers, use_multiprocessing, max_queue_size):
    return {'workers': workers, 'use_multiprocessing': use_multiprocessing, 'max_queue_size': max_queue_size}
