"""PersistentVolumes and claims: bound to each other, and protected while in use."""
