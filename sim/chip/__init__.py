"""A chip: one seed's draw of all device variation."""
