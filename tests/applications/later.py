"""Whether this library loads the networks of tf.keras as tf-keras saves them, predicts what they predict, and trains as they train.

    python tests/applications/later.py write FOLDER [NETWORK ...]    with tf-keras: whole models, their predictions and losses
    python tests/applications/later.py read FOLDER [NETWORK ...]     with this library: loads each, and removes it

For NETWORK also kinds (one of each kind; the default) or all, which takes an hour. `read` fails where predictions differ by more than 1e-5 (of those beyond 1,
relatively) or hardly depend on the image, or a loss in training by more than 1e-4 of itself.
"""

import os
import re
import sys
import time

import numpy as np

KINDS = [
    'ConvNeXtTiny', 'DenseNet121', 'EfficientNetB0', 'EfficientNetV2B0', 'InceptionResNetV2', 'InceptionV3', 'MobileNet', 'MobileNetV2', 'MobileNetV3Small',
    'NASNetMobile', 'RegNetX002', 'RegNetY002', 'ResNet50', 'ResNet50V2', 'ResNetRS50', 'VGG16', 'Xception',
]  # fmt: skip
ALL = KINDS + [
    'ConvNeXtBase', 'ConvNeXtLarge', 'ConvNeXtSmall', 'ConvNeXtXLarge', 'DenseNet169', 'DenseNet201', 'EfficientNetB1', 'EfficientNetB2', 'EfficientNetB3',
    'EfficientNetB4', 'EfficientNetB5', 'EfficientNetB6', 'EfficientNetB7', 'EfficientNetV2B1', 'EfficientNetV2B2', 'EfficientNetV2B3', 'EfficientNetV2L',
    'EfficientNetV2M', 'EfficientNetV2S', 'MobileNetV3Large', 'NASNetLarge', 'RegNetX004', 'RegNetX006', 'RegNetX008', 'RegNetX016', 'RegNetX032',
    'RegNetX040', 'RegNetX064', 'RegNetX080', 'RegNetX120', 'RegNetX160', 'RegNetX320', 'RegNetY004', 'RegNetY006', 'RegNetY008', 'RegNetY016', 'RegNetY032',
    'RegNetY040', 'RegNetY064', 'RegNetY080', 'RegNetY120', 'RegNetY160', 'RegNetY320', 'ResNet101', 'ResNet101V2', 'ResNet152', 'ResNet152V2', 'ResNetRS101',
    'ResNetRS152', 'ResNetRS200', 'ResNetRS270', 'ResNetRS350', 'ResNetRS420', 'VGG19',
]  # fmt: skip
SIZE = 64
SIZES = {'Xception': 71, 'InceptionV3': 75, 'InceptionResNetV2': 75, 'NASNetLarge': 96}
GATED = re.compile('Eff|MobileNetV3')  # by numbers below 1, at which a signal fades
DEEP = re.compile(
    'RegNet|ResNetRS|ResNet101|ResNet152|NASNetLarge|InceptionV3'
)  # so that rounding grows: unless each part does less, and
# normalisations are frozen, as the variances of some channels of eight small images are next to nothing
SCALES = {'RegNet': 0.5, 'ResNet': 0.75}
RESCALES = re.compile('ConvNeXt|Eff|MobileNetV3|RegNet|ResNetRS')  # pixels, as their first layers
PREDICTIONS, LOSSES = 1e-5, 1e-4


def shake(model, gain, scale=1.0):
    """Give each weight a value that stands for no other, with which a signal neither grows nor fades."""
    random = np.random.RandomState(1)
    for weight in model.weights:
        shape, name = tuple(weight.shape), weight.name.split('/')[-1]
        if len(shape) > 1:
            inputs = np.prod(shape[:2] if 'depthwise' in name else shape[:-1])
            value = random.normal(0, np.sqrt(gain / inputs), shape)
        elif not shape or 'norm' in weight.name and name.startswith(('mean', 'variance')):
            continue  # of the layer Normalization
        elif name.startswith(('bias', 'beta', 'moving_mean')):
            value = random.normal(0, 0.1, shape)
        elif name.startswith('moving_variance'):
            value = random.uniform(0.8, 1.2, shape)
        else:
            value = random.normal(0.5 if 'layer_scale' in weight.name else scale, 0.1, shape)
        weight.assign(value.astype('float32'))


