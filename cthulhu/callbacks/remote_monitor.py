"""RemoteMonitor: the logs of each epoch, sent to a server."""

import json
import urllib.error
import urllib.parse
import urllib.request

import numpy as np

from cthulhu.callbacks.base import Callback
from cthulhu.callers import warn
from cthulhu.utils.arguments import checked

_TIMEOUT = 10


class RemoteMonitor(Callback):
    """Sends the logs of each epoch to a server with an HTTP POST, as JSON with 'epoch' and the values by name.

    A value that is NaN or infinite, which JSON does not have, is sent as null. A server that does not answer within ten
    seconds, or refuses, is warned of; training goes on.

    Arguments:
        root: URL of the server.
        path: path on the server.
        field: name of the field of the form that has the JSON.
        headers: dict of further HTTP headers.
        send_as_json: whether the JSON is sent as the body, as application/json, and not in a form.
    """

    writes = True

    @checked
    def __init__(
        self, root='http://localhost:9000', path='/publish/epoch/end/', field='data', headers=None, send_as_json=False
    ):
        super().__init__()
        if not root.startswith(('http://', 'https://')):
            raise ValueError(f'RemoteMonitor: `root` must begin with http:// or https://; got {root!r}.')
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch, logs=None):
        send = {'epoch': epoch}
        send.update((name, _plain(value)) for name, value in (logs or {}).items())
        text = json.dumps(send)
        if self.send_as_json:
            body, kind = text, 'application/json'
        else:
            body, kind = urllib.parse.urlencode({self.field: text}), 'application/x-www-form-urlencoded'
        headers = dict({'Content-Type': kind}, **(self.headers or {}))
        request = urllib.request.Request(self.root + self.path, body.encode('utf-8'), headers, method='POST')
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
                answer.read()
        except (OSError, urllib.error.URLError) as error:
            warn(f'RemoteMonitor: could not reach the server at {self.root} ({error}).')


def _plain(value):
    """A value as JSON has it."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
