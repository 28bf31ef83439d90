"""What frameworks write to the error stream when they start reaches those who asked for it."""

import os
import subprocess
import sys

import pytest

from cthulhu import backend as K
from cthulhu.backend import chatter

PROGRAM = """
import numpy as np
import cthulhu
from cthulhu.layers import Daoloth
from cthulhu.models import Pile
Pile([Daoloth(2, input_shape=(3,))]).predict(np.ones((4, 3)))
"""


def errors(**variables):
    environment = {key: value for key, value in os.environ.items() if key != 'TF_CPP_MIN_LOG_LEVEL'}
    environment.update(variables)
    process = subprocess.Popen([sys.executable, '-c', PROGRAM], env=environment, stderr=subprocess.PIPE)
    written = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 0, written
    return written.splitlines()


@pytest.mark.skipif(K.backend() != 'tensorflow', reason='TensorFlow writes when it starts')
def test_a_user_sees_one_line_unless_more_was_asked_for():
    assert errors() == ['Using tensorflow backend, the default.']
    asked = errors(TF_CPP_MIN_LOG_LEVEL='0')
    assert len(asked) > 1 and 'Using tensorflow backend, the default.' in asked


def test_what_is_no_chatter_comes_through(capfd, monkeypatch):
    monkeypatch.delenv('TF_CPP_MIN_LOG_LEVEL', raising=False)
    with chatter.held_back('tensorflow'):
        assert os.environ['TF_CPP_MIN_LOG_LEVEL'] == '1'
        os.write(2, b'I0000 00:00:1 port.cc:153] oneDNN custom operations are on.\nE0000 00:00:1 out of memory\n')
        assert capfd.readouterr().err == ''
    assert capfd.readouterr().err == 'E0000 00:00:1 out of memory\n' and 'TF_CPP_MIN_LOG_LEVEL' not in os.environ
    with pytest.raises(KeyError), chatter.held_back('tensorflow'):
        os.write(2, b'a word before the end\n')
        raise KeyError
    assert capfd.readouterr().err == 'a word before the end\n'
    monkeypatch.setenv('TF_CPP_MIN_LOG_LEVEL', '0')
    with chatter.held_back('tensorflow'):
        os.write(2, b'I0000 00:00:1 asked for\n')
        assert capfd.readouterr().err == 'I0000 00:00:1 asked for\n'
