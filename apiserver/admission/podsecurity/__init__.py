"""PodSecurity: the Pod Security Standards (privileged, baseline, restricted), chosen by labels of the namespace.

`plugin` is the admission plugin; `baseline` and `restricted` are the checks, pure."""
