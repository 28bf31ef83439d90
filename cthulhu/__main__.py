"""Run a program that was written for Keras: `python -m cthulhu train.py`."""

import argparse
import sys

from cthulhu import __version__, door


def main(arguments):
    parser = argparse.ArgumentParser(
        prog='python -m cthulhu',
        usage='python -m cthulhu [--tf-keras] (SCRIPT | -m MODULE) [ARGUMENT ...]',
        description='Run a program that was written for Keras: in it, and in all that it imports, `keras` is Cthulhu.',
    )
    parser.add_argument('--tf-keras', action='store_true', help='`tensorflow.keras` is Cthulhu, too')
    parser.add_argument('--version', action='version', version=f'Cthulhu {__version__}')
    parser.add_argument(
        '-m', action='store_true', help='what follows is the name of a module, and not the path of a script'
    )
    parser.add_argument('program', nargs=argparse.REMAINDER, help='a script or a module, and its arguments')
    chosen = parser.parse_args(arguments)
    if not chosen.program:
        parser.error('which program? Give the path of a script, or -m and the name of a module.')
    door.open_door(door.KERAS)
    if chosen.tf_keras:
        door.open_door(door.TF_KERAS)
    door.run(['-m'] * chosen.m + chosen.program)


if __name__ == '__main__':
    main(sys.argv[1:])
