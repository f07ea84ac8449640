"""What flows through the recorder: pictures, packets, and the containers that hold them."""
