"""Every attack at every door: those of `costly` and `costly_doors`, tried and measured.

`python -m tests.saving.sweep` tries all at two sizes, and prints a line of JSON for each door: outcome, processor seconds, memory beyond what the process had before,
and the bytes of the content. With names of makers behind it, only those; with `--sizes 10 100` at those sizes.
"""

import gc
import json
import os
import pathlib
import resource
import sys
import tempfile
import warnings

import numpy as np

from cthulhu import backend as K
from tests.saving.costly import dense_model
from tests.saving.costly_doors import ATTACKS
from tests.saving.measuring import measured


def tried(function):
    """(outcome, text, Cost): the outcome is 'read', or the error's class; the text is the error's."""
    gc.collect()
    outcome, text = 'read', ''
    with measured() as cost:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                function()
        except Exception as error:
            outcome, text = type(error).__name__, str(error)
    return outcome, text, cost


def limited(memory=2**33, seconds=600):
    """Keep this process from taking the machine with it."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def main(names, sizes):
    report, sys.stdout, sys.stderr = sys.stdout, open(os.devnull, 'w'), open(os.devnull, 'w')

    def say(**found):
        print(json.dumps(found), file=report, flush=True)

    dense_model().predict(np.zeros((2, 4)))
    if hasattr(gc, 'freeze'):  # the framework has a million objects, none of which has to be looked at again
        gc.freeze()
    for name in names or ATTACKS:
        for size in sizes or ATTACKS[name].sizes:
            K.clear_session()
            dense_model().predict(np.zeros((2, 4)))  # what a first model makes once is not the attack's
            with tempfile.TemporaryDirectory() as folder:
                say(begun=name, size=size)
                made = ATTACKS[name](size, pathlib.Path(folder))
                for door, function in made.items():
                    outcome, text, cost = tried(function)
                    found = {'attack': name, 'size': size, 'door': door, 'outcome': outcome, 'text': text[:300]}
                    say(seconds=cost.seconds, memory=cost.memory, content=made.content, **found)
    say(ended=True)


if __name__ == '__main__':
    limited()
    at = sys.argv.index('--sizes') if '--sizes' in sys.argv else len(sys.argv)
    main(sys.argv[1:at], [int(size) for size in sys.argv[at + 1 :]])
