"""--feature-gates and --runtime-config."""

from __future__ import annotations

import pytest

from apiserver.features import optional_kinds, policies_enforced


def test_policies_are_off_until_asked_for() -> None:
    assert not policies_enforced([])
    assert policies_enforced(["ValidatingAdmissionPolicy=true", "Other=false"])
    assert policies_enforced(["AllBeta=true"])
    assert not policies_enforced(["AllBeta=true", "ValidatingAdmissionPolicy=false"])
    with pytest.raises(ValueError, match="neither true nor false"):
        policies_enforced(["ValidatingAdmissionPolicy=maybe"])


@pytest.mark.parametrize(
    ("words", "versions"),
    [
        ([], set()),
        (["api/beta=true"], {"v1beta1"}),
        (["api/all=true"], {"v1beta1", "v1alpha1"}),
        (["api/all=true", "admissionregistration.k8s.io/v1alpha1=false"], {"v1beta1"}),
        (["admissionregistration.k8s.io/v1beta1"], {"v1beta1"}),
    ],
)
def test_the_most_exact_word_counts(words: list[str], versions: set[str]) -> None:
    kinds = optional_kinds(words)
    assert {kind.resource.version for kind in kinds} == versions
    assert len(kinds) == 2 * len(versions)
