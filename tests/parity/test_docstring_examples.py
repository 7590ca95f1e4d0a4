"""The examples in PyTorch's docstrings print the same here, where they do not depend on random numbers."""

import pytest
from examples import EXCLUDED, differences, documented

pytestmark = pytest.mark.parity

DOCSTRINGS = [(name, text) for name, text in documented() if name not in EXCLUDED]


@pytest.mark.parametrize("text", [text for _, text in DOCSTRINGS], ids=[name for name, _ in DOCSTRINGS])
def test_examples_print_the_same(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some write files
    wrong, _ = differences(text)
    assert not wrong, "\n".join(wrong)
