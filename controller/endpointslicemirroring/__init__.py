"""The endpointslice mirroring controller (KEP-752): Endpoints that people write themselves become EndpointSlices."""
