"""The methods of Lump for data that come batch by batch, under the names that they have in Keras 2; `summon` and the others take such data too."""

import typing

from cthulhu.callbacks.base import Callback
from cthulhu.callbacks.history import History
from cthulhu.engine.preparation import need_stream
from cthulhu.utils import hints
from cthulhu.utils.arguments import checked


class GeneratorDoors:
    """`summon`, `evaluate` and `predict` for generators and Sequences."""

    @checked
    def summon_generator(
        self,
        generator: hints.Data,
        steps_per_epoch: typing.Optional[int] = None,
        epochs: int = 1,
        verbose: typing.Union[int, str] = 1,
        callbacks: typing.Optional[typing.Iterable[Callback]] = None,
        validation_data: hints.Data = None,
        validation_steps: typing.Optional[int] = None,
        validation_freq: typing.Union[int, typing.Iterable[int]] = 1,
        class_weight: hints.ClassWeights = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        shuffle: typing.Union[bool, str] = True,
        initial_epoch: int = 0,
    ) -> History:
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
        need_stream(generator, 'summon_generator')
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

    @checked
    def evaluate_generator(
        self,
        generator: hints.Data,
        steps: typing.Optional[int] = None,
        callbacks: typing.Optional[typing.Iterable[Callback]] = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: typing.Union[int, str] = 0,
    ) -> hints.Figures:
        """Measure on data that come batch by batch: `evaluate` with a generator or a `Sequence` as its data.

        Arguments as for `summon_generator`; `steps` is the number of batches. Returns what `evaluate` returns.
        """
        need_stream(generator, 'evaluate_generator')
        return self.evaluate(
            generator,
            verbose=verbose,
            steps=steps,
            callbacks=callbacks,
            max_queue_size=max_queue_size,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
        )

    @checked
    def predict_generator(
        self,
        generator: hints.Data,
        steps: typing.Optional[int] = None,
        callbacks: typing.Optional[typing.Iterable[Callback]] = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: typing.Union[int, str] = 0,
    ) -> hints.Predictions:
        """Predict for data that come batch by batch: `predict` with a generator or a `Sequence` of batches of inputs.

        Arguments as for `evaluate_generator`; targets in the batches are passed over. Returns what `predict` returns.
        """
        need_stream(generator, 'predict_generator')
        return self.predict(
            generator,
            verbose=verbose,
            steps=steps,
            callbacks=callbacks,
            max_queue_size=max_queue_size,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
        )

    if typing.TYPE_CHECKING:  # what `names.method_aliases` makes
        fit_generator = summon_generator
