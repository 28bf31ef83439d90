"""Models that Keras 2.3.1 made, trained and recorded: on TensorFlow 1.15.5 (fixtures/keras-2.3.1) and, where an optimizer depends on the number of the step,
on Theano 1.0.5 (fixtures/keras-2.3.1-theano, whose record.py says why).
"""

import json
import os

import numpy as np

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'fixtures')
FOLDER = os.path.join(FIXTURES, 'keras-2.3.1')


def recording(name):
    """What was recorded of a model.

    Arguments:
        name: str, of the file without its ending.

    Returns:
        dict with the lists of arrays 'x', 'y' and 'init' (the weights at first), 'history' (three epochs of batches of 8 in the order of the data) and 'trained'
        (the weights then); of the model in NAME.h5 'final' (its weights), 'pred' (a list), 'evaluate' and 'history_resumed' (two epochs more); 'config' and
        'metrics_names'.
    """
    with np.load(os.path.join(FOLDER, name + '.npz')) as file:
        arrays = dict(file)
    found = {
        kind: [arrays[kind + str(i)] for i in range(len(arrays)) if kind + str(i) in arrays]
        for kind in ('x', 'y', 'init', 'final', 'pred')
    }
    found.update({key: json.loads(str(arrays[key])) for key in ('config', 'history', 'history_resumed')})
    found.update(evaluate=arrays['evaluate'], metrics_names=list(arrays['metrics_names']), trained=found['final'])
    on_theano = os.path.join(FIXTURES, 'keras-2.3.1-theano', name + '.json')
    if os.path.exists(on_theano):
        with open(on_theano) as file:
            anew = json.load(file)
        found.update(history=anew['history'], history_resumed=anew['history_resumed'])
        found['trained'] = [np.reshape(w, old.shape) for w, old in zip(anew['final'], found['final'])]
    return found
