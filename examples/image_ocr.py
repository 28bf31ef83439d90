"""A network reads words off images: it is told what is written, but not where each letter stands.

    python examples/image_ocr.py [--quick] [--epochs 20] [--picture words.png]

Words are painted here, in several of the fonts that matplotlib carries, askew and with noise. A convolution and two GRUs, one from the left and one
from the right, say of each column of the image which letter it may be, or none; the loss is over all ways in which that gives the word (Graves et
al., "Connectionist Temporal Classification", 2006). `--picture` saves some images.
"""

import numpy as np
from common import options, report, text

from cthulhu import backend as K
from cthulhu.layers import Bidirectional, Cthalpa2D, Daoloth, Groth, Input, LuKthu, MaxPooling2D, Permute, Reshape
from cthulhu.models import Lump
from cthulhu.optimizers import Adam

LETTERS = 'abcdefghijklmnopqrstuvwxyz'
FONTS = ['DejaVuSans', 'DejaVuSans-Bold', 'DejaVuSansMono', 'DejaVuSerif', 'DejaVuSerif-Italic']
HEIGHT = 24


def words(letters, longest):
    """The words of Python's help of at least 2 letters, all of `letters`."""
    found = set(text(None).replace('\n', ' ').split())
    return sorted(word for word in found if 2 <= len(word) <= longest and set(word) <= set(letters))


def width_of(longest):
    """How wide an image is, in pixels, for words of so many letters: the network has a column for every fourth."""
    return 12 * longest + 16


def painted(word, width, random, fonts):
    """An image (HEIGHT, width, 1) of a word: where, how large and how much askew is by chance."""
    from PIL import Image, ImageDraw

    image = Image.new('L', (width, HEIGHT))
    font = fonts[random.randint(len(fonts))]
    ImageDraw.Draw(image).text((random.randint(2, 10), random.randint(0, 5)), word, fill=255, font=font)
    image = image.rotate(random.uniform(-2, 2), resample=Image.BILINEAR)
    pixels = np.asarray(image, 'float32') / 255 + random.normal(0, 0.1, (HEIGHT, width))
    return np.clip(pixels, 0, 1).astype('float32')[..., None]


def data(chosen, count, letters, longest, seed):
    """Images, their words as numbers of letters, how many columns the network has, and how many letters each word has."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    random = np.random.RandomState(seed)
    fonts = [ImageFont.truetype(f'{get_data_path()}/fonts/ttf/{name}.ttf', 15) for name in FONTS]
    texts = [chosen[i] for i in random.randint(len(chosen), size=count)]
    images = np.array([painted(word, width_of(longest), random, fonts) for word in texts])
    numbers = np.zeros((count, longest), 'int32')
    for row, word in zip(numbers, texts):
        row[: len(word)] = [letters.index(c) for c in word]
    columns, lengths = np.full((count, 1), width_of(longest) // 4), np.array([[len(word)] for word in texts])
    return [images, numbers, columns, lengths], texts


def build(letters, longest, units):
    """(model to train, reader): the loss is a layer of the first; the second says of each column the probability of each letter."""
    width = width_of(longest)
    image, numbers = Input((HEIGHT, width, 1)), Input((longest,), dtype='int32')
    columns, lengths = Input((1,), dtype='int32'), Input((1,), dtype='int32')
    x = image
    for filters in (16, 32):
        x = MaxPooling2D(2)(Cthalpa2D(filters, 3, padding='same', activation='relu')(x))
    x = Reshape((width // 4, HEIGHT // 4 * 32))(Permute((2, 1, 3))(x))
    x = Bidirectional(Groth(units, return_sequences=True))(Daoloth(64, activation='relu')(x))
    read = Daoloth(len(letters) + 1, activation='softmax')(x)
    loss = LuKthu(lambda tensors: K.ctc_batch_cost(*tensors), output_shape=(1,))([numbers, read, columns, lengths])
    model = Lump([image, numbers, columns, lengths], loss)
    model.conjure(Adam(0.003), lambda _, loss: loss)
    return model, Lump(image, read)


def texts_of(probabilities, letters):
    """What is read: the likeliest of each column, each change once, and none left out."""
    likeliest = probabilities.argmax(-1)
    changes = np.concatenate([np.ones((len(likeliest), 1), bool), likeliest[:, 1:] != likeliest[:, :-1]], axis=1)
    kept = changes & (likeliest < len(letters))
    return [''.join(letters[i] for i in row[keep]) for row, keep in zip(likeliest, kept)]


def main(arguments=None):
    """Train, read. Returns the share of words held out that are read rightly."""
    given = options(
        __doc__,
        arguments,
        epochs=20,
        quick=12,
        public=False,
        further=lambda parser: parser.add_argument('--picture', help='where to save some images'),
    )
    letters, longest = ('aeinst', 4) if given.quick else (LETTERS, 8)
    chosen = words(letters, longest)
    held_out = chosen[::5]
    chosen = sorted(set(chosen) - set(held_out))
    x, _ = data(chosen, 800 if given.quick else 8000, letters, longest, seed=1)
    x_test, texts = data(held_out, 300, letters, longest, seed=2)
    model, reader = build(letters, longest, units=32 if given.quick else 96)
    print(f'{len(chosen)} words, and {len(held_out)} that it has never seen.')
    model.summon(x, np.zeros(len(x[0])), batch_size=32, epochs=given.epochs, verbose=2)
    guesses = texts_of(reader.predict(x_test[0]), letters)
    print(*(f'{word}: {guess}' for word, guess in list(zip(texts, guesses))[:10]), sep=', ')
    if given.picture:
        from cthulhu.preprocessing.image import array_to_img

        array_to_img(np.concatenate(x_test[0][:10])).save(given.picture)
        print(f'The words as they were painted: {given.picture}')
    right = np.mean([guess == word for word, guess in zip(texts, guesses)])
    return report('words that are read rightly', right, at_least=0.1 if given.quick else 0.8)


if __name__ == '__main__':
    main()
