"""The notebooks run from their first cell to their last, in a kernel of their own."""

import importlib.util
import os

import pytest

from cthulhu import backend as K

for package in ('nbclient', 'nbformat', 'ipykernel', 'matplotlib', 'sklearn', 'PIL'):
    if importlib.util.find_spec(package) is None and not os.environ.get('CI'):  # in CI they must be there
        pytest.skip(f'the notebooks need {package}', allow_module_level=True)
import nbclient  # noqa: E402
import nbformat  # noqa: E402

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HERE = os.path.join(ROOT, 'examples', 'notebooks')
NAMES = sorted(name for name in os.listdir(HERE) if name.endswith('.ipynb'))


@pytest.mark.parametrize('name', NAMES)
def test_a_notebook_runs(name, monkeypatch):
    monkeypatch.setenv('PYTHONPATH', ROOT)
    notebook = nbformat.read(os.path.join(HERE, name), as_version=4)
    assert not any(cell.get('outputs') for cell in notebook.cells), 'notebooks are kept without their outputs'
    nbclient.NotebookClient(notebook, timeout=300, kernel_name='python3').execute()  # an error in a cell is one here
