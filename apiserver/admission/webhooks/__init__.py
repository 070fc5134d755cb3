"""Admission webhooks: rules and selectors decide (`matching`), an AdmissionReview is sent (`review`, `caller`), and the
answers change or refuse the object (`plugin`)."""
