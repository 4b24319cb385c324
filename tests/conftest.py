"""For all tests: how long one generated example takes says nothing on a machine that others use too."""

from hypothesis import settings

settings.register_profile("xview", deadline=None)
settings.load_profile("xview")
