"""These tests keep their object code to themselves."""

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    before = os.environ.get("LINEAL_CACHE")
    os.environ["LINEAL_CACHE"] = str(tmp_path_factory.mktemp("objects"))
    yield
    if before is None:
        del os.environ["LINEAL_CACHE"]
    else:
        os.environ["LINEAL_CACHE"] = before
