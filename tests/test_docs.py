"""The documents say what is so: the table of arguments is whole, and the tests that it names exist."""

import ast
import importlib.util
import inspect
import os
import re

import pytest

import cthulhu
from cthulhu import backend as K
from cthulhu.models import Lump

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
METHODS = """
conjure summon evaluate predict train_on_batch test_on_batch predict_on_batch summon_generator evaluate_generator
predict_generator get_layer
""".split()


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as lines:
        return lines.read()


def sections():
    """The rows of each section of docs/arguments.md that names tests, as lists of cells, by heading."""
    found = {}
    for part in read('docs/arguments.md').split('\n## ')[1:]:
        heading, _, rest = part.partition('\n')
        rows = [line.strip('|').split('|') for line in rest.split('\n') if line.startswith('|')][2:]
        if heading.strip() == 'The table':  # held by the tests of the table itself
            continue
        found[heading.strip()] = [[cell.strip() for cell in row] for row in rows]
    return found


@pytest.mark.parametrize('method', METHODS)
def test_the_table_has_every_argument(method):
    parameters = list(inspect.signature(getattr(Lump, method)).parameters.values())[1:]
    names = [f'`**{p.name}`' if p.kind is p.VAR_KEYWORD else f'`{p.name}`' for p in parameters]
    assert [row[0] for row in sections()[method]] == names


def test_the_tests_in_the_table_exist():
    rows = [row for rows in sections().values() for row in rows]
    assert all(len(row) == 2 and re.match(r'`tests/[\w/]+\.py::test_\w+`', row[1]) for row in rows)
    defined = {}
    for path, name in re.findall(r'`(tests/[\w/]+\.py)::(\w+)`', read('docs/arguments.md')):
        if path not in defined:
            defined[path] = {node.name for node in ast.parse(read(path)).body if isinstance(node, ast.FunctionDef)}
        assert name in defined[path], f'{path} has no {name}'


def pages():
    docs = os.path.join(ROOT, 'docs')
    return sorted(name for name in os.listdir(ROOT) if name.endswith('.md')) + sorted(
        'docs/' + name for name in os.listdir(docs) if name.endswith('.md')
    )


@pytest.mark.parametrize('page', pages())
def test_what_a_page_links_to_is_there(page):
    text = re.sub(r'^```.*?^```', '', read(page), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r'\]\(([^)\s]+)\)', text):
        path, _, heading = link.partition('#')
        if '://' in path:
            continue
        target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        assert os.path.exists(os.path.join(ROOT, target)), f'{page} links to {link}, which is not there.'
        if heading and target.endswith('.md'):
            titles = re.findall(r'^#+ (.*)$', read(target), re.MULTILINE)
            slugs = [re.sub(r'[^\w -]', '', title.lower()).strip().replace(' ', '-') for title in titles]
            assert heading in slugs, f'{page} links to {link}; the headings are {slugs}.'


def test_the_version_is_the_same_everywhere():
    assert f'version: {cthulhu.__version__}\n' in read('CITATION.cff')
    assert f'\n## {cthulhu.__version__}' in read('CHANGELOG.md')


#: What the code of a page needs beside the library.
NEEDS = {
    'docs/devices.md': ('tensorflow',),
    'docs/export.md': ('tensorflow', 'onnx', 'onnxruntime'),
    'docs/images.md': ('PIL', 'sklearn'),
    'docs/index.md': ('sklearn',),
    'docs/notebooks.md': ('matplotlib',),
    'docs/preprocessing.md': ('PIL',),
    'docs/scikit_learn.md': ('sklearn',),
}
#: Pages whose blocks are run by tests of their own, which hold what they show, too.
ELSEWHERE = {'README.md', 'docs/mistakes.md', 'docs/programs.md'}


def blocks(page):
    """The Python of a page: (number of its line, code, why it is not run or '')."""
    text = read(page)
    for block in re.finditer(r'^(?:<!-- not run: (.+) -->\n)?```python\n(.*?)^```$', text, re.MULTILINE | re.DOTALL):
        yield text[: block.start(2)].count('\n'), block.group(2), block.group(1) or ''


@pytest.mark.skipif(not K.supports('gradients'), reason='they train')
@pytest.mark.parametrize('page', [page for page in pages() if page not in ELSEWHERE and any(blocks(page))])
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    for package in NEEDS.get(page, ()):
        if importlib.util.find_spec(package) is None and not os.environ.get('CI'):  # in CI they must be there
            pytest.skip(f'{page} needs {package}')
    monkeypatch.chdir(tmp_path)
    names = {'__name__': 'page'}
    for line, code, reason in blocks(page):
        if not reason:
            exec(compile('\n' * line + code, os.path.join(ROOT, page), 'exec'), names)
