"""A model scores a data set of Ray, in batches, in processes: `map_batches` with a pickled model.

Needs `pip install "ray[data]"`:

    python examples/distributed/ray_score.py [--quick]

Ray starts the processes on this machine.
"""

import os
import pickle
import sys

import numpy as np
import ray

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


class Scorer:
    """Made once in each process, from the bytes of a model."""

    def __init__(self, pickled):
        self.model = pickle.loads(pickled)

    def __call__(self, batch):
        batch['digit'] = self.model.predict(batch['image']).argmax(-1)
        return batch


def main(arguments=None):
    """Train a model here, score with it there. Returns the share of images whose digit is right."""
    import digits

    quick = '--quick' in (sys.argv[1:] if arguments is None else arguments)
    (x_train, y_train), (x_test, y_test) = digits.load()
    model = digits.build()
    model.summon(x_train, y_train, epochs=5 if quick else 30, verbose=0)

    environ = {'PYTHONPATH': os.pathsep.join([os.path.dirname(os.path.dirname(HERE)), HERE])}
    environ.update((name, os.environ[name]) for name in ('CTHULHU_BACKEND',) if name in os.environ)
    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address='127.0.0.1', runtime_env={'env_vars': environ})
    images = ray.data.from_numpy(x_test).rename_columns({'data': 'image'})
    scored = images.map_batches(Scorer, fn_constructor_args=[pickle.dumps(model)], batch_size=64, concurrency=1)
    rows = scored.take_all()
    found = {row['image'].tobytes(): row['digit'] for row in rows}  # in any order
    right = np.mean([found[image.tobytes()] == label for image, label in zip(x_test, y_test)])
    print(f'digits that are right: {right:.4f}')
    return right


if __name__ == '__main__':
    if main() < 0.9:
        raise SystemExit('It should be 0.9 or more.')
