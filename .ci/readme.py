"""Run the commands that the README prints, in a copy of the checkout, with the `python3` that lies beside a given interpreter.

python .ci/readme.py INTERPRETER FOLDER
"""

import os
import re
import subprocess
import sys


def main(interpreter, folder):
    subprocess.check_call(['git', 'clone', '--quiet', '.', folder])
    with open('README.md', encoding='utf-8') as readme:
        commands = re.findall(r'^```sh\n(.*?)^```', readme.read(), re.MULTILINE | re.DOTALL)[:2]
    environment = dict(os.environ, PATH=os.path.dirname(interpreter) + os.pathsep + os.environ['PATH'])
    for command in commands:
        print('$ ' + command.strip(), flush=True)
        subprocess.check_call(['bash', '-ec', command], cwd=folder, env=environment)


if __name__ == '__main__':
    main(*sys.argv[1:])
