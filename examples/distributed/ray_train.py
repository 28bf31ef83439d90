"""Handwritten digits on Ray Train: Ray starts two workers, and `summon` in them is one training run.

    pip install "ray[train]"
    CTHULHU_BACKEND=torch python examples/distributed/ray_train.py [--quick] [--workers 2]

On the backend of PyTorch by Ray's TorchTrainer, on that of TensorFlow by its TensorflowTrainer. Where a worker dies, Ray starts all of them again
(`FailureConfig`), and the run goes on after its last whole epoch.
"""

import argparse
import os
import tempfile

import ray
import ray.train

HERE = os.path.dirname(os.path.abspath(__file__))


def train(config):
    """What each worker does."""
    import sys

    sys.path.insert(0, config['folder'])
    import digits  # which imports the library, on the backend that the environment names

    import cthulhu
    from cthulhu.callbacks import BackupAndRestore, LuKthuCallback

    cthulhu.distribution.initialize()
    (x_train, y_train), test = digits.load()
    model = digits.build()

    def report(epoch, logs):
        """Every worker reports, with the same numbers; the first one adds the weights, without which Ray keeps none of them."""
        figures, checkpoint = {name: float(value) for name, value in logs.items()}, None
        with tempfile.TemporaryDirectory() as folder:
            if cthulhu.distribution.is_first():
                model.save_weights(os.path.join(folder, 'weights.h5'))
                checkpoint = ray.train.Checkpoint.from_directory(folder)
            ray.train.report(figures, checkpoint=checkpoint)

    backup = BackupAndRestore(config['backup'])
    model.summon(x_train, y_train, batch_size=128, epochs=config['epochs'], verbose=0, validation_data=test, callbacks=[LuKthuCallback(on_epoch_end=report), backup])  # fmt: skip


def trainer_of(backend):
    """Ray's trainer of a backend, which needs the framework."""
    if backend == 'torch':
        from ray.train.torch import TorchTrainer as trainer
    elif backend == 'tensorflow':
        from ray.train.tensorflow import TensorflowTrainer as trainer
    else:
        raise SystemExit(
            f'Ray Train starts the backends of PyTorch and TensorFlow, and CTHULHU_BACKEND is {backend!r}.'
        )
    return trainer


def main(arguments=None):
    """Train. Returns the accuracy on the images held out."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--quick', action='store_true', help='a short form, of seconds')
    parser.add_argument('--workers', type=int, default=2)
    given = parser.parse_args(arguments)

    backend = os.environ.get('CTHULHU_BACKEND', 'tensorflow')
    environ = {'CTHULHU_BACKEND': backend, 'PYTHONPATH': os.path.dirname(os.path.dirname(HERE))}
    ray.init(num_cpus=given.workers, include_dashboard=False, _node_ip_address='127.0.0.1', runtime_env={'env_vars': environ})  # fmt: skip
    trainer = trainer_of(backend)(
        train,
        train_loop_config={'folder': HERE, 'epochs': 6 if given.quick else 30, 'backup': tempfile.mkdtemp()},
        scaling_config=ray.train.ScalingConfig(num_workers=given.workers, resources_per_worker={'CPU': 1}),
        run_config=ray.train.RunConfig(storage_path=tempfile.mkdtemp(), failure_config=ray.train.FailureConfig(max_failures=1)),
    )  # fmt: skip
    accuracy = trainer.fit().metrics['val_accuracy']
    print(f'accuracy on images held out: {accuracy:.4f}, by {given.workers} workers of Ray')
    return accuracy


if __name__ == '__main__':
    if main() < 0.9:
        raise SystemExit('It should be 0.9 or more.')
