import http.server
import json
import threading
import urllib.parse
import warnings

import numpy as np
import pytest

from cthulhu.callbacks import RemoteMonitor
from tests.callbacks.running import tell


@pytest.fixture
def server():
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers['Content-Length'])).decode()
            received.append((self.path, dict(self.headers), body))
            self.send_response(500 if 'refuse' in self.path else 200)
            self.end_headers()

        def log_message(self, *args):
            pass

    made = http.server.HTTPServer(('127.0.0.1', 0), Handler)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    made.received, made.root = received, f'http://127.0.0.1:{made.server_port}'
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


LOGS = {'loss': 0.5, 'lr': np.float32(0.25), 'list': np.array([1.0, np.nan]), 'nan': float('nan')}
SENT = {'epoch': 0, 'loss': 0.5, 'lr': 0.25, 'list': [1.0, None], 'nan': None}


def test_a_form(server):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        tell(RemoteMonitor(server.root, headers={'X-Run': '7'}), [LOGS, {'loss': 0.25}])
    path, headers, body = server.received[0]
    assert path == '/publish/epoch/end/' and headers['X-Run'] == '7'
    assert headers['Content-Type'] == 'application/x-www-form-urlencoded'
    fields = urllib.parse.parse_qs(body)
    assert list(fields) == ['data'] and json.loads(fields['data'][0]) == SENT
    assert json.loads(urllib.parse.parse_qs(server.received[1][2])['data'][0]) == {'epoch': 1, 'loss': 0.25}


def test_json(server):
    tell(RemoteMonitor(server.root, path='/here', send_as_json=True), [LOGS])
    path, headers, body = server.received[0]
    assert path == '/here' and headers['Content-Type'] == 'application/json' and json.loads(body) == SENT


def test_another_field(server):
    tell(RemoteMonitor(server.root, field='message'), [LOGS])
    assert list(urllib.parse.parse_qs(server.received[0][2])) == ['message']


def test_a_server_that_refuses_or_is_not_there_is_warned_of(server):
    with pytest.warns(UserWarning, match='could not reach the server at .* 500'):
        tell(RemoteMonitor(server.root, path='/refuse'), [LOGS])
    with pytest.warns(UserWarning, match='could not reach the server at http://127.0.0.1:1 '):
        tell(RemoteMonitor('http://127.0.0.1:1'), [LOGS])


def test_a_root_that_is_no_server():
    with pytest.raises(ValueError, match='must begin with http'):
        RemoteMonitor('file:///etc')
