"""Pictures of what computes: a model's layers, a trace, a tensor's history."""
