"""Checks of the exercises. Each one says which misunderstanding it saw.

A check knows the wrong answers that people give, as functions. It compares, and names the one
that fits. Reading it will not show you the solution, but it spoils the fun.
"""

from coursekit.checks.core import AnswerError, Check

__all__ = ["AnswerError", "Check"]
