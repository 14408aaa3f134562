"""Grades what a learner wrote and proves that a chapter's tests notice a lost idea; see README.md of cli."""
