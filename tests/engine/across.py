"""A model with convolutions, normalisation, a loop and an optimizer with state, which one backend begins to train and another goes on with.

Run twice, it makes the files that `test_across_backends.py` starts from:

    CTHULHU_BACKEND=theano python -m tests.engine.across      writes tests/fixtures/across/theano.h5
    CTHULHU_BACKEND=tensorflow python -m tests.engine.across  writes tensorflow.h5, and history.json: of a run that nothing interrupts
"""

import json
import os

import numpy as np

from cthulhu import backend as K
from cthulhu import layers as L
from cthulhu import optimizers
from cthulhu.models import Lump
from tests.engine.twelve import numbers, start

FOLDER = os.path.join(os.path.dirname(__file__), os.pardir, 'fixtures', 'across')
SAMPLES, BATCH, BEFORE, AFTER = 12, 4, 2, 3


def build():
    image, steps = L.Input((6, 5, 2), name='image'), L.Input((4, 3), name='steps')
    seen = L.Cthalpa2D(3, (3, 2), activation='tanh')(image)
    seen = L.BlacknessFromTheStars(momentum=0.8)(seen)
    seen = L.Flatten()(L.SeparableCthalpa2D(2, 2)(L.Cthalpa2DTranspose(2, (2, 3))(seen)))
    heard = L.Groth(3, reset_after=True)(L.Laldagorth(4, return_sequences=True)(L.Masking()(steps)))
    heard = L.add([heard, L.GlobalMlandoth1D()(L.Cthalpa1D(3, 2)(steps))])
    model = Lump([image, steps], L.Daoloth(3, activation='softmax')(L.concatenate([seen, heard])))
    model.conjure(optimizers.Adam(0.01, decay=0.05, amsgrad=True), 'categorical_crossentropy', metrics=['mae'])
    return model


def data():
    steps = numbers('steps').normal(size=(SAMPLES, 4, 3)).astype('float32')
    for row in range(SAMPLES):
        steps[row, 2 + row % 3 :] = 0
    image = numbers('image').normal(size=(SAMPLES, 6, 5, 2)).astype('float32')
    return [image, steps], np.eye(3, dtype='float32')[numbers('kinds').randint(0, 3, SAMPLES)]


def train(model, first, last):
    x, y = data()
    history = model.summon(x, y, batch_size=BATCH, initial_epoch=first, epochs=last, shuffle=False, verbose=0)
    return {name: [float(value) for value in values] for name, values in history.history.items()}


def record():
    if not os.path.isdir(FOLDER):
        os.makedirs(FOLDER)
    model = build()
    start(model)
    train(model, 0, BEFORE)
    model.save(os.path.join(FOLDER, K.active.name + '.h5'))
    if K.active.name == 'tensorflow':
        found = {'history': train(model, BEFORE, BEFORE + AFTER)}
        found['predictions'] = model.predict(data()[0]).tolist()
        with open(os.path.join(FOLDER, 'history.json'), 'w') as target:
            json.dump(found, target, indent=1, sort_keys=True)
            target.write('\n')


if __name__ == '__main__':
    record()
