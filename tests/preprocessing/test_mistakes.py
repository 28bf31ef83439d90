"""What beginners get wrong: the error names the argument, says what was expected and what came."""

import os

import numpy as np
import pytest

from cthulhu.preprocessing.sequence import TimeseriesGenerator, make_sampling_table, pad_sequences, skipgrams
from cthulhu.preprocessing.text import Tokenizer, hashing_trick, text_to_word_sequence


def tokenizer():
    made = Tokenizer()
    made.summon_on_texts(['old ones', 'old gods'])
    return made


@pytest.mark.parametrize('method', ['summon_on_texts', 'texts_to_sequences', 'texts_to_matrix'])
@pytest.mark.parametrize('texts', ['one text', b'text', None, 5, {'a': 1}, ['a', None], [1], [['a', None]], [['a', 3]]])
@pytest.mark.parametrize('char_level', [False, True])
def test_what_is_no_list_of_texts(method, texts, char_level):
    with pytest.raises(TypeError, match='`texts` must be a list of texts'):
        getattr(Tokenizer(num_words=5, char_level=char_level), method)(texts)


@pytest.mark.parametrize('method', ['summon_on_sequences', 'sequences_to_texts', 'sequences_to_matrix'])
@pytest.mark.parametrize('sequences', ['abc', None, 5, [1, 2], [['a']], [[1.5]], [None]])
def test_what_is_no_list_of_sequences(method, sequences):
    with pytest.raises(TypeError, match='`sequences` must'):
        getattr(tokenizer(), method)(sequences)


def test_sequences_of_several_kinds():
    for sequences in (
        [[1, 2], [3]],
        ((1, 2), (3,)),
        [np.array([1, 2]), [3]],
        np.array([[1, 2]]),
        ([n] for n in (1, 2)),
    ):
        assert tokenizer().sequences_to_texts(sequences)[0].startswith('old')


@pytest.mark.parametrize(
    'arguments, message',
    [
        ({'filters': None}, '`filters` must be a str'),
        ({'filters': ['ab']}, '`filters` must be a str'),
        ({'split': None}, '`split` must be a str'),
        ({'split': ''}, '`split` must be a str'),
        ({'oov_token': True}, '`oov_token` must be a str'),
    ],
)
def test_arguments_of_the_tokenizer(arguments, message):
    with pytest.raises(TypeError, match=message):
        Tokenizer(**arguments)
    if 'oov_token' not in arguments:
        with pytest.raises(TypeError, match=message):
            text_to_word_sequence('the text', **arguments)


def test_a_hash_is_a_number():
    with pytest.raises(TypeError, match="`hash_function` must return an int for each word; it returned 'A'"):
        hashing_trick('a b', 10, str.upper)


@pytest.mark.parametrize(
    'sequences, arguments, message',
    [
        ([[1], [2, 3]], {'maxlen': -1}, '`maxlen` is a whole number'),
        ([[1]], {'dtype': 'text'}, "`dtype` must be a dtype.*got 'text'"),
        ([[1]], {'value': None}, '`value` must be what an item of the dtype int32 can be; got None'),
        ([[1], [2, 3]], {'value': float('nan')}, '`value` must be what an item of the dtype int32 can be; got nan'),
        ([[1], [2, 3]], {'value': 1e20}, '`value` must be what an item of the dtype int32 can be'),
        ([[[1, 2]], [[3, 4]]], {'value': [1, 2, 3]}, '`value` must be what an item'),
        ([{1: 2}], {}, 'item 0 is {1: 2}'),
        ([None, [1]], {}, 'item 0 is None'),
        ([[1, [2]]], {'dtype': 'float32'}, 'sequence 0 differ in shape|does not hold the items of sequence 0'),
    ],
)
def test_what_cannot_be_padded(sequences, arguments, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(sequences, **arguments)


def test_a_value_loses_its_fraction_with_a_warning():
    with pytest.warns(UserWarning, match='cuts the fractions off'):
        assert pad_sequences([[1], [2, 3]], value=0.5).tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    'sequence, error, message',
    [
        (5, TypeError, '`sequence` must be a list of word numbers; got 5'),
        ('abc', ValueError, "got 'a'.*Tokenizer.texts_to_sequences"),
        ([[1, 2], [3]], ValueError, r'got \[1, 2\]'),
        ([1.5], ValueError, 'got 1.5'),
        ([-1], ValueError, 'got -1'),
        ([True], ValueError, 'got True'),
    ],
)
def test_what_has_no_skipgrams(sequence, error, message):
    with pytest.raises(error, match=message):
        skipgrams(sequence, 4)


def test_a_sampling_table_of_too_few_words():
    with pytest.raises(ValueError, match='for each of 3 words; `sequence` has the word 3.*make_sampling_table'):
        skipgrams([1, 3], 4, sampling_table=make_sampling_table(3))


@pytest.mark.parametrize('data', [None, 5, 'abcdef', {'a': 1}])
def test_what_is_no_time_series(data):
    with pytest.raises(TypeError, match='`data` must be an array or a list'):
        TimeseriesGenerator(data, [1, 2], length=1)
    with pytest.raises(TypeError, match='`targets` must be an array or a list'):
        TimeseriesGenerator([1, 2], data, length=1)


# -- pictures ---------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    image = pytest.importorskip('cthulhu.preprocessing.image')
    pytest.importorskip('PIL')
    for name in 'cd':
        os.makedirs(str(tmp_path / name))
        for number in range(3):
            image.save_img(str(tmp_path / name / f'{number}.png'), np.random.rand(6, 6, 3))
    return str(tmp_path)


