"""Public names that are imported when they are first asked for."""

import pytest

from utils.lazy import lazy_names


def test_a_name_comes_from_its_module_and_no_other_is_known() -> None:
    find = lazy_names("utils", {"lazy_names": "lazy"})
    assert find("lazy_names") is lazy_names
    with pytest.raises(AttributeError, match="module 'utils' has no attribute 'other'"):
        find("other")
