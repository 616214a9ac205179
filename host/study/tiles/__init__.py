"""A network cut into tiles, and tiles of many sizes: trained for or not, ideal and on chips."""
