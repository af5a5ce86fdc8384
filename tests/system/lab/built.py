"""The build under test: the directory SBX_BUILD, or build/ in the tree."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = ROOT / os.environ.get("SBX_BUILD", "build")
BIN = BUILD / "bin"      # what is installed
TESTS = BUILD / "tests"  # what only tests run

# A leak check looks at its own process: such a build is shut less tightly.
SANITIZED = "SBX_SANITIZE:BOOL=ON" in (BUILD / "CMakeCache.txt").read_text()
