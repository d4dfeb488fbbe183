import grpc
import pytest

from services.common.errors import Code, ServiceError


@pytest.mark.parametrize("code", Code)
def test_every_code_is_a_grpc_code(code: Code) -> None:
    assert grpc.StatusCode[code].name == code


@pytest.mark.parametrize("error", ServiceError.__subclasses__())
def test_every_error_has_a_code_of_its_own(error: type[ServiceError]) -> None:
    assert [kind for kind in ServiceError.__subclasses__() if kind.code == error.code] == [error]


@pytest.mark.parametrize("error", ServiceError.__subclasses__())
def test_the_tree_at_the_top_of_the_file_is_complete(error: type[ServiceError]) -> None:
    import services.common.errors as module  # noqa: PLC0415 (its docstring is what is tested)

    assert error.__name__ in str(module.__doc__)
