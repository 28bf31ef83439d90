"""Run the tests of projects that were written for Keras through the door, and on Keras 2.3.1, and print what passes where.

    python .ci/programs.py FOLDER [PROJECT ...]

FOLDER has two environments, `keras2` and `door`; `.ci/programs` makes them. A project is a source distribution on PyPI that carries its tests; it is used
as it is. On the side of Keras 2.3.1, projects for `tensorflow.keras` run on that of TensorFlow 1.15. What has been run within `LIMIT` counts, and the table
says where a side was ended then. The exit status is 1 if a test passes on Keras 2.3.1 and not here, unless `GONE` says what NumPy, TensorFlow or Python have
dropped.
"""

import collections
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

Project = collections.namedtuple('Project', ['tests', 'needs', 'door'])


def of(tests='tests', needs=(), door='keras'):
    return Project(tests, needs, door)


ATTENTION = ('keras-self-attention==0.46.0',)
HEADS = ATTENTION + ('keras-multi-head==0.27.0',)
TRANSFORMER = HEADS + (
    'keras-pos-embd==0.11.0',
    'keras-layer-normalization==0.14.0',
    'keras-position-wise-feed-forward==0.6.0',
    'keras-embed-sim==0.8.0',
)
NEWER = (
    'keras-self-attention==0.51.0', 'keras-multi-head==0.29.0', 'keras-pos-embd==0.13.0', 'keras-layer-normalization==0.16.0',
    'keras-position-wise-feed-forward==0.8.0', 'keras-embed-sim==0.10.0',
)  # fmt: skip

#: Name and version on PyPI -> where its tests are, the source distributions that it needs, and the door that it goes through.
PROJECTS = {
    'keras-rl==0.4.2': of('tests/rl'),
    'Keras-Applications==1.0.8': of('tests/imagenet_utils_test.py'),
    'Keras-Preprocessing==1.1.2': of(),
    'keras-self-attention==0.46.0': of(),
    'keras-multi-head==0.27.0': of(needs=ATTENTION),
    'keras-pos-embd==0.11.0': of(),
    'keras-layer-normalization==0.14.0': of(needs=HEADS + ('keras-pos-embd==0.11.0',)),
    'keras-position-wise-feed-forward==0.6.0': of(needs=TRANSFORMER),
    'keras-embed-sim==0.8.0': of(),
    'keras-transformer==0.33.0': of(needs=TRANSFORMER),
    # keras-adabound is left out: it sets `lr`, which Keras 2.3.1 does not take. Some tests of keras-bert need files that its distribution lacks.
    'keras-bert==0.81.1': of(needs=TRANSFORMER + ('keras-transformer==0.33.0',)),
    'keras-radam==0.15.0': of(),
    'keras-lookahead==0.9.0': of(needs=('keras-radam==0.15.0',)),
    'keras-lr-multiplier==0.9.0': of(),
    'keras-drop-block==0.5.0': of(),
    'keras-octave-conv==0.8.0': of(),
    'keras-ordered-neurons==0.8.0': of(),
    'keras-adaptive-softmax==0.6.0': of(needs=('keras-embed-sim==0.8.0',) + TRANSFORMER),
    'keras-targeted-dropout==0.5.0': of(),
    'keras-trans-mask==0.4.0': of(),
    'keras-self-attention==0.51.0': of(door='tensorflow.keras'),
    'keras-multi-head==0.29.0': of(needs=NEWER, door='tensorflow.keras'),
    'keras-transformer==0.40.0': of(needs=NEWER, door='tensorflow.keras'),
    'keras-bert==0.89.0': of(needs=NEWER + ('keras-transformer==0.40.0',), door='tensorflow.keras'),
}  # fmt: skip

#: (project, pattern of tests) -> what they need that newer NumPy, TensorFlow or Python do not have.
GONE = {
    ('keras-pos-embd==0.11.0', 'test_trig_pos_embd'): 'tf.Session, which TensorFlow has taken away in 2.0',
    (
        'keras-rl==0.4.2',
        'test_multi_cem_input',
    ): 'np.array of lists of different lengths, which NumPy refuses since 1.24',
    (
        'Keras-Preprocessing==1.1.2',
        'directory_iterator',
    ): 'pictures of 32 bits written as PNG, which Pillow does not do any more',
    ('Keras-Preprocessing==1.1.2', 'pad_sequences'): 'np.unicode_, which NumPy has taken away in 2.0',
    (
        'Keras-Preprocessing==1.1.2',
        'test_tokenizer',
    ): 'an array of lists of different lengths, which NumPy refuses since 1.24',
}

