"""The declarations of the authentication.k8s.io/v1 and authorization.k8s.io/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind

KINDS: tuple[Kind, ...] = (
    Kind(resource=r.SELF_SUBJECT_REVIEWS, singular="selfsubjectreview", verbs=("create",)),
    Kind(resource=r.TOKEN_REVIEWS, singular="tokenreview", verbs=("create",)),
    Kind(resource=r.LOCAL_SUBJECT_ACCESS_REVIEWS, singular="localsubjectaccessreview", verbs=("create",)),
    Kind(resource=r.SELF_SUBJECT_ACCESS_REVIEWS, singular="selfsubjectaccessreview", verbs=("create",)),
    Kind(resource=r.SELF_SUBJECT_RULES_REVIEWS, singular="selfsubjectrulesreview", verbs=("create",)),
    Kind(resource=r.SUBJECT_ACCESS_REVIEWS, singular="subjectaccessreview", verbs=("create",)),
)
