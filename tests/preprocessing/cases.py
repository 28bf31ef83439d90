"""The table of cases in which Cthulhu must agree with Keras 2.3.1: each takes a module `preprocessing`, of either, and a folder, and gives a value.

`record.py` runs them with Keras and writes what they gave; `test_reference.py` runs them with Cthulhu and compares. No case draws from anything but
seeded generators.
"""

import itertools
import json
import os
import random

import numpy as np

#: name -> function (preprocessing, folder) -> value.
CASES = {}

#: How far apart values may be: Keras rounds to whole numbers on the way; so does Pillow, and not in all its versions alike.
TOLERANCES = {'brightness rounded': 1.0, 'loaded palette as grayscale': 1.0}


def case(name, *arguments):
    def register(function):
        CASES[name] = lambda preprocessing, folder: function(preprocessing, folder, *arguments)
        return function

    return register


def picture(height=7, width=9, channels=3):
    """Whole numbers from 0 to 254, even, with 0 and 254 among them."""
    x = np.arange(height * width * channels) * 37 % 128
    return (x * 2).reshape(height, width, channels).astype('float32')


def pictures(number=6):
    return np.stack([np.roll(picture(), shift, 0) / (1 + shift) for shift in range(number)]).astype('float32')


# -- transforms --------------------------------------------------------------------------------------------

PARAMETERS = {
    'turned': {'theta': 25},
    'moved': {'tx': 1.5, 'ty': -2},
    'sheared': {'shear': 20},
    'zoomed': {'zx': 0.7, 'zy': 1.2},
    'all': {'theta': -40, 'tx': 0.8, 'ty': 1.3, 'shear': 12, 'zx': 0.9, 'zy': 0.6},
    'none': {},
}


def affine(preprocessing, folder, parameters, fill_mode, order):
    return preprocessing.image.apply_affine_transform(
        picture(), fill_mode=fill_mode, order=order, cval=11.0, **parameters
    )


for _name, _mode, _order in itertools.product(PARAMETERS, ('nearest', 'constant', 'reflect', 'wrap'), (0, 1, 3)):
    case(f'affine {_name} {_mode} {_order}', PARAMETERS[_name], _mode, _order)(affine)


@case('affine channels first')
def affine_first(preprocessing, folder):
    x = picture().transpose(2, 0, 1)
    return preprocessing.image.apply_affine_transform(x, row_axis=1, col_axis=2, channel_axis=0, **PARAMETERS['all'])


@case('affine 8 bits')
def affine_bytes(preprocessing, folder):
    return preprocessing.image.apply_affine_transform(picture().astype('uint8'), **PARAMETERS['turned'])


@case('channel shift up', 40.0)
@case('channel shift down', -40.0)
def channel_shift(preprocessing, folder, intensity):
    return preprocessing.image.apply_channel_shift(picture(), intensity, channel_axis=2)


def full_range():
    x = picture()
    x[0, 0] = 255
    return x


@case('brightness double', 2.0)
@case('brightness none', 0.0)
@case('brightness rounded', 1.3)
def brightness(preprocessing, folder, factor):
    return preprocessing.image.apply_brightness_shift(full_range(), factor)


RANDOM = {
    'rotation': lambda image, x: image.random_rotation(x, 30, 0, 1, 2),
    'shift': lambda image, x: image.random_shift(x, 0.3, 0.2, 0, 1, 2, fill_mode='wrap'),
    'shear': lambda image, x: image.random_shear(x, 30, 0, 1, 2, fill_mode='constant', cval=3.0),
    'zoom': lambda image, x: image.random_zoom(x, (0.5, 1.5), 0, 1, 2, interpolation_order=0),
    'no zoom': lambda image, x: image.random_zoom(x, (1, 1), 0, 1, 2),
    'channel shift': lambda image, x: image.random_channel_shift(x, 50, 2),
    'no brightness': lambda image, x: image.random_brightness(full_range(), (1.0, 1.0)),
}


def drawn(preprocessing, folder, name):
    np.random.seed(7)
    return RANDOM[name](preprocessing.image, picture())


for _name in RANDOM:
    case('random ' + _name, _name)(drawn)

EVERYTHING = {
    'rotation_range': 20, 'width_shift_range': 0.2, 'height_shift_range': 0.3, 'brightness_range': (0.5, 1.5), 'shear_range': 5, 'zoom_range': 0.2,
    'channel_shift_range': 3, 'horizontal_flip': True, 'vertical_flip': True,
}  # fmt: skip


