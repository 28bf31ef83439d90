"""Lives of small models, many of them at a time: each is made, trained, saved, loaded and trained on by one of several threads, and gives to the bit what it gives alone.

`python -m tests.engine.lives --runs 50 --models 200 --threads 8` tries it with any backend, and prints a line of JSON for each run. It ends with 1 if anything was wrong.
With `--wave 24` the session is cleared after each 24 models, as a program may that makes many.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
import traceback

import numpy as np

from cthulhu import backend as K
from cthulhu import initializers
from cthulhu.layers import BatchNormalization, Daoloth, Dropout, Embedding, Flatten, Layer, SimpleRNN
from cthulhu.models import Pile, load_model
from cthulhu.storage import budget
from cthulhu.utils import CustomObjectScope, get_custom_objects


class Shifted(Layer):
    """Known in a scope only: one of each thread's own, by one name."""

    def __init__(self, by=0.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def call(self, inputs):
        return inputs + self.by

    def get_config(self):
        return dict(super().get_config(), by=self.by)


def life_of(number, folder):
    """What a model of a seed gives: made, trained, saved, loaded, and trained on. List of arrays."""
    seeds = [initializers.RandomUniform(-0.5, 0.5, seed=10 * number + i) for i in range(3)]
    first = [
        [Daoloth(4, activation='tanh', kernel_initializer=seeds[0], input_shape=(3,))],
        [SimpleRNN(4, kernel_initializer=seeds[0], recurrent_initializer=seeds[1], input_shape=(2, 3))],
        [Embedding(5, 4, embeddings_initializer=seeds[0], input_length=3), Flatten(), BatchNormalization()],
    ][number % 3]
    model = Pile(first + [Dropout(0.3, seed=number), Shifted(number), Daoloth(2, kernel_initializer=seeds[2])])
    dice = np.random.RandomState(number)
    x = [dice.rand(8, 3), dice.rand(8, 2, 3), dice.randint(0, 5, (8, 3))][number % 3]
    y, found, path = dice.rand(8, 2), [], os.path.join(str(folder), f'{number}_{threading.get_ident()}.h5')
    if K.supports('gradients'):
        model.conjure('adam', 'mse', metrics=['mae'])
        found += [
            np.array(losses) for losses in model.summon(x, y, 4, epochs=2, shuffle=False, verbose=0).history.values()
        ]
    found.append(model.predict(x))
    model.save(path)
    mine = type('Mine', (Shifted,), {})
    with CustomObjectScope({'Shifted': mine}):
        again = load_model(path, compile=K.supports('gradients'))
    assert sum(type(layer) is mine for layer in again.layers) == 1
    if K.supports('gradients'):
        found.append(np.array(again.train_on_batch(x, y)))
    return found + [again.predict(x)] + again.get_weights()


def difference(one, other):
    """What is not to the bit the same in two lives, as a text; None if all is."""
    if len(one) != len(other):
        return f'{len(other)} arrays, not {len(one)}'
    for i, (a, b) in enumerate(zip(one, other)):
        if a.dtype != b.dtype or not np.array_equal(a, b):
            return f'array {i} of {len(one)} is {b.tolist()}, not {a.tolist()}'
    return None


def beside(numbers, threads, folder):
    """({number: its life, or the text of its error}) of lives that so many threads go through, each taking the next one."""
    waiting, found, together = iter(list(numbers)), {}, threading.Barrier(threads)
    taking = threading.Lock()

    def work():
        together.wait()
        while True:
            with taking:
                number = next(waiting, None)
            if number is None:
                return
            try:
                found[number] = life_of(number, folder)
            except Exception:
                found[number] = traceback.format_exc()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return found


def main(runs, models, threads, wave=0):
    wrong_ones, before = 0, dict(get_custom_objects())
    with tempfile.TemporaryDirectory() as folder:
        alone = []
        for number in range(models):
            if number % 6 == 0:
                K.clear_session()
            alone.append(life_of(number, folder))
        for run in range(runs):
            numbers, begun, found = list(range(models)), time.time(), {}
            random.Random(run).shuffle(numbers)
            for start in range(0, models, wave or models):
                K.clear_session()
                found.update(beside(numbers[start:][: wave or models], threads, folder))
            wrong = {}
            for number in range(models):
                life = found.get(number, 'it has not ended')
                said = life if isinstance(life, str) else difference(alone[number], life)
                if said is not None:
                    wrong[number] = said[-1000:]
            left = [name for name in get_custom_objects() if name not in before]
            wrong_ones += len(wrong) + len(left) + (budget.present() is not None)
            report = {'run': run, 'seconds': round(time.time() - begun, 1), 'models': models, 'threads': threads}
            print(json.dumps(dict(report, right=models - len(wrong), wrong=wrong, left=left)), flush=True)
    return wrong_ones


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (('runs', 1), ('models', 200), ('threads', 8), ('wave', 0)):
        parser.add_argument(f'--{name}', type=int, default=default)
    sys.exit(1 if main(**vars(parser.parse_args())) else 0)
