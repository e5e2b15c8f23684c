"""Pages about an API, made from its OpenAPI document: ours here, later those of products."""
