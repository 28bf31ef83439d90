import collections
import os
import subprocess
import sys
import textwrap

import pytest

from cthulhu.backend import frameworks, load

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONLY_BACKEND = """
import sys, types
# The package without what `import cthulhu` brings: only `cthulhu.backend` is looked at here.
package = types.ModuleType('cthulhu')
package.__path__ = [{path!r}]
sys.modules['cthulhu'] = package
""".format(path=os.path.join(ROOT, 'cthulhu'))


Done = collections.namedtuple('Done', 'returncode stdout stderr')


def python(code, folder, **environment):
    """Run code in a new Python that finds modules in `folder`, and no configuration file."""
    clean = {k: v for k, v in os.environ.items() if k not in ('CTHULHU_BACKEND', 'KERAS_BACKEND')}
    clean.update(CTHULHU_HOME=str(folder / 'home'), PYTHONPATH=os.pathsep.join([str(folder), ROOT]), **environment)
    process = subprocess.Popen(
        [sys.executable, '-c', textwrap.dedent(code)],
        env=clean,
        cwd=str(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    stdout, stderr = process.communicate(timeout=120)
    return Done(process.returncode, stdout.decode(), stderr.decode())


def test_what_was_chosen_and_by_what_is_said_on_stderr(tmp_path):
    done = python('from cthulhu import backend as K; print(K.backend())', tmp_path, KERAS_BACKEND='numpy')
    assert done.stdout == 'numpy\n'
    assert done.stderr == 'Using numpy backend, as the environment variable KERAS_BACKEND says.\n'


def test_importing_writes_nothing_and_imports_no_other_framework(tmp_path):
    code = """
    from cthulhu import backend
    loaded = set(sys.modules)
    print(sorted(loaded & {'tensorflow', 'theano', 'pytensor', 'cntk', 'keras', 'h5py', 'cthulhu.layers'}))
    """
    done = python(ONLY_BACKEND + textwrap.dedent(code), tmp_path, CTHULHU_BACKEND='numpy', HOME=str(tmp_path))
    assert done.stdout == '[]\n', done.stderr
    assert not (tmp_path / 'home').exists() and not (tmp_path / '.cthulhu').exists()


def test_a_backend_that_this_release_lacks(monkeypatch):
    monkeypatch.setattr(load, '_loaded', {})
    monkeypatch.setattr(load, 'is_implemented', lambda name: name in ('tensorflow', 'theano', 'numpy'))
    with pytest.raises(
        ImportError, match="'cntk' is not in this release of Cthulhu, which has: tensorflow, theano, numpy"
    ):
        load.load_backend('cntk')


def test_a_framework_that_is_asked_for_and_not_installed(monkeypatch):
    monkeypatch.setattr(load, '_loaded', {})
    monkeypatch.setattr(load, 'is_installed', lambda name: False)
    with pytest.raises(ImportError, match=r"(?s)'tensorflow' was asked for .*pip install tensorflow"):
        load.load_backend('tensorflow')


@pytest.mark.parametrize(
    'version, line',
    [
        ((3, 6), 'Theano==1.0.5 numpy==1.19.5 scipy==1.5.4'),
        ((3, 8), 'Theano==1.0.5 numpy==1.21.6 scipy==1.7.3'),
        ((3, 12), "'pytensor>=3'"),
    ],
)
def test_theano_that_is_not_installed_says_what_is_for_this_python(monkeypatch, version, line):
    monkeypatch.setattr(load, '_loaded', {})
    monkeypatch.setattr(load, 'is_installed', lambda name: False)
    monkeypatch.setattr(frameworks.sys, 'version_info', version + (1,))
    with pytest.raises(ImportError) as caught:
        load.load_backend('theano')
    assert f'Install it with\n    pip install {line}\n' in str(caught.value)


@pytest.mark.parametrize(
    'version, words',
    [
        (
            (3, 6),
            'pip install cntk==2.7.post2 numpy==1.19.5\nand the libraries of OpenMPI, which it needs, with\n    sudo apt-get install',
        ),
        ((3, 9), 'where there is Python 3.6: CNTK 2.7, the last one, is not made for this one, 3.9;'),
    ],
)
def test_cntk_that_is_not_installed_says_what_it_needs(monkeypatch, version, words):
    monkeypatch.setattr(load, '_loaded', {})
    monkeypatch.setattr(load, 'is_installed', lambda name: False)
    monkeypatch.setattr(frameworks.sys, 'version_info', version + (1,))
    with pytest.raises(ImportError) as caught:
        load.load_backend('cntk')
    assert words in str(caught.value)


def test_the_same_instance_at_every_call():
    assert load.load_backend('numpy') is load.load_backend('numpy')


def test_an_external_class(tmp_path):
    (tmp_path / 'my_package').mkdir()
    (tmp_path / 'my_package' / 'my_module.py').write_text(
        textwrap.dedent(
            """
            from cthulhu.backend.numpy import NumPyBackend

            class Backend(NumPyBackend):
                name = 'mine'

                def softsign(self, x):
                    return 'my softsign'
            """
        )
    )
    code = 'from cthulhu import backend as K; print(K.active.name, K.backend(), K.softsign(1.0), K.eval(K.square(3.0)))'
    done = python(code, tmp_path, CTHULHU_BACKEND='my_package.my_module')
    assert done.stdout == 'mine my_package.my_module my softsign 9.0\n', done.stderr


def test_an_external_instance(tmp_path):
    (tmp_path / 'ready.py').write_text('from cthulhu.backend.numpy import NumPyBackend\nbackend = NumPyBackend()\n')
    code = 'from cthulhu import backend as K; import ready; print(K.active is ready.backend)'
    assert python(code, tmp_path, KERAS_BACKEND='ready').stdout == 'True\n'


def test_external_functions(tmp_path):
    (tmp_path / 'plain.py').write_text(
        textwrap.dedent(
            """
            from cthulhu.backend.load import load_backend
            from cthulhu.backend.contract import Backend

            _numpy = load_backend('numpy')
            for _name in dir(Backend):
                if getattr(getattr(Backend, _name), '__isabstractmethod__', False):
                    def _make(name):
                        return lambda *args, **kwargs: getattr(_numpy, name)(*args, **kwargs)
                    globals()[_name] = _make(_name)

            def elu(x, alpha=1.0):
                return 'my elu'

            dtypes = ('float32', 'mine')

            def cast(x, dtype):
                return f'my {dtype}'
            """
        )
    )
    code = 'from cthulhu import backend as K; print(K.active.name, K.elu(1.0), K.eval(K.softsign(K.constant(1.0))))'
    done = python(code, tmp_path, CTHULHU_BACKEND='plain')
    assert done.stdout == 'plain my elu 0.5\n', done.stderr
    code = "from cthulhu import backend as K; print(K.cast(1, float), K.cast(1, dtype='mine')); K.cast(1, 'int32')"
    done = python(code, tmp_path, CTHULHU_BACKEND='plain')
    assert done.stdout == 'my float32 my mine\n'
    assert "dtype: expected one of 'float32', 'mine', got 'int32'" in done.stderr


def test_external_functions_that_lack_some(tmp_path):
    (tmp_path / 'lacking.py').write_text('def placeholder(shape=None): pass\ndef abs(x): return x\n')
    done = python('import cthulhu.backend', tmp_path, CTHULHU_BACKEND='lacking')
    assert 'TypeError: ModuleBackend (lacking) is not a complete backend. It lacks' in done.stderr
    assert ' argmax, ' in done.stderr and ' variable, ' in done.stderr
    assert ' abs, ' not in done.stderr and ' placeholder, ' not in done.stderr


def test_a_module_that_is_not_there(tmp_path):
    done = python('import cthulhu.backend', tmp_path, CTHULHU_BACKEND='no_such.backend')
    assert (
        "ImportError: The backend 'no_such.backend' is none of tensorflow, jax, torch, theano, cntk, numpy, nor"
        in done.stderr
    )


def test_a_module_whose_own_import_fails_shows_that_error(tmp_path):
    (tmp_path / 'broken.py').write_text('import no_such_framework\n')
    done = python('import cthulhu.backend', tmp_path, CTHULHU_BACKEND='broken')
    assert "No module named 'no_such_framework'" in done.stderr and 'is none of' not in done.stderr


def test_a_broken_backend_name_in_the_environment(tmp_path):
    done = python('import cthulhu.backend', tmp_path, CTHULHU_BACKEND=' ')
    assert 'ValueError: environment variable CTHULHU_BACKEND: expected the name of a backend' in done.stderr


def test_a_backend_of_others_and_who_chose_it(tmp_path):
    (tmp_path / 'openvino.py').write_text('')  # a module of that name is no backend
    done = python('import cthulhu.backend', tmp_path, KERAS_BACKEND='openvino')
    assert "ImportError: The backend 'openvino' is not in this release of Cthulhu, which has: " in done.stderr
    assert "Why 'openvino': as the environment variable KERAS_BACKEND says." in done.stderr
