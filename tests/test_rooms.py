"""The house: which room may import which, how long a file may be, and in which grammar it is written.

All imports count, those inside functions too.
"""

import ast
import os
import sys

import pytest

import cthulhu

TOP = os.path.dirname(os.path.abspath(cthulhu.__file__))

#: The rooms from the bottom up: a file imports from its own room and from those before it.
ROOMS = (
    'names', 'version',
    'callers',  # warnings that name the line where the library was called
    'storage',  # files, whatever is in them
    'backend',
    'utils',  # arrays, texts, progress, and what needs no more of a layer than its attributes
    'registry',
    'policies',  # which types layers compute in
    'pictures',  # of models and trainings, read off them
    'activations', 'constraints', 'initializers', 'regularizers', 'losses', 'optimizers', 'callbacks',
    'metrics',
    'saving',
    'legacy',  # what other people's code asks a model for, told by public names
    'engine',
    'layers',
    'models',
    'distribution',  # who joins whom, and how a launcher says it
    'preprocessing', 'datasets', 'applications', 'wrappers', 'export',
    'doors',
)  # fmt: skip

#: Paths under which users look for things of several rooms, and a tool for people who write layers. No file imports them but each other.
DOORS = (
    'cthulhu', 'cthulhu.__main__', 'cthulhu.as_keras', 'cthulhu.as_tf_keras', 'cthulhu.deities', 'cthulhu.door', 'cthulhu.mixed_precision', 'cthulhu.objectives', 'cthulhu.pantheon',
    'cthulhu.legacy', 'cthulhu.legacy.interfaces', 'cthulhu.legacy.layers', 'cthulhu.legacy.optimizer_v2',
    'cthulhu.applications.injection', 'cthulhu.backend.common', 'cthulhu.backend.numpy_backend', 'cthulhu.backend.tensorflow_backend',
    'cthulhu.engine.saving', 'cthulhu.engine.sequential', 'cthulhu.engine.topology', 'cthulhu.engine.training',
    'cthulhu.engine.training_arrays', 'cthulhu.engine.training_generator', 'cthulhu.engine.training_utils',
    'cthulhu.utils', 'cthulhu.utils.data_utils', 'cthulhu.utils.layer_test', 'cthulhu.utils.multi_gpu_utils', 'cthulhu.utils.test_utils',
)  # fmt: skip

#: Arrows that go up, each with its reason.
UPWARD = {
    ('cthulhu.metrics.base', 'cthulhu.engine.base_layer'): 'a metric is a layer: its state is weights, its updates are those of a layer',
}  # fmt: skip

#: Imports inside functions, each with its reason.
HIDDEN = {
    ('cthulhu.engine.tracking', 'cthulhu.legacy.privates'): "found only when other people's code asks for it",
    ('cthulhu.utils.arguments', 'cthulhu.utils.keras1'): 'a table for calls that do not fit',
    ('cthulhu.optimizers.base', 'cthulhu.optimizers.optimizer_v2'): "needed only where other people's code defines such a class",
    ('cthulhu.export.onnx_file', 'cthulhu.export.onnx_graph'): 'it is built on the optional package onnx',
    ('cthulhu.export.onnx_file', 'cthulhu.export.onnx_layers'): 'it is built on the optional package onnx',
}  # fmt: skip

#: Framework -> its folder in `backend`, the only one that imports it.
FRAMEWORKS = {
    'cntk': 'cntk', 'jax': 'jax', 'keras': 'tensorflow', 'pytensor': 'theano', 'tensorflow': 'tensorflow', 'theano': 'theano',
    'torch': 'torch',
}  # fmt: skip


def _files():
    found = {}
    for folder, _, names in os.walk(TOP):
        for name in names:
            if name.endswith('.py'):
                path = os.path.join(folder, name)
                parts = os.path.relpath(path, os.path.dirname(TOP))[: -len('.py')].split(os.sep)
                found['.'.join(parts[:-1] if parts[-1] == '__init__' else parts)] = path
    return found


