"""The link in gateware: frames, sparse images, requests and answers, UART."""
