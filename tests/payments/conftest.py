"""The stage of the workflow tests, for proofs about payments."""

from tests.workflows.conftest import stage, time_skipping

__all__ = ["stage", "time_skipping"]
