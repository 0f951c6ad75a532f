"""Metadata and packages are in setup.cfg."""

from setuptools import setup

setup()
