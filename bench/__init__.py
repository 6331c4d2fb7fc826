"""Figures that can be made again: one script for each, `make bench` for all; README.md is written by them."""
