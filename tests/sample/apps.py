from django.apps import AppConfig


class SampleConfig(AppConfig):
    """A small app that exists only here, so that the floor can be tested without any of the product's apps."""

    name = "tests.sample"
    label = "sample"
