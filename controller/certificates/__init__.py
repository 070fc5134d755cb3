"""The controllers of CertificateSigningRequests: approving, signing, clearing away."""
