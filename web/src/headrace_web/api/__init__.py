"""One file a domain: a controller and its Structs."""
