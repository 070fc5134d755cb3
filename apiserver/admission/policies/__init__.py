"""ValidatingAdmissionPolicies: which are in force for a request (`matching`), what they say (`evaluation`), and what
becomes of that (`plugin`)."""
