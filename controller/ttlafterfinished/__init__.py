"""Finished jobs are deleted when their time to live is over."""
