"""Pictures: one module each, a function from data to a figure; `style` has their looks."""
