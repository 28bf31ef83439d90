"""Makes the pictures beside it: runs the cells of `cells.py` in Jupyter, renders them with nbconvert, and photographs each in a headless browser.

It needs a Chromium on the PATH, and `pip install nbconvert ipykernel pillow scikit-learn matplotlib` beside this library. From the root of the checkout:

    PYTHONPATH=. python docs/pictures/make.py
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import nbformat
from nbconvert import HTMLExporter
from nbconvert.preprocessors import ExecutePreprocessor
from PIL import Image, ImageChops
from traitlets.config import Config

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH, HEIGHT = 980, 1500
# A page shows what a notebook shows: of a line that is written anew, the last writing.
SETTINGS = Config({'CoalesceStreamsPreprocessor': {'enabled': True}})


def cells():
    """The names and sources of the cells."""
    with open(os.path.join(HERE, 'cells.py'), encoding='utf-8') as file:
        parts = re.split(r'^# %% (\w+)\n', file.read(), flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], (source.strip() for source in parts[1::2])))


def photograph(browser, page, path):
    """A picture of a page, cut to what is on it."""
    subprocess.check_call(
        [browser, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', f'--screenshot={path}', f'--window-size={WIDTH},{HEIGHT}', 'file://' + page],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    picture = Image.open(path).convert('RGB')
    edge = ImageChops.difference(picture, Image.new('RGB', picture.size, picture.getpixel((WIDTH - 1, HEIGHT - 1))))
    left, top, right, bottom = edge.getbbox()
    picture = picture.crop((0, 0, min(right + 12, WIDTH), min(bottom + 12, HEIGHT)))
    picture.quantize(64).save(path, optimize=True)


def main(folder=HERE):
    """Make all pictures, that of the graph in the dark theme too."""
    browser = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    if browser is None:
        sys.exit('No Chromium was found on the PATH.')
    named = cells()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for _, source in named])
    ExecutePreprocessor(timeout=600).preprocess(notebook, {'metadata': {'path': os.getcwd()}})
    with tempfile.TemporaryDirectory() as work:
        for (name, _), cell in zip(named, notebook.cells):
            if not cell.outputs or name == 'data':
                continue
            for output in cell.outputs:
                if output.output_type == 'error':
                    sys.exit(f'The cell "{name}" failed: {output.ename}: {output.evalue}')
            for theme in ('light', 'dark') if name == 'graph' else ('light',):
                page = nbformat.v4.new_notebook(cells=[cell])
                body, _ = HTMLExporter(theme=theme, config=SETTINGS).from_notebook_node(page)
                path = os.path.join(work, 'page.html')
                with open(path, 'w', encoding='utf-8') as file:
                    file.write(body)
                photograph(browser, path, os.path.join(folder, f'{name}{"-dark" if theme == "dark" else ""}.png'))


if __name__ == '__main__':
    main(*sys.argv[1:])
