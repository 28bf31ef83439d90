"""The public API: every name of Keras 2.3.1 under Cthulhu's names, with agreeing signatures.

`spec/api.json` was read off a running Keras 2.3.1 and put in Cthulhu's names; `spec/names.json` has the names and their further spellings.
"""

import importlib
import inspect
import json
import os
import re

import pytest

FOLDER = os.path.join(os.path.dirname(__file__), 'spec')

with open(os.path.join(FOLDER, 'api.json')) as _file:
    API = json.load(_file)
with open(os.path.join(FOLDER, 'names.json')) as _file:
    NAMES = json.load(_file)['classes_and_functions']

APPLICATIONS = [module for module in API if module.startswith('cthulhu.applications')]
DATASETS = [module for module in API if module.startswith('cthulhu.datasets')]
COMPLETE = APPLICATIONS + DATASETS + [
    'cthulhu.activations', 'cthulhu.backend', 'cthulhu.callbacks', 'cthulhu.constraints', 'cthulhu.initializers', 'cthulhu.layers', 'cthulhu.losses',
    'cthulhu.metrics', 'cthulhu.models', 'cthulhu.optimizers', 'cthulhu.preprocessing.image', 'cthulhu.preprocessing.sequence',
    'cthulhu.preprocessing.text', 'cthulhu.regularizers', 'cthulhu.utils',
    'cthulhu.wrappers.scikit_learn',
]  # fmt: skip


def entries():
    for module in COMPLETE:
        for name, entry in sorted(API[module].items()):
            if not entry.get('legacy'):
                yield module, name, entry


def split(text):
    """The parameters of '(a, b=(1, 2), *args)': [('a', None), ('b', '(1, 2)')], those with stars left out."""
    found, depth, quoted, item = [], 0, False, ''
    for character in text[1:-1] + ',':
        quoted ^= character == "'"
        if character == ',' and not depth and not quoted:
            name, _, default = item.strip().partition('=')
            if name and not name.startswith('*') and name != 'kwargs':
                found.append((name, default or None))
            item = ''
            continue
        depth += (character in '([{') - (character in ')]}')
        item += character
    return found


def parameters(function):
    return [
        (p.name, None if p.default is p.empty else p.default)
        for p in inspect.signature(function).parameters.values()
        if p.name != 'self' and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]


def check(wanted, function, where):
    if wanted is None or wanted == '(*args, **kwargs)':
        return  # a decorator of Keras hid what it takes; tests/applications say it
    wanted, found = split(wanted), parameters(function)
    assert [name for name, _ in wanted] == [name for name, _ in found[: len(wanted)]], f'{where} takes {found}'
    for (name, default), (_, has) in zip(wanted, found):
        if default is not None and '<' not in default:
            assert eval(default) == has or re.sub(' at 0x.*', '', repr(has)) == default, f'{where}: {name}={has!r}'
    optional = [p for p in list(inspect.signature(function).parameters.values()) if p.default is not p.empty]
    assert all(any(p.name == name for p in optional) for name, _ in found[len(wanted) :]), (
        f'{where} needs more arguments'
    )


@pytest.mark.parametrize('module, name, entry', list(entries()), ids=lambda v: v if isinstance(v, str) else '')
def test_name(module, name, entry):
    home = importlib.import_module(module)
    thing = getattr(home, name)
    for spelling in [entry['keras']] + NAMES.get(entry['keras'], {}).get('also', []):
        assert getattr(home, spelling) is thing
    check(entry.get('init') or entry.get('signature'), thing, name)
    for method, signature in entry.get('methods', {}).items():
        check(signature, getattr(thing, method), f'{name}.{method}')


def test_other_names_of_modules():
    import cthulhu
    from cthulhu import deities, layers, models, pantheon

    assert deities.Dense is layers.Daoloth and pantheon.Model is models.Lump is cthulhu.Lump
