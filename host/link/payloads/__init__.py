"""What requests and answers carry: an identity, images, answers, whole memories."""
