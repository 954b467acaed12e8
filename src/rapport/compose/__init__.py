"""Composing: what a slice brings to the house, in one declaration, and all slices of an installation joined."""
