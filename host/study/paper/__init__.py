"""The paper's figures and claims: one module each, and what runs and reports them."""
