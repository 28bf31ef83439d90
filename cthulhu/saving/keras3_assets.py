"""The vocabularies in archives of Keras 3 and tf.keras: those that `adapt` found are beside the settings, in texts of one value a line.

The weights of their values, for 'tf_idf', are beside those of layers, one for each place of a vector.
"""

import re

import numpy as np

from cthulhu.storage import budget
from cthulhu.storage.errors import DamagedFileError
from cthulhu.utils.generic_utils import snake_case

_PLACE = 'assets/{}/vocabulary.txt'


#: The name of the weights of values.
WEIGHTS = 'idf_weights'


def with_vocabularies(config, file, tree):
    """The configuration of a model, in which layers that look numbers up have the vocabularies of its archive.

    Arguments:
        config: dict, 'class_name' and 'config', by another Keras.
        file: the `storage.archive.Archive`.
        tree: Tree of its weights.

    Raises:
        DamagedFileError: a vocabulary is none.
    """
    names = set(file.names)
    return _filled(config, '', names, file, tree) if any(name.startswith('assets/') for name in names) else config


def _filled(item, path, names, file, tree):
    settings = item.get('config') if isinstance(item, dict) else None
    if not isinstance(settings, dict):
        return item
    place = _PLACE.format(path)
    if item.get('class_name') == 'IntegerLookup' and settings.get('vocabulary') is None and place in names:
        budget.explain(text=file.explains(place))
        settings = dict(settings, vocabulary=_vocabulary(file.read(place), f'{file.where}, {place},'))
        variables = tree.group(path + '/vars')
        if settings.get('output_mode') == 'tf_idf' and variables is not None and WEIGHTS in variables.groups():
            settings.update(_weighted(settings, variables.entry(WEIGHTS)))
    if isinstance(settings.get('layers'), list):
        before = path + '/layers/' if path else 'layers/'
        inner = zip(_keys(settings['layers']), settings['layers'])
        settings = dict(settings, layers=[_filled(each, before + key, names, file, tree) for key, each in inner])
    if isinstance(settings.get('layer'), dict):
        settings = dict(settings, layer=_filled(settings['layer'], path + '/layer', names, file, tree))
    return dict(item, config=settings)


def _weighted(settings, entry):
    """The values of a vocabulary without those of the unknown, and their weights."""
    unknown = settings.get('num_oov_indices')
    values = settings['vocabulary'][unknown if isinstance(unknown, int) else 1 :]
    weights = np.ravel(entry.value())[len(settings['vocabulary']) - len(values) :][: len(values)]
    return {'vocabulary': values, WEIGHTS: weights.tolist()}


def _keys(items):
    """The name of the folder of each layer: that of its class, numbered."""
    counts = {}
    for item in items:
        kind = str(item.get('class_name')) if isinstance(item, dict) else ''
        key = snake_case(re.sub(r'\W+', '', kind.rpartition('>')[2]))
        number = counts.get(key, 0)
        counts[key] = number + 1
        yield f'{key}_{number}' if number else key


def _vocabulary(data, what):
    budget.draw('parts', 1 + 0.5 * data.count(b'\n'), what)
    try:
        lines = data.decode('ascii').splitlines()
        if max(map(len, lines), default=0) > 20:  # making a number of a long text takes the square of its length
            raise ValueError
        return [int(line) for line in lines if line]
    except ValueError:
        raise DamagedFileError(f'{what} is no vocabulary: a whole number is expected in each line.') from None
