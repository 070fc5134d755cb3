"""Subresources and virtual resources that are more than reading or writing an object: one file each."""
