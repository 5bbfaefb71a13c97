"""Wrong implementations that the conformance vectors must tell from the right one."""
