"""Starts the parts of a stack as processes, keeps them running and stops them all.

`python -m sandbox.supervisor` runs the whole stack until Ctrl-C; in a program use `sandbox.supervisor.stack.running`.
"""
