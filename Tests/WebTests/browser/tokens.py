"""Tokens as a site makes them for its users: HS256, with what the edge was told."""

import base64
import hashlib
import hmac
import json
import pathlib
import tempfile
import time

SECRET = "a secret that is long enough for the tests"


def secret_file(test):
    """The secret in a file that goes away with a test."""
    folder = tempfile.TemporaryDirectory(prefix="martlet-web-secret-")
    test.addCleanup(folder.cleanup)
    path = pathlib.Path(folder.name) / "secret"
    path.write_text(SECRET)
    return path


def token(user, seconds=600, **claims):
    """A user's token, good for so long."""

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    claims = {"sub": user, "name": user.title(), "exp": int(time.time()) + seconds, **claims}
    signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
    mac = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()
