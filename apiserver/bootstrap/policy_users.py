"""What the default cluster roles for people permit. Pure data; labels and bindings are in `policy`."""

from __future__ import annotations

from apiserver.authz.rules import Rule
from apiserver.bootstrap.rolerules import READ, WRITE, paths, rule

USER_ROLES: dict[str, tuple[Rule, ...]] = {
    "cluster-admin": (
        rule("*", "*", "*"),
        paths("*", "*"),
    ),
    "system:aggregate-to-admin": (
        rule("authorization.k8s.io", "localsubjectaccessreviews", "create"),
        rule(
            "rbac.authorization.k8s.io",
            "rolebindings roles",
            "create delete deletecollection get list patch update watch",
        ),
    ),
    "system:aggregate-to-edit": (
        rule("core", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy", READ),
        rule("core", "serviceaccounts", "impersonate"),
        rule("core", "pods pods/attach pods/exec pods/portforward pods/proxy", WRITE),
        rule("core", "pods/eviction", "create"),
        rule(
            "core",
            "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets "
            "serviceaccounts services services/proxy",
            WRITE,
        ),
        rule("core", "serviceaccounts/token", "create"),
        rule(
            "apps",
            "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale "
            "statefulsets statefulsets/scale",
            WRITE,
        ),
        rule("autoscaling", "horizontalpodautoscalers", WRITE),
        rule("batch", "cronjobs jobs", WRITE),
        rule(
            "extensions",
            "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets "
            "replicasets/scale replicationcontrollers/scale",
            WRITE,
        ),
        rule("policy", "poddisruptionbudgets", WRITE),
        rule("networking.k8s.io", "ingresses networkpolicies", WRITE),
        rule("coordination.k8s.io", "leases", "create delete deletecollection get list patch update watch"),
    ),
    "system:aggregate-to-view": (
        rule(
            "core",
            "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods "
            "replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",
            READ,
        ),
        rule(
            "core",
            "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status "
            "resourcequotas resourcequotas/status",
            READ,
        ),
        rule("core", "namespaces", READ),
        rule("discovery.k8s.io", "endpointslices", READ),
        rule(
            "apps",
            "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status "
            "replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
            READ,
        ),
        rule("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status", READ),
        rule("batch", "cronjobs cronjobs/status jobs jobs/status", READ),
        rule(
            "extensions",
            "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses "
            "ingresses/status networkpolicies replicasets replicasets/scale replicasets/status "
            "replicationcontrollers/scale",
            READ,
        ),
        rule("policy", "poddisruptionbudgets poddisruptionbudgets/status", READ),
        rule("networking.k8s.io", "ingresses ingresses/status networkpolicies", READ),
    ),
    "system:auth-delegator": (
        rule("authentication.k8s.io", "tokenreviews", "create"),
        rule("authorization.k8s.io", "subjectaccessreviews", "create"),
    ),
    "system:basic-user": (
        rule("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", "create"),
        rule("authentication.k8s.io", "selfsubjectreviews", "create"),
    ),
    "system:discovery": (
        paths("/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/", "get"),
    ),
    "system:monitoring": (
        paths("/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*", "get"),
    ),
    "system:public-info-viewer": (paths("/healthz /livez /readyz /version /version/", "get"),),
    "system:service-account-issuer-discovery": (
        paths(
            "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
            "get",
        ),
    ),
}
