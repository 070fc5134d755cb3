"""What every part of the system shares and which knows no kind of object.

Group/version/resource names, quantities, selectors, Status errors, patches,
field management, the compiled schema and the watch-stream decoder. Pure."""
