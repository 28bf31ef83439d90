"""Configurations out of text, JSON and YAML: counted before they are made, as a short text can become many values."""

import json
import re

from cthulhu.storage import budget, trust
from cthulhu.storage.errors import DamagedFileError, UnsafeFileError

_LONGEST_TEXT = 2**26
_DEEPEST = 100
_MOST_VALUES = 2**21
_LONGEST_NUMBER = 400  # digits; making a number of a text takes the square of its length
_LONGEST_PART = (
    6.0  # characters that a value takes in a configuration, at least; more values than that are drawn from the budget
)

_STRINGS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')


def parse_json(text, what='The configuration', length=None):
    """The value of JSON text.

    Arguments:
        text: str, or bytes in UTF-8.
        what: text for errors.
        length: by how many characters its values are explained; if left out, by those of the text.

    Raises:
        DamagedFileError: if it is no JSON.
        UnsafeFileError: if it is too long, or nested too deeply, or has more values than its length explains.
    """
    text = _text(text, what, 'JSON')
    count_values(text, what, length)
    try:
        value = json.loads(text, parse_int=_integer)
    except RecursionError:
        raise UnsafeFileError(f'{what} is nested too deeply to be read.') from None
    except UnsafeFileError:
        raise
    except ValueError as error:
        raise DamagedFileError(f'{what} is not JSON: {error}.') from None
    check_size(value, what)
    return value


def count_values(text, what, length=None):
    """Draw the values of JSON text, before any is made, that are more than its length explains, blanks not counted. Arguments and errors as for `parse_json`."""
    count = _count(text)
    if count > 2**16:
        count = _count(_STRINGS.sub('', text))
    held = len(text) - sum(map(text.count, ' \n\r\t')) // 2
    budget.draw('parts', max(0, count - min(held, len(text) if length is None else length) / _LONGEST_PART), what)


def _text(text, what, kind):
    if isinstance(text, bytes):
        try:
            text = text.decode('utf-8')
        except UnicodeDecodeError as error:
            raise DamagedFileError(f'{what} is not text: {error}.') from None
    if not isinstance(text, str):
        raise TypeError(f'{what} must be text in {kind}; got {text!r} ({type(text).__name__}).')
    if len(text) > _LONGEST_TEXT:
        raise UnsafeFileError(
            f'{what} is {trust.readable(len(text))} long; up to {trust.readable(_LONGEST_TEXT)} are read.'
        )
    return text


def _count(text):
    """How many values JSON text has at most."""
    return 1 + sum(map(text.count, ',[{:'))


def _integer(text):
    if len(text) > _LONGEST_NUMBER:
        raise UnsafeFileError(f'A number in the configuration has more than {_LONGEST_NUMBER} digits. It is not read.')
    return int(text)


def check_size(value, what):
    """Raise UnsafeFileError for a value that is nested too deeply, or has too many parts (those that occur twice count twice).

    Returns:
        About how many characters it takes as text, what occurs twice counted once.
    """
    counts, stack = {}, [(value, 0, False)]
    on_path, length = set(), 0
    while stack:
        item, depth, done = stack.pop()
        if not isinstance(item, (dict, list, tuple)):
            length += len(item) if isinstance(item, str) else 4
            continue
        parts = list(item.values()) if isinstance(item, dict) else list(item)
        if done:
            on_path.discard(id(item))
            counts[id(item)] = total = 1 + sum(counts.get(id(part), 1) for part in parts)
            if total > _MOST_VALUES:
                raise UnsafeFileError(f'{what} has more parts than a model can have.')
            continue
        if depth > _DEEPEST or id(item) in on_path:
            raise UnsafeFileError(f'{what} is nested too deeply to be read.')
        if id(item) in counts:
            continue
        length += 2 * len(parts) + (sum(len(str(key)) for key in item) if isinstance(item, dict) else 0)
        on_path.add(id(item))
        stack.append((item, depth, True))
        stack.extend((part, depth + 1, False) for part in parts)
    return length


# -- YAML --------------------------------------------------------------------------------------------------


def require_yaml(what):
    """The package PyYAML, or an ImportError that says what needs it."""
    try:
        import yaml
    except ImportError:
        raise ImportError(f'{what} needs the package PyYAML, which is not installed: pip install pyyaml.') from None
    return yaml


def parse_yaml(text, what='The configuration'):
    """The value of YAML text, of plain values only (and tuples, which Keras 2 writes); errors as for `parse_json`."""
    yaml = require_yaml('model_from_yaml')
    if isinstance(text, bytes):
        text = text.decode('utf-8', 'replace')
    text = _text(text, what, 'YAML')
    try:
        value = _Composer(yaml, text, what).document()
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, UnsafeFileError):
            raise
        raise DamagedFileError('{} is not YAML: {}.'.format(what, ' '.join(str(error).split())[:500])) from None
    check_size(value, what)
    return value