@case('draws of everything')
def draws(preprocessing, folder):
    generator = preprocessing.image.ImageDataGenerator(**EVERYTHING)
    found = [generator.get_random_transform((7, 9, 3), seed=seed) for seed in range(20)]
    return [[float(draw[key]) for key in sorted(draw)] for draw in found]


@case('draws of nothing')
def no_draws(preprocessing, folder):
    return preprocessing.image.ImageDataGenerator().get_random_transform((7, 9, 3), seed=1)


APPLIED = {
    'affine': PARAMETERS['all'],
    'flipped': {'flip_horizontal': 1, 'flip_vertical': 1},
    'shifted': {'channel_shift_intensity': 20.0, 'theta': 10},
    'all': dict(PARAMETERS['all'], flip_horizontal=1, channel_shift_intensity=-7.0),
    'brighter': {'brightness': 2.0, 'flip_vertical': 1},
}


def applied(preprocessing, folder, parameters, data_format):
    x = full_range()
    first = data_format == 'channels_first'
    generator = preprocessing.image.ImageDataGenerator(data_format=data_format, interpolation_order=1)
    return generator.apply_transform(x.transpose(2, 0, 1) if first else x, parameters)


for _name in APPLIED:
    # Of pictures with channels first Keras 2.3.1 makes brightness in the other data format, which is an error there.
    for _format in ['channels_last'] + ['channels_first'] * (_name != 'brighter'):
        case(f'applied {_name} {_format}', APPLIED[_name], _format)(applied)

STANDARDS = {
    'rescale': {'rescale': 1 / 255.0},
    'function': {'preprocessing_function': lambda x: x - 3, 'rescale': 2.0},
    'samplewise': {'samplewise_center': True, 'samplewise_std_normalization': True},
    'featurewise': {'featurewise_center': True, 'featurewise_std_normalization': True},
    'whitened': {'featurewise_center': True, 'zca_whitening': True, 'zca_epsilon': 0.1},
}


def standardized(preprocessing, folder, arguments):
    x = pictures() / 255
    generator = preprocessing.image.ImageDataGenerator(**arguments)
    if 'featurewise_center' in arguments:
        generator.fit(x)
    return next(generator.flow(x, batch_size=4, shuffle=False))


for _name in STANDARDS:
    case('standardized ' + _name, STANDARDS[_name])(standardized)


# -- files -------------------------------------------------------------------------------------------------


def make_files(folder):
    """A folder with pictures in all modes, and a folder of classes."""
    from PIL import Image

    x = picture()
    rgba = np.concatenate([x, x[:, :, :1]], 2).astype('uint8')
    made = {
        'rgb': Image.fromarray(x.astype('uint8')),
        'rgba': Image.fromarray(rgba),
        'gray': Image.fromarray(x[:, :, 0].astype('uint8')),
        'palette': Image.fromarray(x.astype('uint8')).quantize(16),
        'bits': Image.fromarray(x[:, :, 0].astype('uint8')).convert('1'),
        'gray_alpha': Image.fromarray(rgba).convert('LA'),
    }
    for name, image in made.items():
        image.save(os.path.join(folder, name + '.png'))
    for number, place in enumerate(('b', 'a', os.path.join('c', 'deep', 'er'), os.path.join('c', 'de'), 'c', 'empty')):
        place = os.path.join(folder, 'classes', place)
        if not os.path.isdir(place):
            os.makedirs(place)
        for i in range(0 if place.endswith('empty') else 3 + number % 2):
            shifted = np.roll(x, number * 3 + i, 1).astype('uint8')
            Image.fromarray(shifted).save(os.path.join(place, f'p{i}.{"PNG" if i == 1 else "png"}'))
        with open(os.path.join(place, 'notes.txt'), 'w') as file:
            file.write('no picture')


def loaded(preprocessing, folder, name, color_mode, target_size, interpolation):
    image = preprocessing.image.load_img(
        os.path.join(folder, name + '.png'), color_mode=color_mode, target_size=target_size, interpolation=interpolation
    )
    return preprocessing.image.img_to_array(image, dtype='uint8')


