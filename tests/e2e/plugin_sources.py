"""Where plugins come from, for the tests of `longshore plugin`: versions of the example, signatures, web servers, OCI registries."""

import base64
import hashlib
import http.server
import json
import re
import threading

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness import TARGET

# The build compiles it there, for a test of engine/builtins that `make test` runs before these.
MODULE = TARGET / "wasm/wasm32-unknown-unknown/release/longshore_example_mark_large.wasm"
DECLARED = ["s3:GetObject", "s3:PutObjectTagging"]


def plugin(version="0.1.0", **changes):
    """The example `mark-large` in a version, with texts in it changed: an action for another of the same length, say."""
    assert MODULE.exists(), "the example plugin is not built: run 'cargo test -p longshore-builtins'"
    # Not the version of the contract, which stands behind an @.
    module, count = re.subn(rb"(?<![@\d.])0\.1\.0(?![\d.])", version.encode(), MODULE.read_bytes())
    assert count >= 1 and len(version) == 5
    for old, new in changes.get("replaced", {}).items():
        assert len(old) == len(new) and old.encode() in module
        module = module.replace(old.encode(), new.encode())
    return module


#: Declares an action that the example does not: the deletion of tags, in the place of writing them.
WIDENED = {"s3:PutObjectTagging": "s3:DeleteObjectTag*"}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Signer:
    """A key pair of minisign. Its format is on <https://jedisct1.github.io/minisign/>; this is not the library that checks it."""

    def __init__(self):
        self.secret = Ed25519PrivateKey.generate()
        raw = self.secret.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.id = hashlib.sha256(raw).digest()[:8]
        self.public = base64.b64encode(b"Ed" + self.id + raw).decode()

    def sign(self, data, comment="mark-large"):
        signature = self.secret.sign(hashlib.blake2b(data).digest())
        whole = self.secret.sign(signature + comment.encode())
        first = base64.b64encode(b"ED" + self.id + signature).decode()
        return f"untrusted comment: a test\n{first}\ntrusted comment: {comment}\n{base64.b64encode(whole).decode()}\n"


class Web(http.server.ThreadingHTTPServer):
    """Serves `files` (path -> bytes) and redirects (path -> URL); with `wanted`, to whoever sends that as Authorization. Others
    get `challenge`. `authorizations` has what came."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.redirects, self.asked, self.types = {}, {}, [], {}
        self.wanted, self.challenge, self.authorizations = None, 'Basic realm="test"', []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self):
        return f"http://{self.address}"

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server, path = self.server, self.path.partition("?")[0]
        server.asked.append(self.path)
        server.authorizations.append(self.headers.get("Authorization"))
        if server.wanted and self.headers.get("Authorization") != server.wanted:
            return self.answer(401, b"{}", {"WWW-Authenticate": server.challenge})
        if path in server.redirects:
            return self.answer(302, b"", {"Location": server.redirects[path]})
        if path in server.files:
            body = server.files[path]
            return self.answer(200, body, server.types.get(path, {}))
        return self.answer(404, b"{}", {})

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class OciRegistry(Web):
    """The part of the OCI distribution specification that pulls."""

    def __init__(self):
        super().__init__()
        self.files["/v2/"] = b"{}"

    def take_tokens_of(self, server, name="token"):
        """Lets in who has the token that another server gives, in a field of this name."""
        token = f"of-{server.address}"
        server.files["/token"] = json.dumps({name: token, "expires_in": 300}).encode()
        self.wanted = f"Bearer {token}"
        self.challenge = f'Bearer realm="{server.url}/token?client=test",service="registry of tests",scope="repository:x:pull"'

    def push(self, repository, tag, layers):
        """Pushes an artifact as `oras push` makes it: (title, media type, bytes) for each layer. The manifest's digest."""
        described = []
        for title, media_type, data in [("", "application/vnd.oci.empty.v1+json", b"{}"), *layers]:
            digest = f"sha256:{sha256(data)}"
            self.files[f"/v2/{repository}/blobs/{digest}"] = data
            annotations = {"annotations": {"org.opencontainers.image.title": title}} if title else {}
            described.append({"mediaType": media_type, "digest": digest, "size": len(data), **annotations})
        media_type = "application/vnd.oci.image.manifest.v1+json"
        manifest = json.dumps({"schemaVersion": 2, "mediaType": media_type, "artifactType": "application/vnd.longshore.plugin",
                               "config": described[0], "layers": described[1:]}).encode()
        digest = f"sha256:{sha256(manifest)}"
        for reference in (tag, digest):
            path = f"/v2/{repository}/manifests/{reference}"
            self.files[path] = manifest
            self.types[path] = {"Content-Type": media_type, "Docker-Content-Digest": digest}
        return digest
