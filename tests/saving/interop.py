"""Whether Keras 2.3.1, tf.keras and this library read each other's files.

    python tests/saving/interop.py write FOLDER [MODULE]    writes models with MODULE (default: cthulhu; keras, tf_keras) into FOLDER
    python tests/saving/interop.py read FOLDER [MODULE]     loads them with MODULE, and compares predictions, training and weights

Each side runs with the Python that has it: `write` with this library's and `read` with the one of Keras 2.3.1, or the other way round.
"""

import glob
import importlib
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import zoo  # noqa: E402


def single(items):
    return items[0] if len(items) == 1 else items


def write(folder, keras):
    for name in sorted(zoo.MODELS):
        model = zoo.MODELS[name](keras)
        zoo.shake(model)
        xs, ys = map(single, zoo.data(model))
        model.train_on_batch(xs, ys)  # so that the optimizer has a state
        path = os.path.join(folder, name)
        model.save(path + '.h5')
        model.save_weights(path + '_weights.h5')
        with open(path + '.json', 'w') as file:
            file.write(model.to_json())
        found = {'x%d' % i: x for i, x in enumerate(zoo.as_list(xs))}
        found.update(('y%d' % i, y) for i, y in enumerate(zoo.as_list(ys)))
        found.update(('p%d' % i, p) for i, p in enumerate(zoo.as_list(model.predict(xs))))
        # dropout differs from one program to the next
        found['loss'] = (
            [model.test_on_batch(xs, ys)] if name == 'cnn' else [model.train_on_batch(xs, ys) for _ in range(3)]
        )
        np.savez(path + '.npz', **found)


def read(folder, keras):
    worst = 0.0
    for path in sorted(glob.glob(os.path.join(folder, '*.npz'))):
        path = path[: -len('.npz')]
        with np.load(path + '.npz') as found:
            xs, ys, ps = ([found['%s%d' % (k, i)] for i in range(9) if '%s%d' % (k, i) in found.files] for k in 'xyp')
            xs, ys = single(xs), single(ys)
            losses = found['loss']
        model = keras.models.load_model(path + '.h5')
        with open(path + '.json') as file:
            bare = keras.models.model_from_json(file.read())
        bare.load_weights(path + '_weights.h5')
        named = keras.models.model_from_json(model.to_json())
        named.load_weights(path + '_weights.h5', by_name=True)
        difference = 0.0
        for each in (model, bare, named):
            for mine, theirs in zip(zoo.as_list(each.predict(xs)), ps):
                difference = max(difference, float(np.abs(mine - theirs).max()))
        if os.path.basename(path) == 'cnn':
            again = [model.test_on_batch(xs, ys)]
        else:
            again = [model.train_on_batch(xs, ys) for _ in range(3)]
        drift = float(np.abs(np.array(again) - losses).max())
        print(
            '%-14s predictions differ by %.1e, losses of further training by %.1e'
            % (os.path.basename(path), difference, drift)
        )
        worst = max(worst, difference)
    if worst > 1e-5:
        raise SystemExit('Predictions differ by %g.' % worst)


if __name__ == '__main__':
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ('write', 'read'):
        raise SystemExit(__doc__)
    {'write': write, 'read': read}[sys.argv[1]](
        sys.argv[2], importlib.import_module(sys.argv[3] if len(sys.argv) > 3 else 'cthulhu')
    )