for _name, _mode in itertools.product(
    ('rgb', 'rgba', 'gray', 'palette', 'bits', 'gray_alpha'), ('rgb', 'rgba', 'grayscale')
):
    case(f'loaded {_name} as {_mode}', _name, _mode, None, 'nearest')(loaded)
for _method in ('nearest', 'bilinear', 'bicubic', 'hamming', 'box', 'lanczos'):
    case('loaded larger ' + _method, 'rgb', 'rgb', (11, 12), _method)(loaded)
    case('loaded smaller ' + _method, 'rgb', 'rgb', (5, 4), _method)(loaded)


@case('array channels first')
def first(preprocessing, folder):
    image = preprocessing.image.load_img(os.path.join(folder, 'rgb.png'))
    return preprocessing.image.img_to_array(image, data_format='channels_first')


def pixels(preprocessing, folder, x, options):
    image = preprocessing.image.array_to_img(x, **options)
    return [image.mode, np.asarray(image).tolist()]


case('picture scaled', picture() - 40, {})(pixels)
case('picture not scaled', picture(), {'scale': False})(pixels)
case('picture of one value', np.full((3, 4, 3), 7.0), {})(pixels)
case('picture gray', picture(channels=1), {})(pixels)
case('picture gray deep', picture(channels=1) * 100, {'scale': False})(pixels)
case('picture with alpha', picture(channels=4), {'data_format': 'channels_last'})(pixels)
case('picture channels first', picture().transpose(2, 0, 1), {'data_format': 'channels_first'})(pixels)


@case('saved')
def saved(preprocessing, folder):
    preprocessing.image.save_img(os.path.join(folder, 'saved.png'), picture(), scale=False)
    return preprocessing.image.img_to_array(preprocessing.image.load_img(os.path.join(folder, 'saved.png')))


# -- iterators ---------------------------------------------------------------------------------------------


@case('order of flow')
def order(preprocessing, folder):
    iterator = preprocessing.image.ImageDataGenerator().flow(pictures(), np.arange(6), batch_size=4, seed=5)
    return [next(iterator)[1].tolist() for _ in range(8)]


@case('indexed flow')
def indexed(preprocessing, folder):
    iterator = preprocessing.image.ImageDataGenerator().flow(pictures(), np.arange(6), batch_size=4, seed=5)
    return [len(iterator)] + [iterator[i][1].tolist() for i in range(2)]


@case('parts of flow')
def parts(preprocessing, folder):
    generator = preprocessing.image.ImageDataGenerator(validation_split=0.4)
    x, y = pictures(), np.arange(6) % 2
    flows = [generator.flow(x, y, shuffle=False, subset=subset) for subset in ('training', 'validation')]
    return [
        [part[..., :2, :2, 0].tolist() if part.ndim > 1 else part.tolist() for part in next(flow)] for flow in flows
    ]


@case('several inputs')
def several(preprocessing, folder):
    generator = preprocessing.image.ImageDataGenerator()
    x, y = next(
        generator.flow((pictures(), [np.arange(6), np.ones((6, 2))]), np.arange(6), shuffle=False, batch_size=4)
    )
    return [part.tolist() for part in x] + [y.tolist()]


def found(iterator):
    slashed = [name.replace(os.sep, '/') for name in iterator.filenames]
    indices = getattr(iterator, 'class_indices', None)
    labels = getattr(iterator, 'classes', None)
    return [slashed, indices, None if labels is None else list(map(np.ndarray.tolist, map(np.asarray, labels)))]


def directory(preprocessing, folder, options):
    generator = preprocessing.image.ImageDataGenerator(validation_split=0.4)
    iterator = generator.flow_from_directory(
        os.path.join(folder, 'classes'), target_size=(4, 5), batch_size=5, seed=3, **options
    )
    batches = [next(iterator) for _ in range(len(iterator) + 1)]
    batches = [batch if isinstance(batch, tuple) else (batch,) for batch in batches]
    targets = [[part.tolist() for part in batch[1:]] for batch in batches]
    return found(iterator) + [list(iterator.image_shape), batches[0][0].tolist(), targets]