_TAG = 'tag:yaml.org,2002:'
_TUPLE, _LIST, _DICT = _TAG + 'python/tuple', _TAG + 'seq', _TAG + 'map'
_TEXTS = (_TAG + 'str', _TAG + 'python/unicode', '!')
_UNFINISHED = object()


class _Composer:
    """Makes values of the events of PyYAML's parser, one after the other: its own composer makes nodes of all before anything can be counted."""

    def __init__(self, yaml, text, what):
        self.what = what
        self.yaml = yaml
        quick = yaml.__with_libyaml__
        self.events = yaml.parse(text, Loader=yaml.CSafeLoader if quick else yaml.SafeLoader)
        self.resolvers = yaml.SafeLoader.yaml_implicit_resolvers
        self.constructor = yaml.constructor.SafeConstructor()
        # An event takes some 5 microseconds, or ten times as many where PyYAML has no C; what the length explains is not drawn.
        self.price = 4 if quick else 16
        self.explained = len(text) / (_LONGEST_PART if quick else 2 * _LONGEST_PART)
        self.anchors = {}
        self.depth = 0

    def next(self):
        self.explained -= 1
        if self.explained < 0:
            budget.draw('parts', self.price, self.what)
        return next(self.events)

    def document(self):
        """The value of the only document; None if there is none."""
        events, value = self.yaml.events, None
        event = self.next()
        while not isinstance(event, events.StreamEndEvent):
            if isinstance(event, events.DocumentStartEvent):
                if value is not None:
                    raise ValueError('it has several documents')
                value = self.value(self.next())
            event = self.next()
        return value

    def value(self, event):
        events = self.yaml.events
        if isinstance(event, events.AliasEvent):
            found = self.anchors.get(event.anchor)
            if found is None:
                raise ValueError(f'the alias {event.anchor!r} names nothing')
            if found[0] is _UNFINISHED:
                raise UnsafeFileError(f'{self.what} is nested in itself.')
            return found[0]
        if event.anchor is not None:
            self.anchors[event.anchor] = (_UNFINISHED,)
        if isinstance(event, events.ScalarEvent):
            value = self.scalar(event)
        else:
            self.depth += 1
            if self.depth > _DEEPEST:
                raise UnsafeFileError(f'{self.what} is nested too deeply to be read.')
            value = self.sequence(event) if isinstance(event, events.SequenceStartEvent) else self.mapping(event)
            self.depth -= 1
        if event.anchor is not None:
            self.anchors[event.anchor] = (value,)
        return value

    def scalar(self, event):
        tag = event.tag or (self.tag_of(event.value) if event.implicit[0] else _TEXTS[0])
        if tag in _TEXTS or tag == _TAG + 'merge' or tag == _TAG + 'value':
            return event.value
        make = self.constructor.yaml_constructors.get(tag) if tag.startswith(_TAG) else None
        if make is None or len(event.value) > _LONGEST_NUMBER:
            raise self.refused(event, tag)
        return make(self.constructor, self.yaml.ScalarNode(tag, event.value))

    def tag_of(self, text):
        """What a scalar without quotes is: a longer text is never a number."""
        for tag, pattern in self.resolvers.get(text[:1], ()) if len(text) <= _LONGEST_NUMBER else ():
            if pattern.match(text):
                return tag
        return _TEXTS[0]

    def sequence(self, event):
        if event.tag not in (None, '!', _LIST, _TUPLE):
            raise self.refused(event, event.tag)
        found, end = [], self.yaml.events.SequenceEndEvent
        item = self.next()
        while not isinstance(item, end):
            found.append(self.value(item))
            item = self.next()
        return tuple(found) if event.tag == _TUPLE else found

    def mapping(self, event):
        if event.tag not in (None, '!', _DICT):
            raise self.refused(event, event.tag)
        found, merged, events = {}, {}, self.yaml.events
        item = self.next()
        while not isinstance(item, events.MappingEndEvent):
            key = self.value(item)
            merges = key == '<<' and isinstance(item, events.ScalarEvent) and item.implicit[0]
            if isinstance(key, (list, tuple, dict)):  # the hash of a tuple of tuples can take for ever
                raise ValueError('it has a dict whose keys are neither texts nor numbers')
            value = self.value(self.next())
            if merges:
                self.merge(value, merged)
            else:
                found[key] = value
            item = self.next()
        return {**merged, **found} if merged else found

    def merge(self, value, merged):
        """Add what a merge key brings; the first that has a key counts."""
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, dict):
                raise ValueError('a merge key needs a dict, or a list of them')
            budget.draw('parts', self.price * len(each), self.what)
            for key, item in each.items():
                merged.setdefault(key, item)

    def refused(self, event, tag):
        return UnsafeFileError(
            f'{self.what} asks for more than plain values, which is not read: {str(tag)[:100]} at {str(event.start_mark).strip()[:200]}.'
        )