FILES = _files()


def _parsed(path):
    with open(path, encoding='utf-8') as file:
        source = file.read()
    # the oldest Python that the package runs on; before 3.8 `ast` knows its own grammar only
    options = {'feature_version': (3, 6)} if sys.version_info >= (3, 8) else {}
    return ast.parse(source, path, **options)


def _targets(node):
    """The modules that an import statement names, as far as they are known."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert not node.level, 'imports are absolute'
    inner = [f'{node.module}.{alias.name}' for alias in node.names]
    return [name if name in FILES else node.module for name in inner]


def _is_private(name):
    return name.startswith('_') and not name.startswith('__')


def _defined(tree):
    """The private names that a file gives to something."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return {name for name in found if _is_private(name)}


def _reached(tree):
    """The private names that a file reads of something else than `self`, or imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not (
            isinstance(node.value, ast.Name) and node.value.id in ('self', 'cls')
        ):
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            found.update(alias.name for alias in node.names)
    return {name for name in found if _is_private(name)}


def _imports(tree):
    """Pairs of what is imported, and whether that is inside a function."""
    found, waiting = set(), [(tree, False)]
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((target, inside) for target in _targets(node))
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        waiting.extend((child, inside) for child in ast.iter_child_nodes(node))
    return found


TREES = {name: _parsed(path) for name, path in FILES.items()}
IMPORTS = {name: _imports(tree) for name, tree in TREES.items()}


def _ours(name):
    return [(target, inside) for target, inside in IMPORTS[name] if target in FILES]


def _room(name):
    return 'doors' if name in DOORS else name.split('.')[1]


def test_every_file_has_a_room():
    assert {_room(name) for name in FILES} <= set(ROOMS)


def test_no_circle_of_files():
    # what imports nothing that is left, and what nothing that is left imports, is taken away until a circle remains
    left = {name: {target for target, _ in _ours(name)} - {name} for name in FILES}
    while True:
        wanted = set().union(*left.values()) if left else set()
        free = [name for name in left if not left[name] & set(left) or name not in wanted]
        if not free:
            break
        for name in free:
            del left[name]
    assert not left, left


def test_arrows_go_down():
    arrows = {
        (name, target)
        for name in FILES
        for target, _ in _ours(name)
        if ROOMS.index(_room(target)) > ROOMS.index(_room(name))
    }
    assert arrows == set(UPWARD)
    assert len(UPWARD) <= 5


def test_imports_stand_at_the_top():
    hidden = {(name, target) for name in FILES for target, inside in _ours(name) if inside}
    assert hidden == set(HIDDEN)


def test_private_names_stay_in_their_room():
    defined = {}
    for name, tree in TREES.items():
        defined.setdefault(_room(name), set()).update(_defined(tree))
    everywhere = set().union(*defined.values())
    reaches = {
        (name, each)
        for name, tree in TREES.items()
        if name not in DOORS
        for each in _reached(tree) & everywhere - defined[_room(name)]
    }
    assert not reaches


@pytest.mark.parametrize('framework', sorted(FRAMEWORKS))
def test_a_framework_is_imported_in_its_folder_only(framework):
    home = f'cthulhu.backend.{FRAMEWORKS[framework]}'
    guests = [
        name
        for name in FILES
        if any(target.split('.')[0] == framework for target, _ in IMPORTS[name])
        and not f'{name}.'.startswith(f'{home}.')
    ]
    assert not guests


def test_no_file_is_long():
    lengths = {}
    for name, path in FILES.items():
        with open(path, encoding='utf-8') as file:
            lengths[name] = sum(1 for _ in file)
    assert {name: length for name, length in lengths.items() if length > 500} == {}


def test_no_file_needs_a_newer_python():
    # the grammar is held by parsing; what Python 3.6 parses and cannot import is this
    for name in FILES:
        assert ('__future__', False) not in IMPORTS[name], name