def settle(keras, model, x, times):
    """Bring the averages of the normalisations most of the way to those of some images."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in layers:
        layer.momentum = 0.2
    for _ in range(times):
        model(x, training=True)
    for layer in layers:
        layer.momentum = 0.99


def still(keras, model):
    """Switch off what is drawn in training, which each library draws by itself."""
    for layer in model.layers:
        if isinstance(layer, keras.Sequential):
            still(keras, layer)
        elif isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
        elif type(layer).__name__ == 'StochasticDepth':
            layer.drop_path_rate = 0.0


def write(folder, names):
    import tf_keras as keras

    for name in names:
        start = time.time()
        keras.backend.clear_session()
        size = SIZES.get(name, SIZE)
        model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=10)
        still(keras, model)
        is_gated = GATED.match(name)
        gain = 3 if re.match('EfficientNetB[2-7]', name) else 2 if is_gated else 1.5
        scale = next((SCALES[each] for each in SCALES if name.startswith(each) and DEEP.match(name)), 1.0)
        shake(model, gain, scale)
        random = np.random.RandomState(2)
        x = random.uniform(0, 127, (8, 1, 1, 3)) + random.uniform(0, 127, (8, size, size, 3))
        x, y = x.astype('float32') / (1 if RESCALES.match(name) else 255), np.eye(10)[:8]
        settle(keras, model, x, 2 if is_gated else 1)
        if DEEP.match(name):
            for layer in model.layers:
                layer.trainable = layer.trainable and not isinstance(layer, keras.layers.BatchNormalization)
        is_linear = model.layers[-1].activation is keras.activations.linear
        model.compile(keras.optimizers.SGD(1e-6), keras.losses.CategoricalCrossentropy(from_logits=is_linear))
        path = os.path.join(folder, name)
        model.save(path + '.h5')
        p = model.predict(x, verbose=0)
        np.savez(path + '.npz', x=x, y=y, p=p, losses=[model.train_on_batch(x, y) for _ in range(2)])
        print(f'{name:<20} {model.count_params():>10,} weights, {time.time() - start:.1f} s', flush=True)


def read(folder, names):
    import cthulhu

    failures = []
    for name in names:
        start, path = time.time(), os.path.join(folder, name)
        cthulhu.backend.clear_session()
        with np.load(path + '.npz') as found:
            x, y, p, losses = (found[key] for key in ('x', 'y', 'p', 'losses'))
        model = cthulhu.models.load_model(path + '.h5')
        difference = float((np.abs(model.predict(x) - p) / np.maximum(1, np.abs(p))).max())
        drift = float(np.abs([model.train_on_batch(x, y) for _ in range(2)] / losses - 1).max())
        signal = float(p.std(axis=0).max())
        good = difference <= PREDICTIONS and drift <= LOSSES and signal > 0.001
        print(
            f'{name:<20} predictions differ by {difference:.1e} (they vary by {signal:.2g}), losses by {drift:.1e}; {time.time() - start:.1f} s'
            + ('' if good else '  <--'),
            flush=True,
        )
        failures += [] if good else [name]
        os.remove(path + '.h5')
        os.remove(path + '.npz')
    if failures:
        raise SystemExit('Too far from what was written: {}.'.format(', '.join(failures)))


if __name__ == '__main__':
    if len(sys.argv) < 3 or sys.argv[1] not in ('write', 'read'):
        raise SystemExit(__doc__)
    groups = {'kinds': KINDS, 'all': ALL}
    chosen = [name for given in sys.argv[3:] or ['kinds'] for name in groups.get(given, [given])]
    {'write': write, 'read': read}[sys.argv[1]](sys.argv[2], chosen)
