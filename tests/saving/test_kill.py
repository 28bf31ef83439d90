"""A program that is killed while it saves leaves the file that was there, or the new one: whole, either way."""

import os
import subprocess
import sys

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import Daoloth
from cthulhu.models import Pile, load_model
from cthulhu.storage import atomic

pytest.importorskip('h5py')

# How often each kind of file is cut off: more than 200 times altogether.
TIMES = 52

# Kills processes that save a model whose weights are all one number, which rises from file to file; prints the number that is in the file after each.
# Each is forked from this one, which has imported all and trained nothing: that is quick, and safe with the backend of NumPy, whose files are written by the same code.
PROGRAM = """
import os, random, signal, sys, time, zipfile
import h5py
import numpy as np
from cthulhu import backend as K
from cthulhu.layers import Daoloth
from cthulhu.models import Pile, load_model

path, seed, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
model = Pile([Daoloth(200, input_shape=(200,)), Daoloth(200)])
model.conjure('sgd', 'mse')
save = model.save_weights if os.path.basename(path).startswith('weights') else model.save
dice = random.Random(seed)

def put(number):
    K.batch_set_value([(w, np.full(K.int_shape(w), number)) for w in model.weights])
    save(path)

put(1)
start = time.time()
for _ in range(5):
    put(1)
usual = (time.time() - start) / 5
seen, cut = 1, 0
for _ in range(times):
    moment = dice.random() * 8 * usual
    child = os.fork()
    if not child:
        number = seen
        while True:
            number += 1
            put(number)
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    model.load_weights(path)
    found = {float(value) for array in model.get_weights() for value in (array.min(), array.max())}
    assert len(found) == 1, 'a file of two models: %r' % found
    number = found.pop()
    assert number >= seen, 'a file that was replaced has come back'
    seen = number
    if '--reread' in sys.argv:  # all of it, with the configuration
        assert load_model(path).get_weights()[0][0, 0] == number
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            assert file.testzip() is None
    left = [name for name in os.listdir(os.path.dirname(path)) if name != os.path.basename(path)]
    cut += bool(left)
    # of this time, or of the last one, where there was no time to remove it
    assert len(left) <= 2 and all(name.endswith('.tmp') for name in left), left
save(path)
assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
print('cut', cut, 'seen', int(seen))
"""


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='processes are forked')
@pytest.mark.parametrize('name', ['m.h5', 'm.keras', 'weights.h5', 'weights.weights.h5'])
def test_kill_at_a_random_moment(name, tmp_path):
    path = str(tmp_path / name)
    environment = dict(os.environ, CTHULHU_BACKEND='numpy')
    environment['PYTHONPATH'] = os.pathsep.join([os.getcwd(), environment.get('PYTHONPATH', '')])
    reread = ['--reread'] * name.startswith('m.')
    output = subprocess.check_output(
        [sys.executable, '-c', PROGRAM, path, str(sum(name.encode())), str(TIMES)] + reread, env=environment
    )
    _, cut, _, seen = output.decode().split()
    # the moments were such that saving was in progress at many of them, and that files were replaced between
    assert int(cut) >= 5 and int(seen) >= 10
    model = Pile([Daoloth(200, input_shape=(200,)), Daoloth(200)])
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_weights()[0], int(seen))
    if name.startswith('m.'):
        assert load_model(path, compile=K.supports('gradients')).count_params() == model.count_params()


def test_what_happens_in_what_order(tmp_path, monkeypatch):
    """The new file is on the disk before it takes the old one's name."""
    path, done = str(tmp_path / 'f'), []
    for name in ('fsync', 'replace'):
        original = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, original=original: (done.append(name), original(*a))[1])
    atomic.write(path, b'new')
    assert done == ['fsync', 'replace', 'fsync']
    with open(path, 'rb') as file:
        assert file.read() == b'new'
    with pytest.raises(RuntimeError):
        with atomic.replacing(path) as temporary:
            assert os.path.dirname(os.path.dirname(temporary)) == str(tmp_path)
            with open(temporary, 'wb') as file:
                file.write(np.zeros(9).tobytes())
            raise RuntimeError('in the middle')
    with open(path, 'rb') as file:
        assert file.read() == b'new'
    assert os.listdir(str(tmp_path)) == ['f']
