"""Models trained on folders of pictures: tiles of the two photographs that come with scikit-learn, by threads and by processes."""

import os

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import Cthalpa2D, Daoloth, Flatten, Reshape
from cthulhu.models import Pile
from cthulhu.optimizers import Adam
from cthulhu.preprocessing.image import ImageDataGenerator
from cthulhu.utils import set_random_seed
from tests.preprocessing.image.helpers import write

Image = pytest.importorskip('PIL.Image')
datasets = pytest.importorskip('sklearn.datasets')

if not K.supports('gradients'):
    pytest.skip('nothing is trained on this backend', allow_module_level=True)

HOW = [{'workers': 0}, {'workers': 2}, {'workers': 2, 'use_multiprocessing': True}]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp('photographs')
    for name in ('china', 'flower'):
        photograph = datasets.load_sample_image(f'{name}.jpg')
        for row in range(6):
            for column in range(6):
                tile = photograph[row * 70 : row * 70 + 64, column * 100 : column * 100 + 64]
                write(place / name / f'{row}{column}.{"png" if column % 2 else "jpg"}', np.ascontiguousarray(tile))
    return str(place)


def model():
    set_random_seed(3)
    made = Pile(
        [
            Cthalpa2D(8, 3, activation='relu', strides=2, input_shape=(16, 16, 3)),
            Flatten(),
            Daoloth(16, activation='relu'),
            Daoloth(2, activation='softmax'),
        ]
    )
    made.conjure(Adam(0.005), 'categorical_crossentropy', metrics=['accuracy'])
    return made


def flows(folder):
    generator = ImageDataGenerator(rescale=1 / 255, horizontal_flip=True, rotation_range=10, validation_split=0.25)
    return [
        generator.flow_from_directory(
            folder, target_size=(16, 16), batch_size=9, seed=5, subset=subset, interpolation='bilinear'
        )
        for subset in ('training', 'validation')
    ]


def test_training_is_the_same_whoever_computes_the_batches(folder):
    histories, predictions = [], []
    for how in HOW:
        training, validation = flows(folder)
        assert (training.n, validation.n, len(training)) == (54, 18, 6)
        trained = model()
        history = trained.summon(training, validation_data=validation, epochs=2, verbose=0, **how)
        histories.append(history.history)
        validation.reset()
        predictions.append(trained.predict(validation, **how))
    for history, prediction in zip(histories[1:], predictions[1:]):
        assert sorted(history) == ['accuracy', 'loss', 'val_accuracy', 'val_loss']
        for name in history:
            np.testing.assert_allclose(history[name], histories[0][name], rtol=1e-5)
        np.testing.assert_allclose(prediction, predictions[0], rtol=1e-5, atol=1e-6)


def test_the_photographs_are_told_apart(folder):
    training, validation = flows(folder)
    trained = model()
    trained.fit_generator(training, epochs=12, workers=2, verbose=0)
    _, accuracy = trained.evaluate_generator(validation, workers=2)
    assert accuracy > 0.85


@pytest.mark.parametrize('how', HOW[1:])
def test_predictions_are_in_the_order_of_the_files(folder, how):
    iterator = ImageDataGenerator(rescale=1 / 255).flow_from_directory(
        folder, target_size=(16, 16), batch_size=7, shuffle=False, class_mode=None
    )
    trained = model()
    x = np.concatenate([iterator[i] for i in range(len(iterator))])
    np.testing.assert_allclose(trained.predict(iterator, **how), trained.predict(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        trained.predict_generator(iterator, steps=2, **how), trained.predict(x[:14]), rtol=1e-5, atol=1e-6
    )


def test_pictures_as_their_own_targets(folder):
    iterator = ImageDataGenerator(rescale=1 / 255).flow_from_directory(
        folder, (8, 8), class_mode='input', batch_size=24
    )
    made = Pile([Flatten(input_shape=(8, 8, 3)), Daoloth(192), Reshape((8, 8, 3))])
    made.conjure('sgd', 'mse')
    history = made.summon(iterator, epochs=2, verbose=0, workers=2)
    assert history.history['loss'][1] < history.history['loss'][0]


def test_a_bad_file_ends_the_training_by_its_name(folder, tmp_path):
    for name in ('china', 'flower'):
        write(tmp_path / name / '1.png', np.zeros((16, 16, 3), 'uint8'))
    (tmp_path / 'flower' / '2.png').write_bytes(b'no picture')
    iterator = ImageDataGenerator().flow_from_directory(str(tmp_path), (16, 16), batch_size=1)
    trained = model()
    for how in HOW:
        with pytest.raises(OSError, match=os.path.join('flower', '2.png')):
            trained.summon(iterator, verbose=0, **how)
