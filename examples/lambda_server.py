"""Serves a Python function by AWS Lambda's Invoke API on loopback, so that it runs without a change and without Lambda.

    python3 lambda_server.py module.handler [port]

The module is looked for in the working directory. In longshore.toml:

    [endpoint.mine]
    kind = "lambda"
    url = "http://127.0.0.1:9001"
    function = "arn:aws:lambda:us-east-1:111122223333:function:mine"
"""

import http.server
import importlib
import json
import os
import sys


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


def serve(handler, port):
    """The server, which does not listen yet to anybody but the backlog."""

    class Invoke(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            failed = {}
            try:
                answer = json.dumps(handler(json.loads(body), None))
            except Exception as error:  # a function that breaks off costs its own call
                answer = json.dumps({"errorMessage": str(error), "errorType": type(error).__name__})
                failed = {"X-Amz-Function-Error": "Unhandled"}
            self.send_response(200)
            for name, value in {"Content-Type": "application/json", "Content-Length": len(answer.encode()), **failed}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_):
            pass

    return Server(("127.0.0.1", port), Invoke)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.path.insert(0, os.getcwd())
    module, _, function = sys.argv[1].rpartition(".")
    server = serve(getattr(importlib.import_module(module), function), int(sys.argv[2]) if len(sys.argv) == 3 else 9001)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
