from tests.escape.conftest import make_house

__all__ = ["make_house"]
