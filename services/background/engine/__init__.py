"""The drawing engine: arrays and frozen records in and out; it has never heard of gRPC, storage or settings."""
