"""The golden model beside other programs that run the same network."""
