"""Run the examples, and write the table of what each reached and how long it took.

    python examples/run_all.py [--quick] [--table docs/examples.md] [--outputs docs/outputs] [NAME ...]

Each runs in a process of its own. The seconds are those of the processor, of all threads.
"""

import argparse
import ast
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LINES = 15  # of what an example prints, that are kept
OTHERS = ('common', 'run_all', 'digits_mlp')  # digits_mlp is the README's


def names():
    """The names of the examples that end with a figure."""
    found = sorted(file[:-3] for file in os.listdir(HERE) if file.endswith('.py'))
    return [name for name in found if name not in OTHERS]


def title(name):
    """The first line of the docstring of an example."""
    with open(os.path.join(HERE, name + '.py'), encoding='utf-8') as source:
        return ast.get_docstring(ast.parse(source.read())).split('\n')[0]


def run(name, options):
    """What an example printed, and its last line as (what, figure, bound, seconds)."""
    command = [sys.executable, os.path.join(HERE, name + '.py')] + options
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: UP022 (newer than Python 3.6)
    printed, told = (each.decode('utf-8', 'replace') for each in (done.stdout, done.stderr))
    found = re.search(r'^(.*): (\S+) \(expected: (.*); (\d+) s of the processor\)$', printed, re.MULTILINE)
    if done.returncode or found is None:
        raise SystemExit(f'{name} failed:\n{printed[-2000:]}{told[-2000:]}')
    return printed, found.groups()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('names', nargs='*', help='the examples, all of them by default')
    parser.add_argument('--quick', action='store_true', help='in their short form')
    parser.add_argument(
        '--table', help='a Markdown file in which the rows of a table begin with the names; these are replaced'
    )
    parser.add_argument('--outputs', help='a folder for the last lines that each printed')
    options = parser.parse_args()
    rows = {}
    for name in options.names or names():
        printed, (what, figure, bound, seconds) = run(name, ['--quick'] if options.quick else [])
        rows[name] = f'| [{name}](../examples/{name}.py) | {title(name)} | {what}: {figure} | {bound} | {seconds} |'
        print(rows[name], flush=True)
        if options.outputs:
            with open(os.path.join(options.outputs, name + '.txt'), 'w', encoding='utf-8') as file:
                file.write('\n'.join(line.rstrip() for line in printed.strip().split('\n')[-LINES:]) + '\n')
    if options.table:
        with open(options.table, encoding='utf-8') as file:
            lines = file.read().split('\n')
        named = [re.match(r'\| \[(\w+)\]', line) for line in lines]
        lines = [rows.get(found.group(1), line) if found else line for found, line in zip(named, lines)]
        with open(options.table, 'w', encoding='utf-8') as file:
            file.write('\n'.join(lines))


if __name__ == '__main__':
    main()
