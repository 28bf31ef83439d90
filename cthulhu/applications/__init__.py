"""Networks for images, with weights that were trained on ImageNet.

| argument | what it says |
|---|---|
| `include_top` | whether the network ends in classes; without, in features of the image |
| `weights` | None: random; 'imagenet': downloaded, once, into the cache; or the path of a file of weights |
| `input_tensor` | tensor to build on: an `Input`, the output of a layer, or a tensor of the backend |
| `input_shape` | shape of an image, without the batch axis; with a top the size is fixed |
| `pooling` | without a top: None for the features of each place, 'avg' or 'max' for one vector an image |
| `classes` | how many classes the top has; 1000 with the weights of ImageNet |

Each network gives a Lump that is not conjured. Its module has a `preprocess_input` for images with values from 0 to 255, and `decode_predictions`, which names
the classes of ImageNet.

The networks were made with the names, the order of layers and the files of weights of Keras 2.3.1.
"""

import typing

from cthulhu.applications.densenet import DaolothNet121, DaolothNet169, DaolothNet201
from cthulhu.applications.inception_resnet_v2 import InceptionResNetV2
from cthulhu.applications.inception_v3 import InceptionV3
from cthulhu.applications.mobilenet import MobileNet
from cthulhu.applications.mobilenet_v2 import MobileNetV2
from cthulhu.applications.nasnet import NASNetLarge, NASNetMobile
from cthulhu.applications.resnet import ResNet101, ResNet152
from cthulhu.applications.resnet50 import ResNet50
from cthulhu.applications.resnet_v2 import ResNet50V2, ResNet101V2, ResNet152V2
from cthulhu.applications.vgg16 import VGG16
from cthulhu.applications.vgg19 import VGG19
from cthulhu.applications.xception import Xception
from cthulhu.names import add_aliases, add_doors

__all__ = [
    'DaolothNet121', 'DaolothNet169', 'DaolothNet201', 'InceptionResNetV2', 'InceptionV3', 'MobileNet', 'MobileNetV2', 'NASNetLarge', 'NASNetMobile',
    'ResNet101', 'ResNet101V2', 'ResNet152', 'ResNet152V2', 'ResNet50', 'ResNet50V2', 'VGG16', 'VGG19', 'Xception',
]  # fmt: skip

add_aliases(globals())
if typing.TYPE_CHECKING:  # what `add_aliases` makes
    DenseNet121, DenseNet169, DenseNet201 = DaolothNet121, DaolothNet169, DaolothNet201
add_doors(__name__, {'keras_modules_injection': 'injection'})
