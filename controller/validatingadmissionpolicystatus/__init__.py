"""The validatingadmissionpolicystatus controller."""
