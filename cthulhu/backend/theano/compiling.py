"""Compiling C code sooner: what all modules include is parsed once, and their compilers run side by side.

The framework makes a module of each operation of a function, one after the other, and most of the time of each goes into the
headers of Python, NumPy and C++. It still does all that this file leaves undone. What gains nothing by C code runs in Python.
"""

import concurrent.futures
import copy
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile

from cthulhu.backend.theano.framework import (
    IS_PYTENSOR,
    CLinker,
    CompiledOp,
    DimShuffle,
    FunctionGraph,
    Mode,
    VMLinker,
    cmodule,
    compiler_flags,
    flags,
    theano,
)

# The environment variable that names a mode of the framework, such as FAST_COMPILE, for our functions that are given
# none; or PYTHON, which runs the graph as it was made, node after node in NumPy: slow steps, made at once. Tests use that.
MODE_VARIABLE = 'CTHULHU_THEANO_MODE'

# What every module begins with, and what else many of them include.
_HEADERS = 'Python.h', 'iostream', 'math.h', 'numpy/arrayobject.h', 'numpy/arrayscalars.h', 'vector', 'algorithm'
# Nobody debugs these modules: without what debuggers need they are made sooner.
_FLAG = '-g0'
# What the framework gives the compiler for every module; a compiled header is of use only where all is the same.
_COMMON = ['-shared', '-O3', '-fno-math-errno', '-fvisibility=hidden']
# A compiler takes about 100 MB: so many at most run at once.
_COMPILERS = 8
# Folder -> the header in it, or None.
_tried = {}


def mode():
    """The mode in which our functions are compiled, unless the user says another: an argument, or a flag of theirs.

    C code where there is a compiler. Without one, Numba on PyTensor, and Python on Theano.
    """
    chosen = os.environ.get(MODE_VARIABLE)
    if chosen == 'PYTHON':
        return Mode(linker=VMLinker(use_cloop=False, c_thunks=False), optimizer='merge')
    if chosen:
        return chosen
    configured = theano.config.mode
    if configured not in ('Mode', None) or theano.config.linker not in ('auto', 'cvm'):
        return None
    if theano.config.cxx:
        compiled = Mode(linker=Linker(use_cloop=True), optimizer=theano.config.optimizer)
        # PyTensor's softmax has no C code, what it is made of has.
        return compiled.excluding('local_softmax_stabilize') if IS_PYTENSOR else compiled
    # Theano runs what it has fused in Python one number at a time.
    return None if IS_PYTENSOR else Mode(linker=VMLinker(use_cloop=False, c_thunks=False), optimizer='fast_compile')


class Linker(VMLinker):
    """The framework's linker of C code, in a hurry."""

    def make_all(self, *arguments, **options):
        # The body of a loop is compiled while the function is that it stands in.
        if _FLAG in flags():
            return self._make_all(arguments, options)
        with compiler_flags([_FLAG]):
            headers = _headers()
            with compiler_flags(['-include' + headers] if headers else []):
                return self._make_all(arguments, options)

    def _make_all(self, arguments, options):
        order = self.schedule(self.fgraph)
        for node in order:
            if isinstance(node.op, DimShuffle):
                node.op = _changed(node.op, _turning)
            elif _may_be_compiled(node.op) and not node.op.c_code_cache_version_apply(node):
                # The cache could not keep its module, which would be compiled in each process.
                node.op = _changed(node.op, functools.partial(node.op.make_thunk, impl='py'))
        _compile_ahead(order)
        return super().make_all(*arguments, **options)


def _may_be_compiled(op):
    return type(op).make_thunk is CompiledOp.make_thunk and 'make_thunk' not in vars(op)


def _changed(op, make_thunk):
    """`op`, run by other means."""
    op = copy.copy(op)
    op.make_thunk = lambda node, storage_map, compute_map, no_recycling, impl=None: make_thunk(
        node, storage_map, compute_map, no_recycling
    )
    return op


def _turning(node, storage_map, compute_map, no_recycling):
    """Run an operation that only turns axes, drops them and makes new ones: a view, made by an index."""
    (source,), (target,) = (storage_map[x] for x in node.inputs), (storage_map[x] for x in node.outputs)
    done, order, rank = compute_map[node.outputs[0]], node.op.new_order, node.inputs[0].ndim
    kept = [axis for axis in order if axis != 'x']
    axes = kept + [axis for axis in range(rank) if axis not in kept]
    turned = axes != list(range(rank))
    # The dots make an array of a single number, too.
    index = tuple(None if axis == 'x' else slice(None) for axis in order) + (0,) * (rank - len(kept)) + (Ellipsis,)
    copied = not getattr(node.op, 'inplace', True)

    def run():
        view = (source[0].transpose(axes) if turned else source[0])[index]
        target[0] = view.copy() if copied else view
        done[0] = True

    run.inputs, run.outputs, run.lazy = [source], [target], False
    return run


