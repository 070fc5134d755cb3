"""The cluster's zone as pure values: Services and EndpointSlices go in, records come out."""
