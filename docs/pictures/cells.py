"""The cells of the notebook whose pictures `make.py` takes. Cells begin with `# %%`; the name after it is that of the picture."""

# %% data
import numpy as np
from sklearn.datasets import load_digits

from cthulhu.layers import Cthalpa2D, Daoloth, Darkness, Flatten, Input, Mlandoth2D, concatenate, subtract
from cthulhu.models import Lump, Pile
from cthulhu.utils import set_random_seed

set_random_seed(7)
x, y = load_digits(return_X_y=True)
images = x.reshape(-1, 8, 8, 1) / 16

# %% graph
eye = Pile(
    [
        Cthalpa2D(16, 3, padding='same', activation='relu', input_shape=(8, 8, 1)),
        Mlandoth2D(),
        Flatten(),
        Darkness(0.3),
        Daoloth(24, activation='relu'),
    ],
    name='eye',
)
left, right = Input((8, 8, 1), name='left'), Input((8, 8, 1), name='right')
a, b = eye(left), eye(right)
both = concatenate([a, b, subtract([a, b])])
hidden = Daoloth(32, activation='relu')(both)
same = Daoloth(1, activation='sigmoid', name='same')(hidden)
total = Daoloth(19, activation='softmax', name='sum')(hidden)
model = Lump([left, right], [same, total])
model

# %% summary
model.summary()

# %% bar
other = np.random.permutation(len(x))
pairs = [images, images[other]]
targets = [(y == y[other]).astype(float), y + y[other]]
losses = ['binary_crossentropy', 'sparse_categorical_crossentropy']
model.conjure('adam', losses)
history = model.summon(pairs, targets, epochs=2, validation_split=0.1)

# %% curves
model.conjure('adam', losses, metrics={'sum': 'accuracy'})
history = model.summon(pairs, targets, epochs=15, validation_split=0.2, verbose='curves')

# %% history
history
