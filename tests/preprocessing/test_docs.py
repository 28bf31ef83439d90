"""The examples of docs/preprocessing.md run as they are printed."""

import os
import re

import pytest

from cthulhu import backend as K

pytest.importorskip('PIL')

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.mark.skipif(not K.supports('gradients'), reason='one of them trains')
def test_the_examples_run(tmp_path, monkeypatch):
    with open(os.path.join(ROOT, 'docs', 'preprocessing.md'), encoding='utf-8') as file:
        blocks = re.findall(r'```python\n(.*?)```', file.read(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks:
        exec(block, names)
    assert len(blocks) == 4 and names['tokenizer'].document_count == 2


def test_the_number_of_cases_is_right():
    from tests.preprocessing.cases import CASES

    with open(os.path.join(ROOT, 'docs', 'preprocessing.md'), encoding='utf-8') as file:
        assert f'a table of {len(CASES)} cases' in file.read()
