"""docs/preprocessing.md says how many cases were recorded."""

import os

import pytest

pytest.importorskip('PIL')

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def test_the_number_of_cases_is_right():
    from tests.preprocessing.cases import CASES

    with open(os.path.join(ROOT, 'docs', 'preprocessing.md'), encoding='utf-8') as file:
        assert f'a table of {len(CASES)} cases' in file.read()
