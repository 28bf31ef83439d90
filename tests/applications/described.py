"""What a network is, in a few figures: for ours and for Keras 2.3.1's, which `record.py` wrote down."""

import hashlib

#: Network -> arguments beside weights=None. `resnet.ResNet50` is the one with the names of its siblings.
CASES = {
    'top': {},
    'features': {'include_top': False, 'input_shape': (97, 108, 3), 'pooling': 'avg'},
    'largest': {'include_top': False, 'input_shape': (96, 96, 3), 'pooling': 'max'},
    'seven': {'input_shape': (75, 80, 1), 'classes': 7},
    'any size': {'include_top': False},
    'narrow': {'input_shape': (64, 64, 3), 'alpha': 0.5, 'classes': 3},
    'wide': {'include_top': False, 'input_shape': (65, 64, 3), 'alpha': 1.4},
}
NETWORKS = """
VGG16 VGG19 ResNet50 resnet.ResNet50 ResNet101 ResNet152 ResNet50V2 ResNet101V2 ResNet152V2 InceptionV3 InceptionResNetV2 Xception MobileNet MobileNetV2 DenseNet121
DenseNet169 DenseNet201 NASNetMobile NASNetLarge
""".split()
SMALL = (
    'VGG16',
    'ResNet50',
    'ResNet50V2',
    'Xception',
    'InceptionV3',
    'MobileNet',
    'MobileNetV2',
    'DenseNet121',
    'NASNetMobile',
)


#: What a slow backend checks: the cases that differ in static shapes and names, on small networks.
ONCE = (
    ('VGG16', 'features'), ('MobileNet', 'any size'), ('MobileNetV2', 'seven'),
)  # fmt: skip


def cases():
    """(network, case) of all that are recorded."""
    found = [(network, case) for network in NETWORKS for case in ('top', 'features')]
    found.remove(('NASNetLarge', 'features'))  # Keras takes minutes for it, and NASNetMobile is the same builder
    found += [(network, case) for network in SMALL for case in ('largest', 'seven')]
    found += [(network, 'any size') for network in SMALL]
    return found + [(network, case) for network in ('MobileNet', 'MobileNetV2') for case in ('narrow', 'wide')]


def function(applications, name):
    """The function that makes a network."""
    for part in name.split('.'):
        applications = getattr(applications, part)
    return applications


def lines(model, class_name, shape):
    """Two lists of texts: the layers with their classes, shapes and inputs; the weights with their layers and shapes."""
    layers, weights = [], []
    for layer in model.layers:
        inputs = ','.join(inbound.name for inbound in layer._inbound_nodes[0].inbound_layers)
        layers.append(f'{layer.name} {class_name(layer)} {_shape(layer.output_shape)} <- {inputs}')
        weights += [f'{layer.name} {_shape(shape(w))}' for w in layer.weights]
    return layers, weights


def figures(model, class_name, shape):
    """The same, in figures that differ if one line does."""
    layers, weights = lines(model, class_name, shape)
    return {
        'name': model.name,
        'output': _shape(model.output_shape),
        'parameters': model.count_params(),
        'layers': [len(layers), digest(layers)],
        'weights': [len(weights), digest(weights)],
    }


def digest(items):
    return hashlib.md5('\n'.join(items).encode()).hexdigest()


def _shape(shape):
    return 'x'.join('?' if size is None else str(int(size)) for size in shape)
