"""Where plugins come from, for the tests that install them."""

import pytest

from plugin_sources import OciRegistry, Web


@pytest.fixture
def web():
    server = Web()
    yield server
    server.stop()


@pytest.fixture
def oci():
    server = OciRegistry()
    yield server
    server.stop()
