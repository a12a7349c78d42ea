"""A release with one migration more than this one; see tests/faults/test_operation.py."""
