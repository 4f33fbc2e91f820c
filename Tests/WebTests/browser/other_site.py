"""Somebody else's site: pages of an origin of their own."""

import http.server
import threading


class Site:
    """Serves what `pages` has by path: a text, or a function that answers with one."""

    def __init__(self, host):
        self.pages = {}
        site = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                # A browser asks for a picture of the site when it has time.
                page = site.pages.get(self.path.split("?")[0])
                body = (page() if callable(page) else page or "").encode()
                self.send_response(200 if page or self.path == "/favicon.ico" else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
