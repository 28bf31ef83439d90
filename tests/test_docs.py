"""The documents say what is so: the table of arguments is whole, and the tests that it names exist."""

import ast
import inspect
import os
import re

import pytest

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
