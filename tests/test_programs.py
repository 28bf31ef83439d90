"""docs/programs.md: its lines are typed, behind the door, and show what stands there; its commands are run."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, 'docs', 'programs.md')


def run(arguments, folder):
    environment = dict(os.environ, PYTHONPATH=ROOT, TF_CPP_MIN_LOG_LEVEL='3')
    done = subprocess.run(
        [sys.executable] + arguments, cwd=str(folder), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


def blocks(kind):
    with open(PAGE, encoding='utf-8') as page:
        return re.findall(rf'^```{kind}\n(.*?)^```', page.read(), re.MULTILINE | re.DOTALL)


def test_the_lines_show_what_the_page_says(tmp_path):
    typed = 'import doctest, sys\nfailed, tried = doctest.testfile(sys.argv[1], False)\nprint("tried", tried)\nsys.exit(failed)'
    page = tmp_path / 'programs.md'
    page.write_text('\n'.join(blocks('pycon')))
    found = run(['-W', 'ignore', '-c', typed, str(page)], tmp_path)
    lines = sum(block.count('>>> ') for block in blocks('pycon'))
    assert f'tried {lines}' in found and lines >= 30


def test_the_commands_run_the_program(tmp_path):
    (program,) = blocks('python')
    (tmp_path / 'train.py').write_text(program)
    commands = [line.split() for block in blocks('sh') for line in block.splitlines()]
    assert len(commands) == 3 and all(words[:3] == ['python', '-m', 'cthulhu'] for words in commands)
    for words in commands:
        if '--tf-keras' not in words:  # that needs TensorFlow; its door has a test of its own
            assert '(None, 5) 2.3.1' in run(words[1:], tmp_path)
