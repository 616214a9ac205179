"""Link of the gateware: frames, sparse images, requests and answers, UART and USB."""
