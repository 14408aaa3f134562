"""A data set is known as soon as its module lies in the folder, and a wrong config is answered with a way out."""

import sys

import pytest
from pydantic import create_model

from data_utils import datasets
from data_utils.config import DataConfig
from utils.errors import InputError
from utils.schema import Strict, validate

SCHEMA = create_model("Schema", __base__=Strict, data=DataConfig)
MOONS = {"standardize": False, "validation": 0.0, "test": 0.0, "split_seed": 0, "name": "moons", "n": 9, "seed": 0}
MODULE = """
from typing import Literal
from data_utils.sections import AllForTraining, HeldOut

class Base(HeldOut):
    ...

class Rings(Base):
    name: Literal["rings"]

    def examples(self):
        raise NotImplementedError
"""


def test_a_data_set_is_known_by_its_module_alone(tmp_path, monkeypatch):
    (tmp_path / "rings.py").write_text(MODULE)
    (tmp_path / "_helpers.py").write_text("raise AssertionError('not a family')")
    known = datasets.config_classes()
    monkeypatch.setattr(datasets, "__path__", [*datasets.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "data_utils.datasets.rings", raising=False)
    assert {config.__name__ for config in set(datasets.config_classes()) - set(known)} == {"Rings"}
    del sys.modules["data_utils.datasets.rings"]


@pytest.mark.parametrize(
    ("data", "way_out"),
    [
        ({**MOONS, "name": "mons"}, "did you mean 'moons'"),
        ({**MOONS, "noises": 0.1}, "data.noises is not a known key, did you mean 'noise'"),
        (MOONS, "data.noise is missing"),
        ({"n": 9}, "data.name is missing"),
    ],
)
def test_a_wrong_config_is_answered_with_a_way_out(data, way_out):
    with pytest.raises(InputError, match=way_out):
        validate(SCHEMA, {"data": data}, "the config")