def _headers():
    """The path of a header that includes the others, beside which stands its compiled form; None where that is not to be had."""
    arguments = _COMMON + cmodule.GCC_compiler.compile_args()
    arguments += ['-I' + folder for folder in cmodule.std_include_dirs()]
    text = ''.join(f'#include <{name}>\n' for name in _HEADERS)
    made_of = repr((text, _version(theano.config.cxx), arguments))
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:16]
    folder = os.path.join(theano.config.base_compiledir, 'cthulhu-headers-' + digest)
    path = os.path.join(folder, 'headers.h')
    # Flags are divided at blanks.
    if folder in _tried or ' ' in path:
        return _tried.get(folder)
    _tried[folder] = None
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        # Another process may do the same: each makes its own, and the last one stays.
        fd, temporary = tempfile.mkstemp('.h', dir=folder)
        with os.fdopen(fd, 'w') as file:
            file.write(text)
        command = [theano.config.cxx] + arguments + ['-x', 'c++-header', temporary, '-o', temporary + '.gch']
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if done.returncode:
            os.remove(temporary)
            return None
        os.replace(temporary + '.gch', path + '.gch')
        os.replace(temporary, path)
    _tried[folder] = path
    return path


@functools.lru_cache()
def _version(compiler):
    return compiler, subprocess.run([compiler, '--version'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def _compile_ahead(order):
    """Put the modules of nodes that the framework's cache lacks into it."""
    cache = cmodule.get_module_cache(theano.config.compiledir)
    missing = {}
    for node in _kinds(order):
        try:
            node.op.prepare_node(node, storage_map=None, compute_map=None, impl='c')
            linker = CLinker().accept(FunctionGraph(node.inputs, node.outputs))
            key = linker.cmodule_key()
            if key not in missing:
                cache.module_from_key(key=key, lnk=_Absent(linker))
        except _IsAbsent:
            missing[key] = linker
        except Exception:
            # No C code for this operation, or wrong code: the framework finds out again, and knows what to do.
            continue
    if not missing:
        return
    folder = tempfile.mkdtemp(prefix='cthulhu-')
    try:
        with concurrent.futures.ThreadPoolExecutor(min(os.cpu_count() or 1, _COMPILERS)) as pool:
            compiled = [
                (key, pool.submit(_compile, linker, os.path.join(folder, str(i))))
                for i, (key, linker) in enumerate(missing.items())
            ]
            try:
                for key, future in compiled:
                    if not future.exception():
                        cache.module_from_key(key=key, lnk=_Present(missing[key], future.result()))
            finally:
                # Interrupted: those that have not begun need not.
                for _, future in compiled:
                    future.cancel()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _kinds(order):
    """The nodes that C code may be made for, one of each kind."""
    found = {}
    for node in order:
        if _may_be_compiled(node.op):
            kind = node.op, tuple(x.type for x in node.inputs), tuple(x.type for x in node.outputs)
            found.setdefault(kind, node)
    return list(found.values())


class _IsAbsent(Exception):
    """The cache has no such module."""


class _Absent:
    """Asks the cache for a module without making it."""

    def __init__(self, linker):
        self.get_src_code = linker.get_src_code

    def compile_cmodule(self, location):
        raise _IsAbsent()


class _Present:
    """Gives the cache a module that is compiled already."""

    def __init__(self, linker, folder):
        self.get_src_code = linker.get_src_code
        self._folder = folder

    def compile_cmodule(self, location):
        (library,) = [name for name in os.listdir(self._folder) if name != 'mod.cpp']
        for name in os.listdir(self._folder):
            shutil.move(os.path.join(self._folder, name), os.path.join(location, name))
        open(os.path.join(location, '__init__.py'), 'w').close()
        return cmodule.dlimport(os.path.join(location, library))


def _compile(linker, folder):
    """Compile a module into a folder of its own, which is returned; it is not loaded."""
    os.mkdir(folder)
    module = linker.get_dynamic_module()
    source = module.code()
    linker.c_compiler().compile_str(
        module_name=module.code_hash,
        src_code=source,
        location=folder,
        include_dirs=linker.header_dirs(),
        lib_dirs=linker.lib_dirs(),
        libs=linker.libraries(),
        preargs=linker.compile_args(),
        py_module=False,
    )
    return folder
