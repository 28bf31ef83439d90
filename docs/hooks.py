"""What mkdocs is told beside the pages of this folder: the reference, made of the docstrings, the sources of the examples, and the pages beside README.md."""

import importlib
import inspect
import os
import re
import textwrap

from mkdocs.structure.files import File

os.environ.setdefault('CTHULHU_BACKEND', 'numpy')
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGES = {
    'CONTRIBUTING.md': 'contributing.md',
    'SECURITY.md': 'security.md',
    'CHANGELOG.md': 'changelog.md',
    'README.md': 'index.md',
}
MODULES = (
    'models layers callbacks losses metrics optimizers optimizers.schedules activations initializers regularizers constraints backend '
    'preprocessing.image preprocessing.sequence preprocessing.text datasets applications wrappers.scikit_learn export distribution utils'
).split()
LISTED = 'Arguments', 'Attributes', 'Raises'


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as lines:
        return lines.read()


def on_files(files, config):
    index = [
        '# Reference',
        '',
        'Every public name, under which module it is found, and both of its names where it has two.',
        '',
    ]
    for module in MODULES:
        text, titles = reference(module)
        files.append(File.generated(config, f'reference/{module}.md', content=text))
        index.append(f'## [`cthulhu.{module}`]({module}.md)\n\n' + ' · '.join(titles) + '\n')
    files.append(File.generated(config, 'reference/index.md', content='\n'.join(index)))
    for source, page in PAGES.items():
        if page != 'index.md':
            files.append(File.generated(config, page, content=read(source)))
    for name in sorted(name[:-3] for name in os.listdir(os.path.join(ROOT, 'examples')) if name.endswith('.py')):
        source = read(f'examples/{name}.py')
        text = f'# {name}\n\n```python\n{source}```\n'
        if os.path.exists(os.path.join(ROOT, 'docs', 'outputs', name + '.txt')):
            text += f'\n## What it prints\n\nIts last lines, with `--quick`:\n\n```text\n{read(f"docs/outputs/{name}.txt")}```\n'
        files.append(File.generated(config, f'examples/{name}.md', content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """A link out of this folder leads to the page that is made of the file; where none is, only its text stays."""
    here = page.file.src_uri
    beside = here in PAGES.values() and here != 'index.md'

    def link(match):
        text, target = match.groups()
        path, _, heading = target.partition('#')
        if '://' in target or not path:
            return match.group(0)
        path = os.path.normpath(os.path.join('' if beside else 'docs', path))
        if path in PAGES:
            found = PAGES[path]
        elif (
            path.startswith('docs/')
            and path.endswith('.md')
            or path.startswith('docs/pictures/')
            and path.endswith('.png')
        ):
            found = path[len('docs/') :]
        elif re.match(r'examples/\w+\.py$', path):
            found = path[:-3] + '.md'
        else:
            return text
        return f'[{text}]({found}' + (f'#{heading})' if heading else ')')

    if here.startswith(('reference/', 'examples/')):
        return markdown
    return re.sub(r'\[([^\]\[]*)\]\(([^)\s]+)\)', link, markdown)


def reference(module):
    """The page of a module, and the links to its entries."""
    found = importlib.import_module(f'cthulhu.{module}')
    public = [name for name in getattr(found, '__all__', dir(found)) if not name.startswith('_')]
    entries = {}
    for name in public:
        value = getattr(found, name)
        if inspect.ismodule(value) or not callable(value) or not getattr(value, '__module__', '').startswith('cthulhu'):
            continue
        entries.setdefault(id(value), (value, []))[1].append(name)
    parts, titles = [f'# cthulhu.{module}', '', described(found.__doc__), ''], []
    for value, names in sorted(entries.values(), key=lambda entry: sorted(entry[1])[0].lower()):
        own = getattr(value, '__name__', names[0])
        names = sorted(names, key=lambda name: (name != own, name))
        title = ' · '.join(f'`{name}`' for name in names)
        anchor = re.sub(r'\W', '', names[0]).lower()
        titles.append(f'[{names[0]}]({module}.md#{anchor})')
        parts += [f'## {title} {{ #{anchor} }}', '', signature(names[0], value), described(value.__doc__), '']
        if inspect.isclass(value):
            for method, function in methods(value):
                parts += [
                    f'### `{names[0]}.{method}` {{ #{anchor}-{method} }}',
                    '',
                    signature(method, function),
                    described(function.__doc__),
                    '',
                ]
    return '\n'.join(parts), titles


def methods(owner):
    """The documented methods of a class that are its own, or of a base that has no entry itself."""
    found = {}
    for base in reversed(owner.__mro__):
        entry = base is not owner and any(
            getattr(importlib.import_module(f'cthulhu.{m}'), base.__name__, None) is base for m in MODULES
        )
        if base.__module__.startswith('cthulhu.') and not entry:
            found.update(vars(base))
    for name, value in sorted(found.items()):
        function = (
            inspect.unwrap(getattr(value, '__func__', value)) if callable(getattr(value, '__func__', value)) else None
        )
        if inspect.isfunction(function) and function.__doc__ and not name.startswith('_'):
            yield name, function


def signature(name, value):
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return ''
    text = str(found)
    if len(text) > 100:  # one argument a line
        result = '' if found.return_annotation is found.empty else text[text.rindex(')') + 1 :]
        text = '(\n' + ''.join(f'    {parameter},\n' for parameter in found.parameters.values()) + ')' + result
    text = re.sub(r'\b(?:cthulhu|typing)(?:\.\w+)*\.(\w+)', r'\1', text).replace('NoneType', 'None').replace('~_', '')
    shown = re.sub(r'<[^<>]*? at 0x[0-9a-f]+>|<function (\w+)[^<>]*>', lambda m: m.group(1) or '...', text)
    return f'```python\n{name}{shown}\n```\n'


def described(docstring):
    """A docstring as Markdown: its sections are lists, its examples are code."""
    lines, parts = inspect.cleandoc(docstring or '').split('\n'), []
    while lines:
        line = lines.pop(0)
        section = re.match(r'([A-Z][\w ]*):$', line)
        if section and lines and lines[0].startswith('    '):
            body = []
            while lines and (lines[0].startswith('    ') or not lines[0].strip()):
                body.append(lines.pop(0))
            parts += [
                '',
                f'**{section.group(1)}**',
                '',
                *_body(section.group(1), textwrap.dedent('\n'.join(body)).strip('\n')),
                '',
            ]
        elif line.startswith('```'):
            block = []
            while lines and not lines[0].startswith('```'):
                block.append(lines.pop(0))
            parts += ['```pycon' if '>>>' in '\n'.join(block) else line, *block, *lines[:1]]
            del lines[:1]
        elif line.startswith('>>> '):
            block = [line]
            while lines and lines[0].strip():
                block.append(lines.pop(0))
            parts += ['', '```pycon', *block, '```', '']
        else:
            parts.append(_escaped(line))
    return '\n'.join(parts)


def _body(section, text):
    if section.startswith('Example') or text.startswith('>>>'):
        return ['```pycon', text, '```']
    if section not in LISTED:
        return [_escaped(text)]
    items = []
    for line in text.split('\n'):
        item = re.match(r'([\w*., ]+): (.*)', line)
        if item:
            items.append(f'- `{item.group(1)}`: {_escaped(item.group(2))}')
        elif items:
            items[-1] += ' ' + _escaped(line.strip())
        else:
            items.append(_escaped(line))
    return items


def _escaped(text):
    """What would be HTML, or a link, as the characters that it is; code between backquotes stays."""
    parts = re.split(r'(`[^`]*`)', text)
    return ''.join(part if part.startswith('`') else re.sub(r'([<\[\]*_])', r'\\\1', part) for part in parts)
