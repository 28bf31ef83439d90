"""Ray Tune looks for the size of a network and its learning rate; trials that do badly are ended early, by a callback that reports each epoch.

Needs `pip install "ray[tune]"`:

    python examples/distributed/ray_tune.py [--quick]

Ray starts the processes on this machine.
"""

import os
import sys
import tempfile

import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler

HERE = os.path.dirname(os.path.abspath(__file__))


def trial(config):
    """One set of settings: trains until Ray ends it."""
    import sys

    sys.path.insert(0, config['folder'])
    import digits

    from cthulhu import optimizers
    from cthulhu.callbacks import LuKthuCallback
    from cthulhu.layers import Daoloth
    from cthulhu.models import Pile

    (x_train, y_train), _ = digits.load()
    model = Pile([Daoloth(config['units'], activation='relu', input_shape=(64,)), Daoloth(10, activation='softmax')])
    model.conjure(optimizers.SGD(config['rate'], momentum=0.9), 'sparse_categorical_crossentropy', metrics=['accuracy'])
    # Where the scheduler has seen enough, it ends the trial in `report`.
    report = LuKthuCallback(on_epoch_end=lambda epoch, logs: tune.report({'accuracy': float(logs['val_accuracy'])}))
    model.summon(x_train, y_train, epochs=config['epochs'], validation_split=0.2, verbose=0, callbacks=[report])


def main(arguments=None):
    """Look for settings. Returns the best accuracy on the part held out, and how many trials were ended early."""
    quick = '--quick' in (sys.argv[1:] if arguments is None else arguments)
    environ = {'PYTHONPATH': os.path.dirname(os.path.dirname(HERE))}
    environ.update((name, os.environ[name]) for name in ('CTHULHU_BACKEND',) if name in os.environ)
    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address='127.0.0.1', runtime_env={'env_vars': environ})
    epochs = 8 if quick else 30
    settings = {
        'folder': HERE, 'epochs': epochs,
        'units': tune.grid_search([8, 64]), 'rate': tune.grid_search([0.0001, 0.1] if quick else [0.0001, 0.01, 0.1]),
    }  # fmt: skip
    tuner = tune.Tuner(
        trial,
        param_space=settings,
        tune_config=tune.TuneConfig(metric='accuracy', mode='max', scheduler=ASHAScheduler(max_t=epochs, grace_period=2, reduction_factor=2)),
        run_config=tune.RunConfig(storage_path=tempfile.mkdtemp(), verbose=0),
    )  # fmt: skip
    found = tuner.fit()
    best = found.get_best_result()
    ended = sum(result.metrics['training_iteration'] < epochs for result in found)
    print(f'best: {best.config["units"]} units, rate {best.config["rate"]}, accuracy {best.metrics["accuracy"]:.4f}; {ended} of {len(found)} trials ended early')  # fmt: skip
    return best.metrics['accuracy'], ended


if __name__ == '__main__':
    accuracy, ended = main()
    if accuracy < 0.85 or not ended:
        raise SystemExit('It should find 0.85 or more, and end some trials early.')
