"""Lump: a network that learns. The methods that a user calls; what they do is in `conjuring`, `adapters` and `training_loop`."""

import threading

import numpy as np

from cthulhu import backend as K
from cthulhu import names
from cthulhu.engine import adapters, stream_adapters, training_loop
from cthulhu.engine.base_layer import warn_once
from cthulhu.engine.conjuring import Conjuring, check_settings
from cthulhu.engine.network import Network
from cthulhu.engine.node import mask_of as _mask
from cthulhu.engine.preparation import Preparation
from cthulhu.utils.generic_utils import unpack_singleton


@names.method_aliases
class Lump(Preparation, Network):
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

    def __init__(self, *args, **kwargs):
        self._settings = None
        self._conjuring = None
        self._predictor = None
        self._native_predictors = []
        self._lock = threading.RLock()
        self.optimizer = None
        self.stop_training = False
        self.history = None
        super().__init__(*args, **kwargs)

    # -- conjuring -----------------------------------------------------------------------------------------

    def conjure(
        self,
        optimizer,
        loss=None,
        metrics=None,
        loss_weights=None,
        sample_weight_mode=None,
        weighted_metrics=None,
        target_tensors=None,
        **kwargs,
    ):
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
            **kwargs: keyword arguments of the framework's own function: on TensorFlow those of `Session.run`.

        Raises:
            ValueError: for an optimizer, loss, metric, mode or keyword argument that does not exist or does not fit the model.

        Example:
            >>> model.conjure('adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
        """
        self.optimizer = check_settings(optimizer, loss)
        if kwargs:
            K.function(
                [], [], **kwargs
            )  # refuses names that the framework does not know, now and not at the first step
        self._settings = {
            'optimizer': self.optimizer,
            'loss': loss,
            'metrics': metrics,
            'loss_weights': loss_weights,
            'sample_weight_mode': sample_weight_mode,
            'weighted_metrics': weighted_metrics,
            'target_tensors': target_tensors,
            'kwargs': kwargs,
        }
        self._conjuring = self._predictor = None  # functions take the framework's arguments when they are made
        self._native_predictors = []
        if self.outputs is not None:
            self._conjuring = Conjuring(self, self._settings)

    def _conjured(self):
        """The Conjuring, made where the outputs have become known since `conjure`."""
        if self._settings is None:
            raise RuntimeError(
                f'Model "{self.name}" must be conjured before it is trained or evaluated: call `model.conjure(optimizer, loss)` first.'
            )
        if self._conjuring is None:
            self._conjuring = Conjuring(self, self._settings)
        return self._conjuring

    def _set_graph(self, inputs, outputs):
        super()._set_graph(inputs, outputs)
        self._native_predictors = []
        self._conjuring = self._predictor = None  # made anew, with the same settings, for the new outputs

    def _output_masks(self):
        return [_mask(x) for x in self.outputs]

    @property
    def is_conjured(self):
        """Whether `conjure` was called."""
        return self._settings is not None

    @property
    def metrics(self):
        """All metrics: those of `conjure` and those that layers report."""
        if self._settings is None or (self._conjuring is None and self.outputs is None):
            return super().metrics
        found = self._conjured().metrics
        return found + [m for m in super().metrics if not any(m is known for known in found)]

    @property
    def metrics_names(self):
        """The labels of the numbers that `evaluate` and `train_on_batch` return: 'loss', the losses of several outputs, the metrics."""
        conjuring = self._conjured()
        return conjuring.metrics_names + [metric.name for metric in conjuring.added_metrics]

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
        return self._conjured().program.total_loss

    @property
    def targets(self):
        """The tensor that each output is compared with."""
        return [spec.target for spec in self._conjured().specs]

    @property
    def sample_weights(self):
        """The tensor of sample weights of each output."""
        return [spec.sample_weight for spec in self._conjured().specs]

    def reset_metrics(self):
        """Set all metrics back to their start, as at the begin of an epoch."""
        states = []
        for metric in self.metrics:
            if 'reset_states' in type(metric).__dict__ or not metric.weights:
                metric.reset_states()
            else:
                states.extend(metric.weights)
        if states:
            K.batch_set_value([(state, np.zeros(K.int_shape(state), dtype=K.dtype(state))) for state in states])

    # -- learning --------------------------------------------------------------------------------------------

    def summon(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose=1,
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_freq=1,
        max_queue_size=10,
        workers=1,
        use_multiprocessing=False,
        **kwargs,
    ):
        """Train the model for a number of epochs.

        Arguments:
            x: array, list of arrays, dict of arrays by input name, a DataFrame or HDF5 dataset; or tensors of the framework; or None for a model whose
                inputs are tensors of the framework.
            y: the targets, likewise.
            batch_size: samples a step; 32 if left out.
            epochs: number of the epoch to stop before; with `initial_epoch`, not how many are run.
            verbose: 0 silent, 1 progress bar, 2 one line an epoch.
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
        epochs = kwargs.pop('nb_epoch', epochs)  # as Keras 1 called it
        if kwargs:
            raise TypeError('summon got arguments that it does not know: {}.'.format(', '.join(sorted(kwargs))))
        if initial_epoch < 0 or epochs < 0:
            raise ValueError(
                f'`epochs` and `initial_epoch` must not be negative; got {epochs!r} and {initial_epoch!r}.'
            )
        streaming = {'workers': workers, 'use_multiprocessing': use_multiprocessing, 'max_queue_size': max_queue_size}
        conjuring = None
        held_out = None
        if stream_adapters.is_stream(x):
            _refuse_with_stream(
                x, y=y, batch_size=batch_size, sample_weight=sample_weight, validation_split=validation_split or None
            )
            program, adapter = self._streamed(
                x, class_weight, steps_per_epoch, 'steps_per_epoch', shuffle, streaming, cycle=True
            )
            conjuring = self._conjured()
        else:
            program, arrays, batch_size = self._prepare(x, y, sample_weight, class_weight, batch_size)
            conjuring = self._conjured()
            if validation_data is None and validation_split:
                if not any(a is not None for a in arrays):
                    raise ValueError(
                        '`validation_split` needs arrays to split; with tensors of the framework as data give `validation_data`.'
                    )
                arrays, held_out = adapters.split(arrays, validation_split)
                self._check_batches(arrays, batch_size)
            adapter = self._adapter(program, arrays, batch_size, shuffle, steps_per_epoch, cycle=True)
        self._warn_of_changed_trainable(conjuring)
        validation = self._validation(
            validation_data, held_out, program, batch_size, validation_steps, validation_freq, streaming
        )
        return training_loop.train(
            self, program.train(), adapter, self.metrics_names, epochs, initial_epoch, verbose, callbacks, validation
        )

    def _validation(self, data, held_out, program, batch_size, steps, frequency, streaming):
        if data is None and held_out is None:
            return None
        if stream_adapters.is_stream(data):
            program, adapter = self._streamed(data, None, steps, 'validation_steps', False, streaming)
            return training_loop.Validation(program.test(), adapter, frequency)
        if data is not None:
            if not isinstance(data, (list, tuple)) or len(data) not in (2, 3):
                raise ValueError(
                    '`validation_data` must be a tuple (x, y) or (x, y, sample_weights), a generator, a Sequence or a dataset; got %s.'
                    % (f'{len(data)} items' if isinstance(data, (list, tuple)) else type(data).__name__)
                )
            if adapters.is_native(data[0]):
                batch_size = None  # they come in batches of their own
            program, held_out, batch_size = self._prepare(
                data[0], data[1], data[2] if len(data) == 3 else None, None, batch_size
            )
        adapter = self._adapter(program, held_out, batch_size, False, steps)
        return training_loop.Validation(program.test(), adapter, frequency, arrays=held_out)

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose=1,
        sample_weight=None,
        steps=None,
        callbacks=None,
        max_queue_size=10,
        workers=1,
        use_multiprocessing=False,
    ):
        """Measure the loss and the metrics, batch by batch.

        Arguments:
            x, y, batch_size, sample_weight, callbacks: as for `summon`.
            verbose: 0 silent, 1 progress bar.
            steps: number of batches after which to stop; all of the data if left out.
            max_queue_size, workers, use_multiprocessing: for generators.

        Returns:
            The loss, or, with several outputs or with metrics, a list of numbers in the order of `metrics_names`.

        Raises:
            RuntimeError: if the model was not conjured.
            ValueError: if the data do not fit the model.
        """
        if stream_adapters.is_stream(x):
            _refuse_with_stream(x, y=y, batch_size=batch_size, sample_weight=sample_weight)
            streaming = {
                'workers': workers,
                'use_multiprocessing': use_multiprocessing,
                'max_queue_size': max_queue_size,
            }
            program, adapter = self._streamed(x, None, steps, 'steps', False, streaming)
        else:
            program, arrays, batch_size = self._prepare(x, y, sample_weight, None, batch_size)
            adapter = self._adapter(program, arrays, batch_size, False, steps)
        labels = self.metrics_names
        told = self._told(callbacks, verbose, adapter, labels)
        try:
            return unpack_singleton(training_loop.evaluate(self, program.test(), adapter, labels, told))
        finally:
            training_loop.finish(told, adapter)

    def predict(
        self,
        x,
        batch_size=None,
        verbose=0,
        steps=None,
        callbacks=None,
        max_queue_size=10,
        workers=1,
        use_multiprocessing=False,
    ):
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
        if stream_adapters.is_stream(x):
            _refuse_with_stream(x, batch_size=batch_size)
            x = self._build_for_stream(x, lambda item: stream_adapters.inputs_of(item))
            function = self.predict_function
            adapter = stream_adapters.stream_adapter(
                x, self._convert_inputs, steps, 'steps', workers, use_multiprocessing, max_queue_size
            )
        else:
            function, arrays, batch_size = self._prepare_prediction(x, batch_size)
            adapter = self._adapter(None, arrays, batch_size, False, steps)
        told = self._told(callbacks, verbose, adapter, [])
        try:
            return training_loop.predict(function, adapter, told)
        finally:
            training_loop.finish(told, adapter)

    def train_on_batch(self, x, y, sample_weight=None, class_weight=None, reset_metrics=True):
        """Make one step of training on one batch.

        Arguments:
            x, y, sample_weight, class_weight: as for `summon`.
            reset_metrics: whether the metrics are those of this batch alone (True), or accumulated since they were last reset.

        Returns:
            The loss, or, with several outputs or with metrics, a list of numbers in the order of `metrics_names`.
        """
        program, arrays, _ = self._prepare(x, y, sample_weight, class_weight)
        self._warn_of_changed_trainable(self._conjured())
        return self._one_batch(program, program.train(), arrays, reset_metrics)

    def test_on_batch(self, x, y, sample_weight=None, reset_metrics=True):
        """Measure the loss and the metrics on one batch. Arguments and result as those of `train_on_batch`."""
        program, arrays, _ = self._prepare(x, y, sample_weight)
        return self._one_batch(program, program.test(), arrays, reset_metrics)

    def _one_batch(self, program, step, arrays, reset_metrics):
        values = step(self._filled(program, arrays))
        if reset_metrics:
            self.reset_metrics()
        return unpack_singleton(values)

    def predict_on_batch(self, x):
        """Compute the outputs for one batch: a NumPy array, or a list of them for several outputs."""
        function, arrays, _ = self._prepare_prediction(x)
        return unpack_singleton(function(arrays))

    def summon_generator(
        self,
        generator,
        steps_per_epoch=None,
        epochs=1,
        verbose=1,
        callbacks=None,
        validation_data=None,
        validation_steps=None,
        validation_freq=1,
        class_weight=None,
        max_queue_size=10,
        workers=1,
        use_multiprocessing=False,
        shuffle=True,
        initial_epoch=0,
    ):
        """Train on data that come batch by batch: `summon` with a generator or a `Sequence` as its data.

        Arguments:
            generator: generator or Sequence (or dataset) of batches `(inputs, targets)` or `(inputs, targets, sample_weights)`, of any sizes. A
                generator goes on for ever.
            steps_per_epoch: number of batches an epoch; may be left out for a Sequence, whose length it is then.
            max_queue_size: how many batches are computed ahead at most.
            workers: how many threads or processes compute them; 0 computes them between the steps.
            use_multiprocessing: whether processes do it instead of threads. What they send back must be picklable.
            shuffle: whether the batches of a Sequence are taken in a new order each epoch. No effect with `steps_per_epoch`.
            epochs, verbose, callbacks, validation_data, validation_steps, validation_freq, class_weight, initial_epoch: as for `summon`.

        Returns:
            The History.

        Raises:
            ValueError: if what the generator gives is not such a batch.
        """
        _need_stream(generator, 'summon_generator')
        return self.summon(
            generator,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
            max_queue_size=max_queue_size,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
        )

    def evaluate_generator(
        self, generator, steps=None, callbacks=None, max_queue_size=10, workers=1, use_multiprocessing=False, verbose=0
    ):
        """Measure on data that come batch by batch: `evaluate` with a generator or a `Sequence` as its data.

        Arguments as for `summon_generator`; `steps` is the number of batches. Returns what `evaluate` returns.
        """
        _need_stream(generator, 'evaluate_generator')
        return self.evaluate(
            generator,
            verbose=verbose,
            steps=steps,
            callbacks=callbacks,
            max_queue_size=max_queue_size,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
        )

    def predict_generator(
        self, generator, steps=None, callbacks=None, max_queue_size=10, workers=1, use_multiprocessing=False, verbose=0
    ):
        """Predict for data that come batch by batch: `predict` with a generator or a `Sequence` of batches of inputs.

        Arguments as for `evaluate_generator`; targets in the batches are passed over. Returns what `predict` returns.
        """
        _need_stream(generator, 'predict_generator')
        return self.predict(
            generator,
            verbose=verbose,
            steps=steps,
            callbacks=callbacks,
            max_queue_size=max_queue_size,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
        )

    def _told(self, callbacks, verbose, adapter, labels):
        params = {
            'batch_size': adapter.batch_size,
            'steps': adapter.steps,
            'samples': adapter.samples,
            'metrics': labels,
        }
        return training_loop.callback_list(self, callbacks, verbose, params)

    def _warn_of_changed_trainable(self, conjuring):
        if not any(layer.trainable_changed for layer in self._everything_inside()):
            return
        if [id(w) for w in self.trainable_weights] != [id(w) for w in conjuring.trained_weights]:
            warn_once(
                self,
                'trainable',
                f'Model "{self.name}": `trainable` of a layer was changed after the model was conjured. It goes on training the weights that were trainable '
                'then; call `conjure` again for the change to count.',
            )


def _need_stream(data, method):
    if not stream_adapters.is_stream(data):
        raise ValueError(
            '{} takes a generator, a Sequence or a dataset; got {}. Arrays go to `{}`.'.format(
                method, type(data).__name__, method.replace('_generator', '')
            )
        )


def _refuse_with_stream(x, **arguments):
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                '`{}` cannot be given where the data come batch by batch, from a {}: {}.'.format(
                    name,
                    type(x).__name__,
                    {
                        'y': 'it gives targets with its inputs, as tuples (inputs, targets)',
                        'sample_weight': 'it gives weights as the third item, (inputs, targets, sample_weights)',
                        'batch_size': 'it makes the batches',
                        'validation_split': 'nothing is known of its end; give `validation_data`',
                    }[name],
                )
            )
