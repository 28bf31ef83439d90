"""A server on this machine, for what is downloaded."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    """Gives the files of the server: 'streamed' without a length, 'cut' with a false one; a file of None is not found."""

    def do_GET(self):
        name = self.path.strip('/')
        self.server.asked.append(name)
        content = self.server.files.get(name.split('?')[0])
        if content is None:
            return self.send_error(404, 'Not Found')
        self.send_response(200)
        if name != 'streamed':
            self.send_header('Content-Length', str(len(content) + 1000 * (name in self.server.cut)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        """Say nothing."""


@contextlib.contextmanager
def serving(files):
    """Context with a server of `files` (name -> bytes): its `url`, the names that were `asked` for, and those whose answer is `cut` short."""
    server = HTTPServer(('127.0.0.1', 0), Handler)
    server.files, server.asked, server.cut = dict(files), [], {'cut'}
    server.url = f'http://127.0.0.1:{server.server_port}/'
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