DIRECTORY = {
    'categorical': {},
    'sparse': {'class_mode': 'sparse', 'shuffle': False},
    'binary': {'class_mode': 'binary', 'classes': ['b', 'a']},
    'input': {'class_mode': 'input', 'shuffle': False, 'classes': ['a']},
    'none': {'class_mode': None, 'color_mode': 'grayscale'},
    'alpha': {'class_mode': None, 'color_mode': 'rgba', 'interpolation': 'bilinear'},
    'training': {'subset': 'training', 'shuffle': False},
    'validation': {'subset': 'validation'},
    'no classes': {'classes': ['.'], 'class_mode': None, 'shuffle': False},
}
for _name in DIRECTORY:
    case('directory ' + _name, DIRECTORY[_name])(directory)


def table():
    return {
        'filename': ['a/p0.png', 'b/p1.PNG', 'a/p1.PNG', 'missing.png', 'c/p0.png', 'c/notes.txt', 'c/de/p2.png'],
        'class': ['x', 'y', 'x', 'y', 'z', 'z', 'x'],
        'number': [1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
        'count': [1, 2, 3, 4, 5, 6, 7],
        'weight': [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7],
        'several': [['x'], ['x', 'y'], ['z'], ['x'], ['y', 'z'], ['z'], ('x', 'z')],
    }


def dataframe(preprocessing, folder, options):
    import pandas

    generator = preprocessing.image.ImageDataGenerator(validation_split=0.4)
    iterator = generator.flow_from_dataframe(
        pandas.DataFrame(table()), os.path.join(folder, 'classes'), target_size=(4, 5), batch_size=4, seed=3, **options
    )
    batches = [next(iterator) for _ in range(len(iterator) + 1)]
    batches = [batch if isinstance(batch, tuple) else (batch,) for batch in batches]
    targets = [[np.asarray(part).tolist() for part in batch[1:]] for batch in batches]
    return found(iterator) + [batches[0][0].tolist(), targets]


DATAFRAME = {
    'categorical': {},
    'sparse': {'class_mode': 'sparse', 'shuffle': False},
    'binary': {'class_mode': 'binary', 'classes': ['y', 'x']},
    'classes': {'classes': ['z', 'x'], 'shuffle': False},
    'several labels': {'y_col': 'several', 'shuffle': False},
    'several labels of some classes': {'y_col': 'several', 'classes': ['y', 'x'], 'shuffle': False},
    'raw': {'y_col': 'number', 'class_mode': 'raw'},
    'raw columns': {'y_col': ['number', 'count'], 'class_mode': 'raw', 'shuffle': False},
    'multi_output': {'y_col': ['number', 'count'], 'class_mode': 'multi_output', 'shuffle': False},
    'input': {'class_mode': 'input', 'y_col': None, 'shuffle': False},
    'none': {'class_mode': None, 'y_col': None},
    'weights': {'weight_col': 'weight'},
    'training': {'subset': 'training', 'shuffle': False},
    'validation': {'subset': 'validation', 'shuffle': False},
}
for _name in DATAFRAME:
    case('dataframe ' + _name, DATAFRAME[_name])(dataframe)


# -- sequences ---------------------------------------------------------------------------------------------

RAGGED = [[1], [1, 2], [1, 2, 3], []]
PADDED = {
    'default': (RAGGED, {}),
    'post': (RAGGED, {'padding': 'post'}),
    'short': (RAGGED, {'maxlen': 2}),
    'short post': (RAGGED, {'maxlen': 2, 'truncating': 'post', 'padding': 'post', 'value': 9}),
    'long': (RAGGED, {'maxlen': 5, 'value': -1}),
    'empty': ([[], []], {}),
    'floats': ([[0.5], [1.5, 2.5]], {'dtype': 'float32', 'value': 0.25}),
    'vectors': ([[[1, 2]], [[3, 4], [5, 6]], []], {'value': 7}),
    'texts': ([['a'], ['b', 'cd']], {'dtype': object, 'value': 'pad'}),
    'arrays': ([np.arange(3), np.arange(1)], {}),
}


def padded(preprocessing, folder, sequences, options):
    x = preprocessing.sequence.pad_sequences(sequences, **options)
    return [list(x.shape), x.dtype.name, x.tolist()]


for _name in PADDED:
    case('padded ' + _name, *PADDED[_name])(padded)


@case('sampling table')
def sampling(preprocessing, folder):
    return preprocessing.sequence.make_sampling_table(100, sampling_factor=1e-3)


SKIPS = {
    'window': {'window_size': 2},
    'categorical': {'categorical': True},
    'rare only': {'sampling_table': np.array([0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])},
}


def skipped(preprocessing, folder, options):
    random.seed(1)
    return preprocessing.sequence.skipgrams([1, 2, 0, 3, 4, 5, 5, 6], 7, negative_samples=0.0, shuffle=False, **options)


for _name in SKIPS:
    case('skipgrams ' + _name, SKIPS[_name])(skipped)

SERIES = {
    'default': {'length': 4, 'batch_size': 3},
    'sampled': {'length': 6, 'sampling_rate': 2, 'batch_size': 4},
    'stride': {'length': 3, 'stride': 3, 'batch_size': 2},
    'part': {'length': 2, 'start_index': 3, 'end_index': 9, 'batch_size': 4},
    'reverse': {'length': 3, 'reverse': True, 'batch_size': 5},
}


def series(preprocessing, folder, options):
    data = np.arange(24).reshape(12, 2)
    windows = preprocessing.sequence.TimeseriesGenerator(data, np.arange(12) * 10, **options)
    batches = [windows[i] for i in range(len(windows))]
    return [len(windows)] + [[part.tolist() for part in batch] for batch in batches]


for _name in SERIES:
    case('series ' + _name, SERIES[_name])(series)


# -- texts -------------------------------------------------------------------------------------------------

TEXTS = ['The cat sat on the mat, the mat!', 'A dog; the DOG.', 'cat & dog\tran', '', 'Ünï coded "words" ünï']


@case('words', {})
@case('words as they are', {'lower': False, 'filters': '', 'split': 'a'})
@case('words by two', {'split': ', '})
def words(preprocessing, folder, options):
    return [preprocessing.text.text_to_word_sequence(text, **options) for text in TEXTS]


@case('hashed')
def hashed(preprocessing, folder):
    return [preprocessing.text.hashing_trick(text, 50, 'md5') for text in TEXTS]


TOKENIZERS = {
    'default': {},
    'few': {'num_words': 4},
    'few and unknown': {'num_words': 4, 'oov_token': '?'},
    'only unknown': {'num_words': 2, 'oov_token': '?'},
    'unknown': {'oov_token': '?'},
    'characters': {'char_level': True, 'num_words': 12},
    'upper': {'lower': False, 'filters': ',.'},
}


def tokenized(preprocessing, folder, options):
    tokenizer = preprocessing.text.Tokenizer(**options)
    fit = getattr(tokenizer, 'fit_on_texts')
    fit(TEXTS[:3])
    fit([['Listed', 'words', 'cat'], TEXTS[4]])
    sequences = tokenizer.texts_to_sequences(TEXTS + ['a new word'])
    result = [
        list(tokenizer.word_counts.items()),
        sorted(tokenizer.word_docs.items()),
        sorted(tokenizer.index_docs.items()),
        tokenizer.word_index,
        sorted(tokenizer.index_word.items()),
        tokenizer.document_count,
        sequences,
        tokenizer.sequences_to_texts(sequences + [[1, 3, 999]]),
    ]
    matrices = [tokenizer.texts_to_matrix(TEXTS[:3], mode=mode) for mode in ('binary', 'count', 'freq', 'tfidf')]
    return result + [matrix.tolist() for matrix in matrices]


for _name in TOKENIZERS:
    case('tokenizer ' + _name, TOKENIZERS[_name])(tokenized)


@case('tokenizer of sequences')
def of_sequences(preprocessing, folder):
    tokenizer = preprocessing.text.Tokenizer(num_words=5)
    getattr(tokenizer, 'fit_on_sequences')([[1, 2, 2], [4, 1], [7]])
    return [
        sorted(tokenizer.index_docs.items()),
        tokenizer.document_count,
        tokenizer.sequences_to_matrix([[1, 1, 2], [7, 4]], mode='tfidf').tolist(),
    ]


@case('tokenizer as JSON', {})
@case('tokenizer as JSON with arguments', {'num_words': 5, 'oov_token': '<oov>', 'char_level': False})
def as_json(preprocessing, folder, options):
    tokenizer = preprocessing.text.Tokenizer(**options)
    getattr(tokenizer, 'fit_on_texts')(['the cat sat', 'the mat'])
    description = json.loads(tokenizer.to_json())
    config = description.pop('config')  # of the tables, only the order is left to chance
    return [description, {name: json.loads(v) if str(v).startswith('{') else v for name, v in config.items()}]
