"""Build the sdist, and the wheel from it, of a copy of the checkout; install the wheel where there is nothing else, and run `smoke.py` with it.

python .ci/package.py INTERPRETER FOLDER
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile

#: What of the checkout is for the checkout alone.
LEFT_OUT = r'\.ci/|\.git'
#: What setuptools adds.
MADE = r'PKG-INFO$|setup\.cfg$|[\w.-]+\.egg-info/'


def run(*command, **options):
    print('$ ' + ' '.join(command), flush=True)
    subprocess.check_call(command, **options)


def check_sdist(sdist, source):
    """It has all that is under version control, and nothing else but what setuptools makes."""
    tracked = subprocess.check_output(['git', 'ls-files'], cwd=source, universal_newlines=True).splitlines()
    expected = {name for name in tracked if not re.match(LEFT_OUT, name)}
    with tarfile.open(sdist) as archive:
        names = {member.name.partition('/')[2] for member in archive if member.isfile()}
    found = {name for name in names if not re.match(MADE, name)}
    if found != expected:
        sys.exit(f'{sdist}: it lacks {sorted(expected - found)}; nobody asked for {sorted(found - expected)}.')


def main(interpreter, folder):
    source, dist, bare = (os.path.join(folder, name) for name in ('source', 'dist', 'bare'))
    run('git', 'clone', '--quiet', '.', source)
    run(interpreter, '-m', 'venv', os.path.join(folder, 'builder'))
    builder = os.path.join(folder, 'builder', 'bin', 'python')
    run(builder, '-m', 'pip', 'install', '--quiet', '--no-compile', 'build', 'setuptools', 'wheel')
    with open(os.path.join(folder, 'log'), 'w+', encoding='utf-8') as log:
        try:
            run(builder, '-m', 'build', '--no-isolation', '--outdir', dist, source, stdout=log, stderr=log)
        finally:
            log.seek(0)
            print(''.join(log.readlines()[-10:]), flush=True)
    sdist, wheel = (
        os.path.join(dist, name) for name in sorted(os.listdir(dist), key=lambda name: name.endswith('whl'))
    )
    check_sdist(sdist, source)
    run(interpreter, '-m', 'venv', '--without-pip', os.path.join(folder, 'fresh'))
    fresh = os.path.join(folder, 'fresh', 'bin', 'python')
    run(builder, '-m', 'pip', '--python', fresh, 'install', '--quiet', '--no-compile', wheel)
    os.mkdir(bare)
    shutil.copy(os.path.join('.ci', 'smoke.py'), bare)
    run(fresh, '-I', 'smoke.py', cwd=bare, env=dict(os.environ, CTHULHU_BACKEND='numpy'))


if __name__ == '__main__':
    main(*sys.argv[1:])
