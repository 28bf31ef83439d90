"""The methods of Lump for data that come batch by batch, under the names that they have in Keras 2; `summon` and the others take such data too."""

from cthulhu.engine.preparation import need_stream
from cthulhu.utils.arguments import checked


class GeneratorDoors:
    """`summon`, `evaluate` and `predict` for generators and Sequences."""

    @checked
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
        self, generator, steps=None, callbacks=None, max_queue_size=10, workers=1, use_multiprocessing=False, verbose=0
    ):
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
        self, generator, steps=None, callbacks=None, max_queue_size=10, workers=1, use_multiprocessing=False, verbose=0
    ):
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
