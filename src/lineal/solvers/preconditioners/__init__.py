"""What makes iterations fast: M ≈ A⁻¹."""