def generators(folder):
    from cthulhu.preprocessing.image import ImageDataGenerator

    yield TimeseriesGenerator(np.arange(9), np.arange(9), length=3, batch_size=2)
    yield ImageDataGenerator().flow(np.zeros((6, 4, 4, 1)), np.arange(6), batch_size=2, shuffle=False)
    yield ImageDataGenerator().flow_from_directory(folder, batch_size=2, target_size=(6, 6), shuffle=False)


def test_batches_are_asked_for_one_at_a_time(folder):
    for batches in generators(folder):
        assert len(batches) == 3
        for wrong in (slice(0, 2), [0, 1], 'a', None, 1.0):
            with pytest.raises(TypeError, match=f'{type(batches).__name__} gives one batch at a time'):
                batches[wrong]
        for wrong in (3, -4):
            with pytest.raises((IndexError, ValueError), match=f'batch number {wrong}.*has 3'):
                batches[wrong]
        for last in (-1, np.int64(2)):
            for a, b in zip(batches[last], batches[2]):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    'arguments, error, message',
    [
        ({'classes': ['c', 'c']}, ValueError, "`classes` must name each folder once; got 'c' more than once"),
        ({'classes': 'cd'}, TypeError, "`classes` must be a list of the names of folders, or None for all; got 'cd'"),
        ({'classes': 5}, TypeError, '`classes` must be a list of the names of folders'),
        ({'classes': {'c': 0}}, TypeError, '`classes` must be a list of the names of folders'),
        ({'classes': [0, 1]}, TypeError, '`classes` must be a list of the names of folders; it has 0 in it'),
        ({'classes': []}, ValueError, '`classes` is empty'),
        ({'directory': None}, TypeError, '`directory` must be the path of a folder; got None'),
        ({'target_size': (2.5, 3)}, ValueError, '`target_size` is a pair of sizes'),
        ({'color_mode': []}, ValueError, '`color_mode` must be'),
        ({'save_format': 'xyz'}, ValueError, "`save_format` must be a format in which pictures are written.*'xyz'"),
        ({'save_format': None}, ValueError, '`save_format` must be a format'),
        ({'save_prefix': None}, TypeError, '`save_prefix` must be a str'),
    ],
)
def test_folders(folder, arguments, error, message):
    from cthulhu.preprocessing.image import ImageDataGenerator

    arguments = dict({'directory': folder, 'save_to_dir': folder}, **arguments)
    with pytest.raises(error, match=message):
        ImageDataGenerator().flow_from_directory(**arguments)


@pytest.mark.parametrize('made, came', [(lambda x: None, 'None'), (lambda x: x[:2], r'the shape \(2, 4, 3\)')])
def test_a_preprocessing_function_keeps_the_shape(made, came):
    from cthulhu.preprocessing.image import ImageDataGenerator

    batches = ImageDataGenerator(preprocessing_function=made).flow(np.zeros((2, 4, 4, 3)))
    with pytest.raises(
        ValueError, match=rf'must return a picture of the shape \(4, 4, 3\) that it was given; it returned {came}'
    ):
        batches[0]


def test_a_batch_is_no_picture():
    from cthulhu.preprocessing import image

    batch = np.zeros((2, 4, 4, 3))
    for call in (
        lambda: image.random_rotation(batch, 5),
        lambda: image.apply_affine_transform(batch),
        lambda: image.apply_affine_transform(batch[0][0], theta=5),
        lambda: image.ImageDataGenerator().random_transform(batch),
        lambda: image.ImageDataGenerator(rotation_range=5).random_transform(batch),
        lambda: image.ImageDataGenerator(rotation_range=5).get_random_transform((3,)),
    ):
        with pytest.raises(ValueError, match='must be (one picture|the shape of one picture)'):
            call()


def test_transforms():
    from cthulhu.preprocessing import image

    x = np.zeros((4, 4, 3))
    for fill_mode in ('white', None):
        with pytest.raises(ValueError, match='`fill_mode` must be one of'):
            image.apply_affine_transform(x, fill_mode=fill_mode)
    with pytest.raises(ValueError, match='three axes of the picture, each once'):
        image.apply_affine_transform(x, row_axis=5)
    for brightness in (-1, 'a', None, float('nan')):
        with pytest.raises(ValueError, match='`brightness` is a finite number at least 0'):
            image.apply_brightness_shift(x, brightness)
    with pytest.raises(TypeError, match='`transform_parameters` must be a dict'):
        image.ImageDataGenerator().apply_transform(x, None)
    with pytest.raises(ValueError, match="`dtype` must be a dtype.*'xx'"):
        image.ImageDataGenerator(dtype='xx')


def test_files(folder):
    from cthulhu.preprocessing import image

    x = np.zeros((4, 4, 3))
    for path, options in (('x.xyz', {}), ('x', {}), ('x.png', {'file_format': 'xyz'})):
        with pytest.raises(ValueError, match='`file_format` must be a format in which pictures are written'):
            image.save_img(os.path.join(folder, path), x, **options)
    with pytest.raises(TypeError, match='`path` must be the name of a file'):
        image.save_img(None, x)
    with pytest.raises(FileNotFoundError, match='`directory` must be a folder that exists'):
        image.list_pictures(os.path.join(folder, 'nothing'))
    with open(os.path.join(folder, 'named.png'), 'wb') as file:  # its name says the format
        image.save_img(file, x)
    assert image.load_img(os.path.join(folder, 'named.png')).size == (4, 4)
