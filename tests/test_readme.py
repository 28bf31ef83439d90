"""The README's Python runs as it is printed, and the digits are learnt."""

import os
import re

import pytest

from cthulhu import backend as K

ROOT = os.path.join(os.path.dirname(__file__), os.pardir)

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)


def test_the_code_of_the_readme(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open(os.path.join(ROOT, 'README.md'), encoding='utf-8') as readme:
        blocks = re.findall(r'^```python\n(.*?)^```', readme.read(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    names = {}
    for block in blocks:
        exec(block, names)
    assert 'accuracy' in capsys.readouterr().out and names['model'].metrics_names[0] == 'loss'


def test_the_digits_are_learnt(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv('CTHULHU_THEANO_MODE', raising=False)  # a job as users run it, compiled
    pytest.importorskip('sklearn')
    pytest.importorskip('matplotlib')
    import importlib.util

    path = os.path.join(ROOT, 'examples', 'digits_mlp.py')
    spec = importlib.util.spec_from_file_location('digits_mlp', path)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    assert example.main(['--plot', str(tmp_path / 'curves.png')]) >= 0.97
    assert (tmp_path / 'curves.png').stat().st_size > 10000
