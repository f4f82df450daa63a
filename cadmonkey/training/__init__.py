"""Fine-tuning: recipe, plan, preflight, engines, trainer. Everything heavy is imported inside functions."""
