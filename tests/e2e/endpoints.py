"""Endpoints for the operation `invoke`: a server of Lambda's Invoke API for Python functions, webhooks, and hostile ones."""

import datetime
import http.server
import ipaddress
import json
import re
import socket
import ssl
import threading
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ACCOUNT = "111122223333"


def arn(name, qualifier=""):
    """The ARN of a function."""
    return f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:{name}{qualifier and ':'}{qualifier}"


def verdict(event, code="Succeeded", text="", **more):
    """The answer of a function to an event with one task."""
    return {
        "invocationSchemaVersion": event["invocationSchemaVersion"], "invocationId": event["invocationId"],
        "treatMissingKeysAs": "PermanentFailure",
        "results": [{"taskId": event["tasks"][0]["taskId"], "resultCode": code, "resultString": text}], **more,
    }


class Endpoint(http.server.ThreadingHTTPServer):
    """Keeps every call. Functions are called as Lambda does it, other paths as webhooks."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, function, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.function, self.calls, self.lock = function, [], threading.Lock()
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    @property
    def events(self):
        with self.lock:
            return [json.loads(body) for _, _, body in self.calls]

    def handle_error(self, request, client_address):
        """Clients that do not like the certificate hang up."""

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.calls.append((self.path, dict(self.headers), body))
        status, headers = 200, {}
        try:
            answer = self.server.function(json.loads(body), None)
        except Exception as error:
            answer = {"errorMessage": str(error), "errorType": type(error).__name__}
            headers["X-Amz-Function-Error"] = "Unhandled"
        if isinstance(answer, tuple):
            status, headers, answer = answer
        payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(payload)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_):
        pass


class Hostile:
    """Does to each call what the key of its object says."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        self.elsewhere, self.stopped = None, threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        # Whoever hangs up on it is right.
        try:
            with connection:
                self.answer(connection)
        except OSError:
            pass

    def answer(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        while len(body) < length:
            body += connection.recv(65536)
        event = json.loads(body)
        doing = urllib.parse.unquote(event["tasks"][0]["s3Key"]).partition("/")[0].replace("-", "_")
        getattr(self, doing)(connection, event)

    def respond(self, connection, payload, status="200 OK", headers=""):
        payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(payload)}\r\nConnection: close\r\n{headers}\r\n"
        connection.sendall(head.encode() + payload)

    def good(self, connection, event):
        self.respond(connection, verdict(event, text="fine"))

    def never(self, connection, event):
        self.stopped.wait(300)

    def slow(self, connection, event):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not self.stopped.wait(0.05):
            connection.sendall(b" ")

    def huge(self, connection, event):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b"[" * 0x10000 + b"\r\n")

    def announced(self, connection, event):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while True:
            connection.sendall(b" " * 0x10000)

    def headers(self, connection, event):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")

    def malformed(self, connection, event):
        self.respond(connection, b'{"invocationSchemaVersion": "1.0", "results": [')

    def wrong_content(self, connection, event):
        self.respond(connection, b"<html><h1>It works!</h1></html>", headers="Content-Type: text/html\r\n")

    def deep(self, connection, event):
        self.respond(connection, b'{"results": ' + b"[" * 100_000)

    def of_another(self, connection, event):
        self.respond(connection, verdict({**event, "invocationId": "another"}))

    def other_schema(self, connection, event):
        self.respond(connection, verdict({**event, "invocationSchemaVersion": "3.0"}))

    def redirect(self, connection, event):
        self.respond(connection, b"", "302 Found", f"Location: {self.elsewhere}\r\n")

    def same_method(self, connection, event):
        self.respond(connection, b"", "308 Permanent Redirect", f"Location: {self.elsewhere}\r\n")

    def cut(self, connection, event):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")

    def closed(self, connection, event):
        pass

    def no_http(self, connection, event):
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    def broken(self, connection, event):
        self.respond(connection, b"out of \x1b[31morder\n", "500 Internal Server Error")

    def forbidden(self, connection, event):
        self.respond(connection, b"no", "403 Forbidden", "x-amzn-ErrorType: NoSuchKey\r\n")

    def stop(self):
        self.stopped.set()
        self.socket.close()


def tls_context(directory, name="127.0.0.1"):
    """A certificate that nobody trusts unless told to, and what serves with it."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "endpoint")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(private.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True).sign(private, hashes.SHA256()))
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate
