"""A network in tiles of many sizes, trained for them or not, ideal and on chips."""
