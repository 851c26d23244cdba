"""The version of formcheck, alone so that any room may know it."""

__version__ = "0.1.0"
