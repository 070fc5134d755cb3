"""The kubelet's own certificates: asked for by CertificateSigningRequests, kept in --cert-dir, renewed in time."""
