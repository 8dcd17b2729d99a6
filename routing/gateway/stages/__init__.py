"""The stages of a request, a file each; the order in which they come is in routing.gateway.pipeline."""
