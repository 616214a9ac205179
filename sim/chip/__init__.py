"""One seed's draw of all device variation, and what an array does beside its cells."""
