"""A digit that is drawn on the page is read as the digit that it is."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.framing import framed
from inference.predictor import Predictor
from tests.doubles.api_server import ROOT, trained
from tests.unit.inference.test_framing import STROKES, drawn

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    """The model of digits; the chapter's modules are gone afterwards: those of others have the same names."""
    paths, modules = list(sys.path), set(sys.modules)
    outputs = trained("03_mlp", "digits", tmp_path_factory.mktemp("digits"), epochs=12)
    yield Predictor.from_checkpoint(Path(ROOT, "models/03_mlp"), "latest", outputs)
    sys.path[:] = paths
    for path in (ROOT / "models/03_mlp/src").glob("*.py"):
        if path.stem not in modules:
            sys.modules.pop(path.stem, None)


@pytest.mark.parametrize("pen", [28, 38, 46])
def test_the_ten_digits_are_read(predictor: Predictor, pen: int) -> None:
    pictures = []
    for strokes in STROKES.values():
        content = io.BytesIO()
        framed(drawn(strokes, pen), "digits").save(content, "PNG")
        pictures.append(content.getvalue())
    assert [answer.model_dump()["label"] for answer in predictor.predict(pictures)] == list(STROKES)
