"""The lines of docs/programs.md on looser calls show what they say."""

import doctest
import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.mark.filterwarnings('ignore:A layer was taken off')
def test_the_lines_on_looser_calls():
    with open(os.path.join(ROOT, 'docs', 'programs.md'), encoding='utf-8') as lines:
        section = lines.read().split('## Looser calls\n')[1].split('\n## ')[0]
    blocks = '\n'.join(re.findall('```pycon\n(.*?)```', section, re.S))
    test = doctest.DocTestParser().get_doctest(blocks, {}, 'programs.md', 'programs.md', 0)
    assert len(test.examples) >= 20
    told = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert not result.failed, ''.join(told)
