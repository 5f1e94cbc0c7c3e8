"""What the OpenAPI document says beyond paths and names: schemas, examples, errors."""
