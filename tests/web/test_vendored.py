"""What comes from other makers is as they made it, with its licence beside it."""

from hashlib import sha256
from importlib import resources

VENDOR = resources.files("kvota.web").joinpath("static", "vendor")


def test_vendored_files_have_the_hashes_of_their_packages():
    told = dict(line.split("  ")[::-1] for line in VENDOR.joinpath("SHA256SUMS").read_text().splitlines())
    found = {file.name: sha256(file.read_bytes()).hexdigest() for file in VENDOR.iterdir()}
    assert {**told, "SHA256SUMS": found["SHA256SUMS"]} == found


def test_each_has_its_licence():
    assert "Zero-Clause BSD" in VENDOR.joinpath("htmx.LICENSE.txt").read_text()
    assert "MIT" in VENDOR.joinpath("uPlot.LICENSE.txt").read_text()
