import pytest

from data_utils.datasets.boolean import Boolean, Gate

COMMON = {"standardize": False, "validation": 0.0, "test": 0.0, "split_seed": 0}


def boolean(truth_table):
    return Boolean(name="boolean", truth_table=truth_table, **COMMON).examples()


@pytest.mark.parametrize(
    ("gate", "function"), [("and", lambda a, b: a & b), ("or", lambda a, b: a | b), ("xor", lambda a, b: a ^ b)]
)
def test_a_gate_computes_its_function(gate, function):
    examples = Gate(name=gate, **COMMON).examples()
    assert [function(int(a), int(b)) for a, b in examples.inputs] == examples.targets.tolist()


def test_a_truth_table_is_read_from_its_lowest_bit():
    assert boolean(0b0010).targets.tolist() == [0, 1, 0, 0]
    assert boolean(0b0010).inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_the_sixteen_functions_are_different():
    assert len({tuple(boolean(table).targets) for table in range(16)}) == 16
