"""What is shown to somebody who makes a mistake: each line of docs/mistakes.md is typed, and must show what stands there."""

import os
import re
import traceback

import pytest

import cthulhu
from cthulhu import backend as K

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# NumPy's mean is one of the functions that Theano's tensors bear.
BORNE = {'theano': ['np.mean(np.abs(true - predicted))']}

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)


def document():
    with open(os.path.join(ROOT, 'docs', 'mistakes.md'), encoding='utf-8') as file:
        text = file.read()
    prelude = re.search(r'^```python\n(.*?)^```', text, re.MULTILINE | re.DOTALL).group(1)
    rows = re.findall(r'^\| `(.+?)` \| (.+) \|$', text, re.MULTILINE)
    return prelude, [row for row in rows if not any(part in row[0] for part in BORNE.get(K.backend(), ()))]


PRELUDE, ROWS = document()


@pytest.fixture(scope='module')
def names():
    pytest.importorskip('pandas')
    pytest.importorskip('sklearn')
    made = {}
    exec(PRELUDE, made)
    return made


def test_there_are_a_hundred():
    assert len(ROWS) >= 100


@pytest.mark.parametrize('code, shown', ROWS)
@pytest.mark.filterwarnings('ignore')
def test_a_mistake_shows_what_the_document_says(code, shown, names):
    K.reset_uids()
    with pytest.raises(Exception) as caught:
        exec(code, names)
    assert f'{caught.type.__name__}: {caught.value}'.replace('|', '\\|') == shown
    # Raised by this library, or by Python for its sake: not by a framework or another package.
    home = os.path.dirname(os.path.abspath(cthulhu.__file__))
    assert traceback.extract_tb(caught.value.__traceback__)[-1].filename.startswith(home)
    assert not re.search(r'\b_[a-zA-Z]|site-packages|\.tmp\b', str(caught.value))


@pytest.mark.skipif(K.backend() != 'tensorflow', reason='the words are those of TensorFlow')
@pytest.mark.parametrize('code', ['np.exp(Input((3,)))', '1 if Input((3,)) > 0 else 2'])
def test_what_the_framework_says_is_in_the_document(code, names):
    K.reset_uids()
    with pytest.raises((NotImplementedError, TypeError)) as caught:
        exec(code, names)
    with open(os.path.join(ROOT, 'docs', 'mistakes.md'), encoding='utf-8') as file:
        last = file.read().rpartition('\n## ')[2]
    assert str(caught.value).partition('. ')[0] in last
