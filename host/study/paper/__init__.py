"""The paper's figures and claims: chapters, and what runs and reports them."""