# A project's own options may want plugins of pytest that are not there.
PLUGIN = os.path.dirname(os.path.abspath(__file__))
PYTEST = '-m pytest -q -p no:cacheprovider -p outcomes --tb=short --continue-on-collection-errors -o addopts='.split()

#: What `outcomes` says of a test that was being run when a side was ended.
ENDED = 'was not ended'

#: Seconds that the tests of a project may take on each side. What has been run till then counts.
LIMIT = 1800


def fetched(project, work):
    """The folder of an unpacked source distribution; None if PyPI has none."""
    place = os.path.join(work, 'sources', project)
    if not os.path.isdir(place):
        download = [sys.executable] + '-m pip download --quiet --no-binary :all: --no-deps --no-build-isolation'.split()
        if subprocess.call(
            download + ['--dest', place + '.sdist', project], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ):
            return None
        with tarfile.open(glob.glob(place + '.sdist/*')[0]) as archive:
            archive.extractall(place)
    return glob.glob(place + '/*')[0]


def run(command, project, folder, path, log):
    """Run a project's tests in a fresh copy, as they may leave files there, and `read` what came of them."""
    copy = os.path.join(log, project)
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    path = [copy] + path
    outcomes = os.path.join(log, f'{project}.outcomes')
    if os.path.exists(outcomes):
        os.remove(outcomes)
    with open(os.path.join(log, f'{project}.log'), 'w') as output:
        subprocess.call(
            ['timeout', str(LIMIT)] + command + PYTEST + [PROJECTS[project].tests],
            cwd=copy,
            env=dict(
                os.environ, PYTHONPATH=os.pathsep.join(path + [PLUGIN]), PYTHONDONTWRITEBYTECODE='1', OUTCOMES=outcomes
            ),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return read(outcomes)


def read(outcomes):
    """A dict, name of a test that was run -> None, or the first line of what it failed with; an empty one where there is no file."""
    if not os.path.exists(outcomes):
        return {}
    with open(outcomes) as file:
        found = dict(json.loads(each) for each in file)
    return {name: problem for name, problem in found.items() if problem != 'skipped'}


def tally(found):
    """(number of tests that passed, number of the others, what there is to say of them)."""
    passed = sum(problem is None for problem in found.values())
    ended = any(problem == ENDED for problem in found.values())
    return passed, len(found) - passed, f', and was ended after {LIMIT} s' if ended else ''


def line(project, passed, failed, there):
    return f'{project:<42} {passed:>6} {failed:>6}   {there}'


def main(work, chosen):
    logs = {side: os.path.join(work, 'logs', side) for side in ('door', 'keras2')}
    for log in logs.values():
        os.makedirs(log, exist_ok=True)
    rows, lost = [], []
    for project in [each for each in PROJECTS if not chosen or each in chosen or each.split('==')[0] in chosen]:
        folder = fetched(project, work)
        path = [fetched(need, work) for need in PROJECTS[project].needs]
        if None in [folder] + path:
            rows.append((project, 'PyPI has no source distribution of it, or of what it needs', '', ''))
            continue
        door = ['-m', 'cthulhu'] + ['--tf-keras'] * (PROJECTS[project].door != 'keras')
        here = run([f'{work}/door/bin/python'] + door, project, folder, path, logs['door'])
        there = read(
            os.path.join(logs['keras2'], f'{project}.outcomes')
        )  # that stays as it is, and is kept from the last run
        there = there or run([f'{work}/keras2/bin/python'], project, folder, path, logs['keras2'])
        (passed, failed, ended), (passed_there, failed_there, ended_there) = tally(here), tally(there)
        told = f'{passed_there} of {passed_there + failed_there}{ended_there}' + (f' (here{ended})' if ended else '')
        rows.append((project, passed, failed, told))
        print(line(*rows[-1]), flush=True)
        for name, problem in sorted(there.items()):
            if problem is None and here.get(name, 'not run') is not None:
                gone = [why for (each, pattern), why in GONE.items() if each == project and re.search(pattern, name)]
                print(f'    {name}: {here.get(name, "not run")}' + (f' ({gone[0]})' if gone else ''), flush=True)
                lost += [] if gone else [name]
    print('\n' + line('project', 'passed', 'failed', 'passed on Keras 2.3.1'))
    for row in rows:
        print(line(*row))
    return 1 if lost else 0


if __name__ == '__main__':
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    sys.exit(main(os.path.abspath(sys.argv[1]), sys.argv[2:]))
