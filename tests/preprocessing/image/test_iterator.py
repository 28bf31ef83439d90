"""Iterators as Sequences: order, draws and epochs, whoever computes the batches."""

import pickle
import threading

import numpy as np
import pytest

from cthulhu.preprocessing.image import ImageDataGenerator, Iterator
from cthulhu.utils import OrderedEnqueuer, Sequence, set_random_seed
from tests.preprocessing.image.helpers import classes

pytest.importorskip('PIL')

WILD = ImageDataGenerator(rotation_range=40, zoom_range=0.3, horizontal_flip=True, brightness_range=(0.5, 1.5))


class Numbers(Iterator):
    """A batch is the numbers of its samples and their seeds."""

    def _get_batches_of_transformed_samples(self, index_array):
        return index_array.tolist(), self.seeds_of(index_array)


def x(number=10):
    return np.random.RandomState(0).uniform(0, 255, (number, 6, 5, 3)).astype('float32')


def of_arrays(folder):
    return WILD.flow(x(), np.arange(10), batch_size=3, seed=7)


def of_folder(folder):
    return WILD.flow_from_directory(classes(folder), target_size=(6, 5), batch_size=3, seed=7, class_mode='sparse')


@pytest.mark.parametrize('make', [of_arrays, of_folder])
@pytest.mark.parametrize('workers, processes', [(1, False), (3, False), (1, True), (2, True)])
def test_batches_do_not_depend_on_who_computes_them(tmp_path, make, workers, processes):
    iterator, other = make(tmp_path / 'one'), make(tmp_path / 'two')
    wanted = [next(iterator) for _ in range(2 * len(iterator))]
    ahead = OrderedEnqueuer(other, use_multiprocessing=processes)
    ahead.start(workers=workers, max_queue_size=4)
    batches = ahead.get()
    try:
        for batch in wanted:
            found = next(batches)
            np.testing.assert_array_equal(found[0], batch[0])
            np.testing.assert_array_equal(found[1], batch[1])
    finally:
        ahead.stop()
    assert not np.array_equal(wanted[0][0], wanted[len(iterator)][0])


def test_next_in_several_threads_gives_each_batch_once():
    iterator = Numbers(20, 2, True, 3)
    wanted = [next(iterator) for _ in range(40)]
    other, found = Numbers(20, 2, True, 3), []
    threads = [threading.Thread(target=lambda: found.extend(next(other) for _ in range(10))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(wanted)


def test_is_a_sequence_with_kerass_attributes():
    iterator = Numbers(7, 3, False, None)
    assert isinstance(iterator, Sequence) and len(iterator) == 3 and iter(iterator) is iterator
    assert (iterator.n, iterator.batch_size, iterator.shuffle, iterator.seed) == (7, 3, False, None)
    assert iterator[2][0] == iterator[-1][0] == [6] and iterator[0][0] == [0, 1, 2]
    assert (iterator.batch_index, iterator.total_batches_seen) == (0, 0)
    next(iterator)
    assert (iterator.batch_index, iterator.total_batches_seen) == (1, 1)
    iterator.next(), iterator.next()
    assert (iterator.batch_index, iterator.total_batches_seen) == (0, 3)
    next(iterator)
    assert (iterator.batch_index, iterator.total_batches_seen, iterator.epoch) == (1, 4, 1)
    np.testing.assert_array_equal(iterator.index_array, np.arange(7))
    for index in (3, -4):
        with pytest.raises(ValueError, match='has 3'):
            iterator[index]


def test_an_epoch_has_each_sample_once_in_a_new_order():
    iterator = Numbers(9, 4, True, 1)
    epochs = [[number for _ in range(3) for number in next(iterator)[0]] for _ in range(3)]
    assert all(sorted(epoch) == list(range(9)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_reset_begins_a_new_epoch():
    iterator = Numbers(6, 2, True, 1)
    wanted = [next(iterator) for _ in range(9)]
    other = Numbers(6, 2, True, 1)
    other.reset()
    assert [next(other) for _ in range(3)] == wanted[:3]
    other.reset()
    assert [next(other) for _ in range(2)] == wanted[3:5]
    other.reset()
    assert [next(other) for _ in range(3)] == wanted[6:9]


def test_the_seed_is_drawn_from_numpy_if_there_is_none():
    set_random_seed(5)
    first = [Numbers(9, 3, True, None)[0] for _ in range(2)]
    set_random_seed(5)
    assert [Numbers(9, 3, True, None)[0] for _ in range(2)] == first and first[0] != first[1]


def test_draws_belong_to_samples_and_not_to_batches():
    seeds = {}
    for batch_size, shuffle in ((2, False), (5, True)):
        iterator = Numbers(10, batch_size, shuffle, 3)
        for i in range(len(iterator)):
            for number, seed in zip(*iterator[i]):
                assert seeds.setdefault(number, seed) == seed
    assert len(set(seeds.values())) == 10


def test_can_be_copied_to_another_process():
    iterator = WILD.flow(x(), batch_size=4, seed=2)
    next(iterator)
    other = pickle.loads(pickle.dumps(iterator))
    np.testing.assert_array_equal(next(other), next(iterator))


def test_no_samples():
    iterator = Numbers(0, 2, True, 1)
    assert len(iterator) == 0
    with pytest.raises(StopIteration):
        next(iterator)


@pytest.mark.parametrize('batch_size', [0, -1, 1.5, True, None])
def test_a_batch_size_that_is_none(batch_size):
    with pytest.raises(ValueError, match='`batch_size`'):
        Numbers(5, batch_size, True, None)


@pytest.mark.parametrize('seed', [-1, 2**32, 1.5, 'seed', True])
def test_a_seed_that_is_none(seed):
    with pytest.raises(ValueError, match='`seed`'):
        Numbers(5, 2, True, seed)


def test_the_base_says_what_is_missing():
    with pytest.raises(NotImplementedError, match='_get_batches_of_transformed_samples'):
        Iterator(5, 2, True, None)[0]


def test_save_to_dir(tmp_path):
    from PIL import Image

    (tmp_path / 'saved').mkdir()
    iterator = WILD.flow(x(4), batch_size=2, seed=1, save_to_dir=str(tmp_path / 'saved'), save_prefix='p')
    batches = [next(iterator) for _ in range(4)]
    names = sorted(path.name for path in (tmp_path / 'saved').iterdir())
    assert len(names) == 8 and all(name.startswith('p_') and name.endswith('.png') for name in names)
    seed = iterator.seeds_of([0])[0]
    place = iterator.index_array.tolist().index(0)
    with Image.open(str(tmp_path / 'saved' / f'p_0_{seed}.png')) as image:
        found = np.asarray(image).astype(float)
    given = batches[2 + place // 2][place % 2]
    given = (given - given.min()) / (given.max() - given.min()) * 255
    np.testing.assert_allclose(found, given, atol=1)
    with pytest.raises(FileNotFoundError, match='`save_to_dir`.*nowhere'):
        WILD.flow(x(), save_to_dir=str(tmp_path / 'nowhere'))
    gray = WILD.flow(x()[..., :1], batch_size=2, save_to_dir=str(tmp_path / 'saved'), save_format='jpeg')
    next(gray)
    assert len(list((tmp_path / 'saved').glob('*.jpeg'))) == 2
