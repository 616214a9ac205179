"""What takes many images or many chips, done while nobody draws."""
