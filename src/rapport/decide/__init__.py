"""Deciding: what to show at a placement, with odds and reasons, every decision a fact."""
